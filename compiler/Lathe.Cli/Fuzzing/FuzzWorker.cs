using System.Globalization;
using System.Text.Json;
using Lathe.Cli.Output;
using Lathe.Cli.Workers;

namespace Lathe.Cli.Fuzzing;

/// <summary>
/// Runs mutants one after the other in a process: a number goes in as a line, what became of that mutant comes back as a line of JSON. A mutant
/// that ends the process, takes too long or too much memory is a defect; the next gets a new process.
/// </summary>
/// <param name="arguments">The command line of the process, without <see cref="WorkerProcess.Flag"/>.</param>
/// <param name="timeLimit">How much of a processor a mutant may take.</param>
/// <param name="memoryLimit">How many bytes the process may hold.</param>
internal sealed class FuzzWorker(IReadOnlyList<string> arguments, TimeSpan timeLimit, long memoryLimit) : IDisposable
{
    private readonly WorkerProcess _process = new(arguments, memoryLimit);

    /// <summary>Runs a mutant.</summary>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public MutantResult Run(int number, CancellationToken cancellation)
    {
        _process.Refresh();
        _process.Send(number.ToString(CultureInfo.InvariantCulture));
        WorkerReply reply = _process.Receive(timeLimit, cancellation);
        return reply.Line is { } line ? JsonSerializer.Deserialize<MutantResult>(line, JsonLine.Options)! : new MutantResult(KindOf(reply.End), null, reply.Reason);
    }

    /// <summary>Ends the process.</summary>
    public void Dispose() => _process.Dispose();

    /// <summary>What the process does: answers until its input ends.</summary>
    public static void Serve(TextReader input, TextWriter output, Func<int, MutantResult> run)
    {
        while (input.ReadLine() is { } line)
        {
            output.WriteLine(JsonLine.Of(run(int.Parse(line, CultureInfo.InvariantCulture))));
            output.Flush();
        }
    }

    private static string KindOf(WorkerEnd? end) => end switch
    {
        WorkerEnd.Hang => Defect.Hang,
        WorkerEnd.Memory => Defect.Memory,
        _ => Defect.Crash,
    };
}
