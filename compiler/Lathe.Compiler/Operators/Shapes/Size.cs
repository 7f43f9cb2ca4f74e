using Lathe.Compiler.Graph;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Shapes;

/// <summary>The number of elements of the input.</summary>
public sealed record Size : Op, IOp<Size>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("Size", 1, 1);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Movement;

    /// <inheritdoc/>
    public override void Infer(InferContext context) => context.Output(TensorType.Of(ElementType.Int64), [context.Type(0).Count]);

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs) =>
        [TensorData.OfInt64s(inputs[0]!.Count).Reshape()];

    /// <inheritdoc/>
    public override LoweredOp Lower(LowerContext context) => context.Map(context.Inputs[0]!.Count.ToExpr(ElementType.Int64));
}
