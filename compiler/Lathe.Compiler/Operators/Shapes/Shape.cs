using Lathe.Compiler.Graph;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Shapes;

/// <summary>The dims of the input from one axis to before another, counted from the end where negative and clamped.</summary>
public sealed record Shape(long Start = 0, long? End = null) : Op, IOp<Shape>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("Shape", 1, 1);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Movement;

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        EquatableArray<IndexExpr> dims = Dims(context.Type(0));
        context.Output(TensorType.Of(ElementType.Int64, dims.Length), dims);
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs) =>
        [TensorData.OfInt64s([.. Dims(TensorType.Of(ElementType.Int64, inputs[0]!.Dims)).Select(d => d.Value)])];

    /// <inheritdoc/>
    public override LoweredOp Lower(LowerContext context)
    {
        EquatableArray<IndexExpr> dims = Dims(context.Inputs[0]!);
        IndexExpr element = dims.Length == 0 ? IndexExpr.Zero : dims[^1];
        for (int i = dims.Length - 2; i >= 0; i--) element = IndexExpr.IfLess(context.Index[0], i + 1, dims[i], element);
        return context.Map(element.ToExpr(ElementType.Int64));
    }

    private EquatableArray<IndexExpr> Dims(TensorType x)
    {
        int start = Clamp(Start), end = Clamp(End ?? x.Rank);
        return x.Dims.Skip(start).Take(end - start).ToEquatableArray();

        int Clamp(long axis) => (int)Math.Clamp(axis < 0 ? axis + x.Rank : axis, 0, x.Rank);
    }
}
