using Lathe.Compiler.Graph;
using Lathe.Kernels;
using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Movement;

/// <summary>The inputs one after another along an axis.</summary>
public sealed record Concat(long Axis) : Op, IOp<Concat>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("Concat", 1, int.MaxValue);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Movement;

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        TensorType first = context.Type(0);
        int axis = context.Axis(Axis, first.Rank);
        IndexExpr length = IndexExpr.Zero;
        for (int i = 0; i < context.Inputs.Length; i++)
        {
            TensorType x = context.Type(i);
            context.RequireSameElement(0, i);
            context.Require(
                x.Rank == first.Rank && x.Dims.Where((_, d) => d != axis).SequenceEqual(first.Dims.Where((_, d) => d != axis)),
                $"{x} and {first} differ in another axis than {axis}");
            length += x.Dims[axis];
        }

        EquatableArray<IndexExpr>? known = first.Rank == 1 && context.Inputs.All(v => v.Contents is not null)
            ? KnownContents.Complete(() => [.. context.Inputs.SelectMany(v => v.Contents!.Value)])
            : (EquatableArray<IndexExpr>?)null;
        context.Output(new TensorType(first.Element, first.Dims.Select((d, i) => i == axis ? length : d).ToEquatableArray()), known);
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        TensorData y = TensorData.Zeros(outputs[0].Element, outputs[0].StaticDims);
        int axis = AxisOf(outputs[0]);
        int from = 0;
        foreach (TensorData? x in inputs)
        {
            int element = 0;
            long[] target = new long[y.Dims.Length];
            foreach (long[] index in RowMajor.Indices(x!.Dims))
            {
                index.CopyTo(target, 0);
                target[axis] += from;
                Elements.CopyElement(x, element++, y, (int)RowMajor.Offset(y.Dims, target));
            }

            from += (int)x.Dims[axis];
        }

        return [y];
    }

    /// <inheritdoc/>
    public override LoweredOp Lower(LowerContext context)
    {
        // Only the chosen branch is read: in the others the index lies outside their input.
        int axis = AxisOf(context.Output);
        IndexExpr start = context.Output.Dims[axis];
        Expr? element = null;
        for (int i = context.Inputs.Count - 1; i >= 0; i--)
        {
            IndexExpr end = start;
            start -= context.Inputs[i]!.Dims[axis];
            if (start == end) continue;
            IndexExpr[] index = [.. context.Index];
            index[axis] -= start;
            Expr own = context.Read(i, index);
            element = element is null ? own : LowerContext.Compare(BinaryOp.Less, context.Index[axis], end).Choose(own, element);
        }

        return context.Map(element ?? context.Read(0, context.Index));
    }

    private int AxisOf(TensorType output) => (int)(Axis < 0 ? Axis + output.Rank : Axis);
}
