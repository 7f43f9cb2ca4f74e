using Lathe.Compiler.Graph;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Reductions;

/// <summary>The index along an axis of the best element: of the first such, or of the last. A NaN is never better.</summary>
public abstract record ArgOperator(long Axis, bool Keepdims, bool SelectLastIndex) : Op
{
    /// <inheritdoc/>
    public sealed override OpRole Role => OpRole.Reduction;

    /// <inheritdoc/>
    public sealed override void Infer(InferContext context)
    {
        TensorType x = context.Numeric(0);
        int axis = context.Axis(Axis, x.Rank);
        context.Require(x.Dims[axis].Range.Max > 0, $"axis {axis} of {x} has nothing to choose from");
        context.Output(new TensorType(ElementType.Int64, [.. x.Dims.Take(axis), .. Keepdims ? [IndexExpr.One] : Array.Empty<IndexExpr>(), .. x.Dims.Skip(axis + 1)]));
    }

    /// <inheritdoc/>
    public sealed override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        TensorData x = inputs[0]!, y = TensorData.Zeros(ElementType.Int64, outputs[0].StaticDims);
        int axis = (int)(Axis < 0 ? Axis + x.Dims.Length : Axis), next = 0;
        long length = x.Dims[axis], stride = RowMajor.Strides(x.Dims)[axis];
        for (int first = 0; first < x.Count; first++)
        {
            if (first / stride % length != 0) continue;
            int best = 0;
            for (int i = 1; i < length; i++)
            {
                int at = (int)(first + (i * stride)), than = (int)(first + (best * stride));
                bool better = x.Element.IsFloat() ? IsBetter(x.GetDouble(at), x.GetDouble(than)) : IsBetter(x.GetInteger(at), x.GetInteger(than));
                bool same = x.Element.IsFloat() ? x.GetDouble(at) == x.GetDouble(than) : x.GetInteger(at) == x.GetInteger(than);
                if (better || (SelectLastIndex && same)) best = i;
            }

            y.SetInt64(next++, best);
        }

        return [y];
    }

    /// <inheritdoc/>
    public sealed override LoweredOp Lower(LowerContext context)
    {
        TensorType x = context.Inputs[0]!;
        int axis = (int)(Axis < 0 ? Axis + x.Rank : Axis);
        Axis k = context.Reduce("k", x.Dims[axis]);
        Expr element = context.Read(0, [.. context.Index.Take(axis), k.Variable, .. context.Index.Skip(Keepdims ? axis + 1 : axis)]).Widen();
        Accumulator best = context.Accumulate("best", element.Type.Element, Worst(element.Type.Element), acc => Better(acc, element));
        Expr replaces = SelectLastIndex ? IsBetter(element, best.Value) | element.EqualTo(best.Value) : IsBetter(element, best.Value);
        Accumulator at = context.Accumulate(
            "at", ElementType.Int64, Const.OfInteger(ElementType.Int64, 0),
            acc => replaces.Choose(((IndexExpr)k.Variable).ToExpr(ElementType.Int64), acc));
        return new LoweredOp(KernelFamily.Reduction, [new LoweredPass(context.Axes, [k], [best, at], at.Value)]);
    }

    /// <summary>True if a is better than b.</summary>
    protected abstract bool IsBetter(double a, double b);

    /// <summary>True if a is better than b.</summary>
    protected abstract bool IsBetter(Int128 a, Int128 b);

    /// <summary>True if a is better than b.</summary>
    protected abstract Expr IsBetter(Expr a, Expr b);

    /// <summary>The better of the running value and an element.</summary>
    protected abstract Expr Better(Expr running, Expr element);

    /// <summary>What every element is at least as good as.</summary>
    protected abstract Expr Worst(ElementType element);
}
