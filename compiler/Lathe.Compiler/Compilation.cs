using Lathe.Compiler.Diagnostics;

namespace Lathe.Compiler;

/// <summary>The compiler: an ONNX file in, a kernel assembly with plan, weights and manifest out. Stateless and safe for concurrent use.</summary>
public static class Compilation
{
    /// <summary>Compiles a model.</summary>
    /// <param name="path">The ONNX file; external data is looked for beside it.</param>
    /// <param name="options">What is asked for.</param>
    /// <param name="cancellation">Ends the compilation between its stages.</param>
    /// <returns>The compiled model, or the diagnostics that say why there is none. The same file, options and version of Lathe give the same bytes.</returns>
    /// <exception cref="OperationCanceledException">The compilation was cancelled.</exception>
    public static CompileResult Compile(string path, CompileOptions options, CancellationToken cancellation = default) =>
        throw new NotSupportedException($"'{path}'");
}
