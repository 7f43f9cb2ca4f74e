using Lathe.Compiler.Graph;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Kernels.Schedules;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Reductions;

/// <summary>The index along an axis of the best element: of the first such, or of the last. A NaN is never better.</summary>
public abstract record ArgOperator(long Axis, bool Keepdims, bool SelectLastIndex) : Op
{
    /// <summary>The longest axis whose elements are kept in scratch memory.</summary>
    private const long MostCopied = 4096;

    /// <summary>The longest axis along which the two steps inside a vector would cost more than the comparisons.</summary>
    private const long MostTogether = 128;

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
        IndexExpr length = x.Dims[axis];
        ElementType counter = length.Range.Max <= int.MaxValue ? ElementType.Int32 : ElementType.Int64;

        // 1. The elements, once, since they may be computed; of a long axis rather twice than all of them in memory.
        Axis[] places = [.. x.Dims.Where((_, i) => i != axis).Select((extent, i) => context.Reduce($"p{i}", extent))];
        IndexExpr[] place = [.. places.Select(a => (IndexExpr)a.Variable)];
        Axis copied = context.Reduce("c", length);
        Axis[] all = [.. places, copied];
        LoweredPass elements = new([.. all], [], [], Element(place, copied.Variable));
        ElementType type = elements.Result.Type.Element;
        bool isTogether = length.Range.Max <= MostTogether && places.Length > 0;
        bool isTurned = isTogether && Neighbours.ReadTheSame(elements.Result, places[^1].Variable);
        List<LoweredPass> passes = length.Range.Max <= MostCopied && !isTurned ? [elements] : [];
        Expr Element(IndexExpr[] at, IndexExpr along) => context.Read(0, [.. at.Take(axis), along, .. at.Skip(axis)]).Widen();
        Func<IndexExpr[], IndexExpr, Expr> held = passes.Count > 0 ? (at, along) => context.ReadTemporary(0, type, all, [.. at, along]) : Element;

        // 2. Those of short axes side by side, so that vectors choose among them for as many places at once; at once where neighbours are made of the same elements.
        if (isTogether)
        {
            Axis[] turned = [copied, .. places];
            passes.Add(new LoweredPass([.. turned], [], [], held(place, copied.Variable)));
            int number = passes.Count - 1;
            held = (at, along) => context.ReadTemporary(number, type, turned, [along, .. at]);
        }

        // 3. The best of them.
        Axis k = context.Reduce("k", length);
        Accumulator best = context.Accumulate("best", type, Worst(type), acc => Better(acc, held(place, k.Variable)));
        passes.Add(new LoweredPass([.. places], [k], [best], best.Value));

        // 4. Where it is. Only the worst of all, or a NaN, is nowhere better: then it is the first element.
        IndexExpr[] at = [.. context.Index.Where((_, i) => !Keepdims || i != axis)];
        if (isTogether)
        {
            passes.Add(Where([.. places], place, passes.Count - 1));
            return new LoweredOp(KernelFamily.Rows, [.. passes, new LoweredPass(context.Axes, [], [], context.ReadTemporary(passes.Count - 1, counter, places, at).To(ElementType.Int64))]);
        }

        LoweredPass where = Where(context.Axes, at, passes.Count - 1);
        return new LoweredOp(KernelFamily.Rows, [.. passes, where with { Result = where.Result.To(ElementType.Int64) }]);

        LoweredPass Where(EquatableArray<Axis> axes, IndexExpr[] at, int extreme)
        {
            Axis i = context.Reduce("i", length);
            Expr value = context.ReadTemporary(extreme, type, places, at);
            Expr none = Const.OfInteger(counter, SelectLastIndex ? 0 : counter == ElementType.Int32 ? int.MaxValue : long.MaxValue);
            Expr here = held(at, i.Variable).EqualTo(value).Choose(((IndexExpr)i.Variable).ToExpr(counter), none);
            Accumulator index = context.Accumulate("at", counter, none, acc => SelectLastIndex ? here.Max(acc) : here.Min(acc));
            return new LoweredPass(axes, [i], [index], SelectLastIndex ? index.Value : IsBetter(value, Worst(type)).Choose(index.Value, Const.OfInteger(counter, 0)));
        }
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
