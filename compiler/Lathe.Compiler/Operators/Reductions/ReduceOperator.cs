using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Compiler.Operators.Movement;
using Lathe.Compiler.Operators.Shapes;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Reductions;

/// <summary>
/// y = g(f(… f(e(x₀), e(x₁)) …), n) over all elements along the given axes; over all axes if none are given, over none if the list is empty. Reduced
/// axes stay with length 1 or go.
/// </summary>
public abstract record ReduceOperator(EquatableArray<long>? Axes, bool Keepdims) : Op
{
    /// <inheritdoc/>
    public override OpRole Role => OpRole.Reduction;

    /// <inheritdoc/>
    public sealed override void Infer(InferContext context)
    {
        TensorType x = context.Type(0);
        context.Require(Accepts(x.Element), $"it does not take elements of type {x.Element.Name()}");
        if (Axes is { } axes) context.Require(axes.Select(a => context.Axis(a, x.Rank)).Distinct().Count() == axes.Length, $"axes {axes} name one twice");
        bool[] reduced = Reduced(x.Rank);
        IEnumerable<IndexExpr> dims = Keepdims
            ? x.Dims.Select((d, i) => reduced[i] ? IndexExpr.One : d)
            : x.Dims.Where((_, i) => !reduced[i]);
        EquatableArray<IndexExpr>? known = null;
        if (x.Rank == 1 && reduced[0] && context.Content(0) is { Length: > 0 } contents)
            known = KnownContents.Complete(() => [contents.Skip(1).Aggregate((IndexExpr?)contents[0], (all, e) => all is null ? null : Combine(all, e))]);
        context.Output(new TensorType(x.Element, dims.ToEquatableArray()), known);
    }

    /// <inheritdoc/>
    public sealed override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        TensorData x = inputs[0]!, y = TensorData.Zeros(outputs[0].Element, outputs[0].StaticDims);
        bool[] reduced = Reduced(x.Dims.Length);
        long[] kept = [.. x.Dims.Select((d, i) => reduced[i] ? 1 : d)];
        int[] target = RowMajor.Broadcast(kept, x.Dims);
        List<int>[] groups = [.. Enumerable.Range(0, y.Count).Select(_ => new List<int>())];
        for (int i = 0; i < target.Length; i++) groups[target[i]].Add(i);
        for (int i = 0; i < groups.Length; i++)
        {
            if (x.Element.IsFloat()) y.SetDouble(i, Reduce([.. groups[i].Select(x.GetDouble)]));
            else y.SetInteger(i, Reduce([.. groups[i].Select(x.GetInteger)]));
        }

