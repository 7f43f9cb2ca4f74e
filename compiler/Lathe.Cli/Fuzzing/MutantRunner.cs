using Lathe.Cli.Models;
using Lathe.Cli.Output;
using Lathe.Compiler;
using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Onnx;
using Lathe.Runtime;

namespace Lathe.Cli.Fuzzing;

/// <summary>Compiles a mutant and, if that is possible, loads and runs it, in this process.</summary>
internal sealed class MutantRunner(Corpus corpus, CompileOptions options, int? threads, TimeSpan timeLimit, string folder)
{
    /// <summary>One of how many that compile is compiled and run again, to compare.</summary>
    private const int RepeatedShare = 8;

    // What a mutant may ask for in order to be run. More is its good right: a model may have any size that fits the machine.
    private const long MaxArenaBytes = 64L << 20, MaxTraffic = 512L << 20, MaxMacs = 1L << 29;

    /// <summary>The longest message that somebody can read.</summary>
    private const int MaxMessage = 4000;

    /// <summary>How much of a stack trace is reported.</summary>
    private const int Frames = 5;

    /// <summary>Errors of a request that its dims and data may cause: sizes that they determine.</summary>
    private static readonly string[] DataErrorIds = [ErrorIds.DoesNotFit, ErrorIds.Data];

    /// <summary>An error of a kernel. What it reports is the data's fault, such as an index that is out of range; an exception is not.</summary>
    private const string KernelErrorId = ErrorIds.Kernel;

    /// <summary>Makes the mutant of a number, compiles and runs it.</summary>
    public MutantResult Run(int number)
    {
        string path = Path.Combine(folder, "model.onnx"), output = Path.Combine(folder, $"{number}");
        File.WriteAllBytes(path, corpus.Mutant(number).Mutant.Model);
        try
        {
            CompileResult result = Compilation.Compile(path, options);
            if (Unreadable(result.Diagnostics) is { } unreadable) return new MutantResult(Defect.InternalError, null, unreadable);
            if (result.Module is null) return Rejected(result.Diagnostics);
            if (number % RepeatedShare == 0 && Compilation.Compile(path, options).Module?.Assembly.AsSpan().SequenceEqual(result.Module.Assembly) != true)
                return new MutantResult(Defect.Nondeterministic, null, "compiled twice it is not the same");
            OutputFiles.WriteFolder(result.Module, output, path);
            bool repeat = number % RepeatedShare == 0 && !OnnxFrontEnd.IsRandom(path);
            return Guarded(() => RunCompiled(result.Module, output, repeat), Defect.AcceptedThenFailed);
        }
        catch (Exception failure)
        {
            return Failed(failure, Defect.InternalError);
        }
        finally
        {
            if (Directory.Exists(output)) Directory.Delete(output, recursive: true);
        }
    }

    private MutantResult RunCompiled(CompiledOutput compiled, string directory, bool repeat)
    {
        using CompiledModel model = CompiledModel.Load(Path.Combine(directory, compiled.AssemblyName + ".dll"), new LatheOptions { Threads = threads, Unloadable = true });
        CompileReport report = compiled.Report;
        long traffic = report.Groups.Aggregate(0L, (sum, group) => checked(sum + group.Bytes));
        if (report.ArenaBytes > MaxArenaBytes || traffic > MaxTraffic || report.Macs > MaxMacs)
            return new MutantResult(Outcomes.Compiled, null, $"arena {report.ArenaBytes} bytes, {traffic} bytes moved, {report.Macs} MACs");
        byte[][]? first = Infer(model), second = repeat && first is not null ? Infer(model) : first;
        if (first is null || second is null) return new MutantResult(Outcomes.Compiled, null, "it runs long and stops when it is cancelled");
        return first.Length == second.Length && first.Zip(second).All(pair => pair.First.AsSpan().SequenceEqual(pair.Second))
            ? new MutantResult(Outcomes.Ran, null, null)
            : new MutantResult(Defect.Nondeterministic, null, "run twice on the same inputs it gives other outputs");
    }

    /// <summary>The bytes of the outputs, none if the data made it fail with a diagnostic; null if it was cancelled after a while.</summary>
    private byte[][]? Infer(CompiledModel model)
    {
        using CancellationTokenSource stop = new(timeLimit / 2);
        try
        {
            using InferRequest request = new InputSet(new Dictionary<string, Tensors.TensorFile>(), new Dictionary<string, string>(), 1).CreateRequest(model);
            request.InferAsync(stop.Token).AsTask().GetAwaiter().GetResult();
            return [.. InputSet.OutputsOf(request).Select(output => output.Data.Bytes)];
        }
        catch (OperationCanceledException)
        {
            return null;
        }
        catch (LatheException failure) when (DataErrorIds.Contains(failure.Id) || (failure.Id == KernelErrorId && failure.InnerException is null))
        {
            return [];
        }
    }

    private static MutantResult Rejected(IReadOnlyList<Diagnostic> diagnostics)
    {
        Diagnostic? error = diagnostics.FirstOrDefault(d => d.Descriptor.Severity == Severity.Error);
        return error is null ? new MutantResult(Defect.InternalError, null, "refused without an error") : new MutantResult(Outcomes.Rejected, error.Descriptor.Id, error.Message);
    }

    private static string? Unreadable(IReadOnlyList<Diagnostic> diagnostics)
    {
        foreach (Diagnostic diagnostic in diagnostics)
        {
            if (diagnostic.Descriptor == DiagnosticTable.InternalError) return diagnostic.Message;
            if (diagnostic.Message.Length > MaxMessage || diagnostic.Message != Terminal.Clean(diagnostic.Message)) return $"a message that is not one readable line: {diagnostic.Descriptor.Id}";
        }

        return null;
    }

    private static MutantResult Guarded(Func<MutantResult> work, string kind)
    {
        try
        {
            return work();
        }
        catch (Exception failure)
        {
            return Failed(failure, kind);
        }
    }

    private static MutantResult Failed(Exception failure, string kind)
    {
        while (failure is AggregateException or System.Reflection.TargetInvocationException && failure.InnerException is not null) failure = failure.InnerException;
        string where = string.Join(' ', (failure.StackTrace ?? "").Split('\n').Select(line => line.Trim()).Where(line => line.StartsWith("at Lathe.", StringComparison.Ordinal)).Take(Frames));
        string reason = $"{failure.GetType().Name}: {failure.Message} {where}";
        return new MutantResult(failure is OutOfMemoryException ? Defect.Memory : kind, null, Terminal.Clean(reason.Length <= MaxMessage ? reason : reason[..MaxMessage]));
    }
}
