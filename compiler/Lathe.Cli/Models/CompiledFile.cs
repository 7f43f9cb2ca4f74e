using Lathe.Cli.Output;
using Lathe.Compiler;

namespace Lathe.Cli.Models;

/// <summary>A compiled model on disk.</summary>
/// <param name="Path">The kernel assembly.</param>
/// <param name="CompileMs">How long the compilation took, whenever it was; null for an assembly whose compilation is not known.</param>
/// <param name="Warnings">What the compiler warned about.</param>
internal sealed record CompiledFile(string Path, double? CompileMs, IReadOnlyList<Message> Warnings);
