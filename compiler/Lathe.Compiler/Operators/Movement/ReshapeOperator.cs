using Lathe.Compiler.Graph;
using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Movement;

/// <summary>The same elements in the same row-major order in another shape. An operator states only the shape.</summary>
public abstract record ReshapeOperator : Op
{
    /// <inheritdoc/>
    public sealed override OpRole Role => OpRole.Movement;

    /// <inheritdoc/>
    public sealed override void Infer(InferContext context)
    {
        TensorType x = context.Type(0), y = new(x.Element, [.. Shape(context, x)]);
        context.Require(y.Count == x.Count, $"{x} has {x.Count} elements, [{string.Join(", ", y.Dims)}] has {y.Count}");
        context.Output(y, context.Content(0));
    }

    /// <inheritdoc/>
    public sealed override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs) =>
        [inputs[0]!.Reshape(outputs[0].StaticDims)];

    /// <inheritdoc/>
    public sealed override LoweredOp Lower(LowerContext context) =>
        context.Map(context.Read(0, RowMajor.Reshape(context.Output.Dims, context.Index, context.Inputs[0]!.Dims)));

    /// <summary>The result's shape.</summary>
    protected abstract IEnumerable<IndexExpr> Shape(InferContext context, TensorType x);
}
