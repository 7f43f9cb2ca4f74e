using System.CommandLine;
using Lathe.Cli.Arguments;
using Lathe.Cli.Models;
using Lathe.Cli.Output;
using Lathe.Cli.Precompilation;
using Lathe.Compiler.Diagnostics;
using Lathe.Runtime.Plans;

namespace Lathe.Cli.Commands;

/// <summary><c>lathe precompile</c>: an assembly gets machine code of this system beside its own, so that it starts without the JIT.</summary>
internal static class PrecompileCommand
{
    public static Command Create(Terminal terminal)
    {
        Argument<string> assembly = new("X.dll") { Description = "An assembly that 'lathe compile' made, or another." };
        Option<string> output = new("--output", "-o") { Description = "The file that is written.", HelpName = "Y.dll", Required = true };
        Option<string?> isa = Parsed.Word("--isa", [], ["avx512", "avx2", "vector128"], "Whose kernels are compiled; the JIT compiles the others where they run. Default avx512.");
        Option<string?> crossgen = new("--crossgen") { Description = "The SDK's crossgen2. Default: the one that this build of lathe has.", HelpName = "FILE" };
        Command command = new("precompile", "Compile an assembly to machine code of this system.") { assembly, output, isa, crossgen };
        return command.Does((parsed, cancellation) =>
        {
            string path = parsed.GetRequiredValue(assembly);
            Crossgen compiler = parsed.GetValue(crossgen) is { } program ? Crossgen.At(program)
                : Crossgen.Own ?? throw new FailedException(path, DiagnosticTable.NotPrecompiled, "this build of lathe lacks crossgen2; name one with --crossgen");
            Isas.TryParse(parsed.GetValue(isa) ?? Isa.Avx512.Name(), out Isa machine);
            byte[] image = compiler.Compile(Read(path), Path.GetFileName(path), machine, path, cancellation);
            IReadOnlyList<string> files = OutputFiles.WriteFile(parsed.GetRequiredValue(output), image, path);
            terminal.WriteResult(new Result(files), writer => writer.WriteLine(Terminal.Clean(files[0])));
            return 0;
        });
    }

    private static byte[] Read(string path)
    {
        try
        {
            return File.ReadAllBytes(path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new FailedException(path, DiagnosticTable.FileNotReadable, failure.Message);
        }
    }

    private sealed record Result(IReadOnlyList<string> Files);
}
