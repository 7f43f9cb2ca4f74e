using Lathe.Compiler.Graph;

namespace Lathe.Compiler.Operators;

/// <summary>The same elements, in the same layout, in the memory of another device: of the host or, out of the host's, of an accelerator.</summary>
/// <param name="To">The device.</param>
public sealed record Transfer(string To) : Op
{
    /// <inheritdoc/>
    public override OpRole Role => OpRole.Opaque;

    /// <inheritdoc/>
    public override void Infer(InferContext context) => context.Output(context.Type(0));

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs) => [inputs[0]!];
}
