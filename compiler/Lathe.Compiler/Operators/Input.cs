using Lathe.Compiler.Graph;

namespace Lathe.Compiler.Operators;

/// <summary>An input of the graph. The name makes each its own node.</summary>
public sealed record Input(string Port, TensorType InputType) : Op
{
    /// <inheritdoc/>
    public override OpRole Role => OpRole.Opaque;

    /// <inheritdoc/>
    public override void Infer(InferContext context) => context.Output(InputType);

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs) =>
        throw new InvalidOperationException("An input has no value at compile time.");
}
