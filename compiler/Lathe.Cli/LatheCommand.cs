using System.CommandLine;
using Lathe.Cli.Commands;
using Lathe.Cli.Output;
using Lathe.Compiler.Diagnostics;
using Lathe.Runtime;

namespace Lathe.Cli;

/// <summary>
/// The command line as a function: arguments and writers in, exit code out. 0: done, and what was checked passed; 1: failed, and the reason was
/// written to the error writer; 2: called wrongly.
/// </summary>
internal static class LatheCommand
{
    /// <summary>The name in front of messages that are not about a file.</summary>
    public const string Name = "lathe";

    private const string JsonFlag = "--json";
    private const string VerboseFlag = "--verbose";

    /// <summary>Runs a command.</summary>
    public static int Run(IReadOnlyList<string> args, TextWriter output, TextWriter error)
    {
        // Looked for before parsing, since an error of parsing is reported in the same form as all others.
        Terminal terminal = new(output, error) { Json = args.Contains(JsonFlag), Verbose = args.Contains(VerboseFlag) };
        try
        {
            return RunUnguarded(args, terminal);
        }
        catch (UsageException usage)
        {
            terminal.ReportFailure(Name, [new Diagnostic(DiagnosticTable.WrongUsage, null, usage.Message)]);
            return 2;
        }
        catch (Exception failure)
        {
            (string file, IReadOnlyList<Diagnostic> diagnostics) = Explain(failure);
            terminal.ReportFailure(file, diagnostics);
            if (terminal.Verbose) error.WriteLine(failure);
            else if (diagnostics.Any(d => d.Descriptor == DiagnosticTable.InternalError)) error.WriteLine($"{VerboseFlag} shows where it happened.");
            return 1;
        }
    }

    private static int RunUnguarded(IReadOnlyList<string> args, Terminal terminal)
    {
        // Without bundling: -nthreads is a name, not eight flags.
        ParserConfiguration configuration = new() { EnablePosixBundling = false, ResponseFileTokenReplacer = null };
        ParseResult parsed = Create(terminal).Parse(args, configuration);
        // Help and version are answered whatever else is wrong.
        if (parsed.Errors.Count > 0 && parsed.Action?.ClearsParseErrors != true)
        {
            string command = parsed.CommandResult.Command is RootCommand ? "" : $" {parsed.CommandResult.Command.Name}";
            throw new UsageException($"{parsed.Errors[0].Message.TrimEnd('.')}; see '{Name}{command} --help'");
        }

        return parsed.InvokeAsync(new InvocationConfiguration
        {
            EnableDefaultExceptionHandler = false,
            Output = terminal.Output,
            Error = terminal.Error,
        }).GetAwaiter().GetResult();
    }

    private static RootCommand Create(Terminal terminal)
    {
        RootCommand root = new("Lathe compiles neural networks (ONNX) to .NET assemblies, runs and measures them.")
        {
            CompileCommand.Create(terminal),
            RunCommand.Create(terminal),
            VerifyCommand.Create(terminal),
            AccuracyCommand.Create(terminal),
            BenchCommand.Create(terminal),
            PrecompileCommand.Create(terminal),
            InspectCommand.Create(terminal),
            QuantizeCommand.Create(terminal),
            TuneCommand.Create(terminal),
            ConformanceCommand.Create(terminal),
            FuzzCommand.Create(terminal),
            DevicesCommand.Create(terminal),
        };
        root.Add(new Option<bool>(JsonFlag) { Description = "Print the result as one line of JSON on stdout; everything else goes to stderr.", Recursive = true });
        root.Add(new Option<bool>(VerboseFlag) { Description = "Say what is being done and, on an internal error, where it happened.", Recursive = true });
        return root;
    }

    private static (string File, IReadOnlyList<Diagnostic> Diagnostics) Explain(Exception failure) => failure switch
    {
        FailedException failed => (failed.File, failed.Diagnostics),
        DiagnosticException one => (Name, [one.Diagnostic]),
        LatheException runtime => (Name, [Diagnostics.Of(runtime)]),
        AggregateException { InnerExceptions: [Exception first, ..] } => Explain(first),
        OperationCanceledException => (Name, [new Diagnostic(DiagnosticTable.Cancelled, null)]),
        OutOfMemoryException => (Name, [new Diagnostic(DiagnosticTable.OutOfMemory, null)]),
        _ => (Name, [new Diagnostic(DiagnosticTable.InternalError, null, $"{failure.GetType().Name}: {failure.Message}")]),
    };
}