        return [y];
    }

    /// <inheritdoc/>
    public override LoweredOp Lower(LowerContext context)
    {
        (Axis[] axes, IndexExpr[] index) = Points(context, "r");
        Expr x = Element(context.Read(0, index).Widen());
        Accumulator all = context.Accumulate("all", x.Type.Element, Start(x.Type.Element), acc => Combine(acc, x));
        IndexExpr count = IndexExpr.Product(axes.Select(a => a.Extent));
        // Along no axis there is one element.
        if (axes.Length == 0) return context.Map(Finish(Combine(Start(x.Type.Element), x), count).To(context.Output.Element));
        return context.ReduceOver(KernelFamily.Reduction, axes, all, acc => Finish(acc, count).To(context.Output.Element));
    }

    /// <summary>Reads the axes of an operator from opset to opset: an attribute that becomes an input.</summary>
    private protected static IReadOnlyList<Value> ImportReduction(OnnxNode node, GraphBuilder builder, Func<EquatableArray<long>?, bool, Op> make)
    {
        bool keepsDims = AttributeReader.Get(node, "keepdims", 1L) != 0;
        if (!node.IsKnown(1)) return [OfData(node, builder, keepsDims, axes => make(axes, false))];
        EquatableArray<long>? axes = OnnxInputs.NumbersOrAttribute(node, 1, "axes");
        bool keepsEmpty = AttributeReader.Get(node, "noop_with_empty_axes", 0L) != 0;
        if (axes is null or { Length: 0 }) axes = keepsEmpty ? (EquatableArray<long>)[] : (EquatableArray<long>?)null;
        return [builder.Add(make(axes, keepsDims), node.Inputs[0])];
    }

    /// <summary>
    /// A reduction whose axes data determine. Each axis is seen as two, of which one is 1 long: the first where it is reduced, otherwise the second. The
    /// second ones are reduced, whatever the data.
    /// </summary>
    private static Value OfData(OnnxNode node, GraphBuilder g, bool keepsDims, Func<EquatableArray<long>, Op> make)
    {
        Value x = node.Inputs[0], axes = OnnxInputs.Vector(node, g, 1, "its axes");
        int rank = x.Type.Rank, count = (int)axes.Type.Count.Value;
        if (count > rank) throw node.Bad($"there are {count} axes for {x.Type}");
        Value matches = RuntimeShapes.Matches(g, axes, rank), reduced = RuntimeShapes.Any(g, matches), dims = RuntimeShapes.Dims(g, x), one = RuntimeShapes.Vector(g, 1);
        Value outer = g.Add(new Where(), reduced, one, dims), inner = g.Add(new Where(), reduced, dims, one);
        Value pairs = g.Add(new Reshape([2 * rank]), g.Add(new Concat(1), g.Add(new Unsqueeze([1]), outer), g.Add(new Unsqueeze([1]), inner)));
        Value all = keepsDims || count == rank ? pairs : g.Add(new Concat(0), pairs, RuntimeShapes.Keep(g, dims, reduced, rank - count));
        IndexExpr size = x.Type.Count;
        Value measured = Measure.Of(g, RuntimeShapes.Checked(g, RuntimeShapes.AreDistinct(g, matches), all), 0, RuntimeShapes.Max, Checks);
        IReadOnlyList<IndexExpr> known = measured.Contents!.Value;
        Value y = g.Add(make([.. Enumerable.Range(0, rank).Select(i => (2L * i) + 1)]), g.Add(new View(known.Take(2 * rank).ToEquatableArray()), x, measured));
        return keepsDims ? y : g.Add(new View(known.Skip(2 * rank).ToEquatableArray()), y, measured);

        IEnumerable<IndexExpr> Checks(IReadOnlyList<IndexExpr> d)
        {
            IndexExpr excess = size - IndexExpr.Product(d.Take(2 * rank));
            if (keepsDims) return [excess, -excess];
            IndexExpr lost = IndexExpr.Product(Enumerable.Range(0, rank).Select(i => d[2 * i])) - IndexExpr.Product(d.Skip(2 * rank));
            return [excess, -excess, lost, -lost];
        }
    }

    /// <summary>True for the element types it takes; by default floats and integers.</summary>
    protected virtual bool Accepts(ElementType element) => element.IsFloat() || element.IsInteger();

    /// <summary>g(f(…)) of all elements of a float reduction.</summary>
    protected abstract double Reduce(double[] x);

    /// <summary>g(f(…)) of all elements of an integer reduction; by default of their doubles.</summary>
    protected virtual Int128 Reduce(Int128[] x) => (Int128)Reduce([.. x.Select(v => (double)v)]);

    /// <summary>What f starts from.</summary>
    protected virtual Expr Start(ElementType element) => Const.OfInteger(element, 0);

    /// <summary>e; by default nothing.</summary>
    protected virtual Expr Element(Expr x) => x;

    /// <summary>f, with the running value first.</summary>
    protected abstract Expr Combine(Expr all, Expr x);

    /// <summary>g; by default nothing.</summary>
    protected virtual Expr Finish(Expr all, IndexExpr count) => all;

    /// <summary>The reduction of known elements, or null where it is not known.</summary>
    protected virtual IndexExpr? Combine(IndexExpr all, IndexExpr x) => null;

    /// <summary>Which axes are reduced.</summary>
    protected bool[] Reduced(int rank)
    {
        bool[] reduced = new bool[rank];
        if (Axes is not { } axes) Array.Fill(reduced, true);
        else foreach (long axis in axes) reduced[axis < 0 ? axis + rank : axis] = true;
        return reduced;
    }

    /// <summary>Fresh reduction axes, and the input's index at them and at the output's index.</summary>
    private protected (Axis[] Axes, IndexExpr[] Index) Points(LowerContext context, string name)
    {
        EquatableArray<IndexExpr> dims = context.Inputs[0]!.Dims;
        bool[] reduced = Reduced(dims.Length);
        List<Axis> axes = [];
        IndexExpr[] index = new IndexExpr[dims.Length];
        int next = 0;
        for (int i = 0; i < dims.Length; i++)
        {
            if (reduced[i])
            {
                Axis axis = context.Reduce($"{name}{i}", dims[i]);
                axes.Add(axis);
                index[i] = axis.Variable;
                if (Keepdims) next++;
            }
            else
            {
                index[i] = context.Index[next++];
            }
        }

        return ([.. axes], index);
    }
}
