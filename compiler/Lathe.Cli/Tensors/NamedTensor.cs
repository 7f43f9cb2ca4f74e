using Lathe.Compiler.Graph;

namespace Lathe.Cli.Tensors;

/// <summary>An input or output with its elements.</summary>
internal sealed record NamedTensor(string Name, TensorData Data);
