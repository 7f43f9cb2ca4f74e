using Lathe.Compiler.Graph;
using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators;

/// <summary>The same elements in another layout. An operator of its own, so that conversions show in plans and counters.</summary>
public sealed record Reorder(Layout? Target) : Op
{
    /// <inheritdoc/>
    public override OpRole Role => OpRole.Movement;

    /// <inheritdoc/>
    public override void Infer(InferContext context) => context.Output(context.Type(0) with { Layout = Target });

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs) => [inputs[0]!];

    /// <inheritdoc/>
    public override LoweredOp Lower(LowerContext context) => context.Map(context.Read(0, context.Index));
}
