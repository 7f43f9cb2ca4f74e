using System.Diagnostics;
using Lathe.Cli.Arguments;
using Lathe.Cli.Output;
using Lathe.Cli.Precompilation;
using Lathe.Cli.Quantization;
using Lathe.Compiler;
using Lathe.Compiler.Diagnostics;
using Lathe.Runtime.Plans;

namespace Lathe.Cli.Models;

/// <summary>Compiles on behalf of a command: with progress, and with errors as exceptions.</summary>
internal static class ModelCompiler
{
    /// <summary>Compiles a model and writes its warnings.</summary>
    /// <returns>The model and how many milliseconds it took.</returns>
    /// <exception cref="FailedException">The model cannot be compiled.</exception>
    public static (CompiledOutput Output, IReadOnlyList<Diagnostic> Warnings, double Ms) Compile(
        ModelRequest request, Terminal terminal, CancellationToken cancellation)
    {
        long start = Stopwatch.GetTimestamp();
        request = CalibrationRequest.Apply(request, terminal, cancellation);
        terminal.Note($"compiling {request.Path}");
        CompileResult result = terminal.Work(
            $"compiling {Path.GetFileName(request.Path)}",
            progress => Compilation.Compile(request.Path, request.Options with { Progress = progress }, cancellation));
        CompiledOutput? output = result.Module;
        if (output is not null && request.Precompiled is { } isa)
            output = output with { Assembly = Precompiled(output, isa, request, terminal, cancellation) };
        double ms = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        if (output is null) throw new FailedException(request.Path, result.Diagnostics);
        IReadOnlyList<Diagnostic> warnings = [.. request.Options.Quantized?.Warnings ?? [], .. result.Diagnostics];
        foreach (Diagnostic warning in warnings) terminal.Report(request.Path, warning);
        return (output, warnings, ms);
    }

    private static byte[] Precompiled(CompiledOutput output, Isa isa, ModelRequest request, Terminal terminal, CancellationToken cancellation)
    {
        try
        {
            return Crossgen.Own!.Compile(output.Assembly, output.AssemblyName + ".dll", isa, request.Path, cancellation);
        }
        catch (FailedException failure) when (!request.MustPrecompile)
        {
            terminal.Note($"the JIT compiles the kernels: {failure.Message}");
            return output.Assembly;
        }
    }
}
