using Lathe.Compiler.Graph;
using Lathe.Kernels;
using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Movement;

/// <summary>
/// Along each given axis the elements from a start to before an end, a step apart; both count from the end where negative and are clamped. Negative
/// steps go backwards.
/// </summary>
public sealed record Slice(
    EquatableArray<IndexExpr> Starts,
    EquatableArray<IndexExpr> Ends,
    EquatableArray<long> Axes = default,
    EquatableArray<long> Steps = default) : Op, IOp<Slice>
{
    /// <summary>From here on an end stands for the end of the axis, whatever its length.</summary>
    private const long Far = int.MaxValue;

    /// <inheritdoc/>
    public static OpSchema Schema => new("Slice", 1, 5);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Movement;

    /// <inheritdoc/>
    /// <remarks>Up to opset 9 starts, ends and axes are attributes and there are no steps.</remarks>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder)
    {
        if (node.Opset >= 10 && !SliceOfData.IsStatic(node)) return [SliceOfData.Import(node, builder)];
        EquatableArray<IndexExpr> starts = Bound(1, "starts"), ends = Bound(2, "ends");
        EquatableArray<long>? axes = OnnxInputs.NumbersOrAttribute(node, 3, "axes"), steps = OnnxInputs.NumbersOrAttribute(node, 4, "steps");
        return [builder.Add(new Slice(starts, ends, axes ?? [], steps ?? []), node.Inputs[0])];

        EquatableArray<IndexExpr> Bound(int input, string attribute) => node.Opset >= 10
            ? OnnxInputs.Known(node, input, attribute)
            : AttributeReader.Get<long[]>(node, attribute, []).Select(v => (IndexExpr)v).ToEquatableArray();
    }

    /// <summary>A number of elements along an axis, a step apart, forwards or backwards.</summary>
    public static Slice Run(long axis, long first, long count, long step)
    {
        long end = first + ((count - 1) * step) + Math.Sign(step);
        // Before the first element there is no index that does not count from the end.
        return new([first], [end < 0 ? -Far : end], [axis], [step]);
    }

    /// <inheritdoc/>
    public override Op Substitute(Func<IndexVar, IndexExpr?> replacement) => this with
    {
        Starts = Starts.Select(s => s.Substitute(replacement)).ToEquatableArray(),
        Ends = Ends.Select(e => e.Substitute(replacement)).ToEquatableArray(),
    };

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        TensorType x = context.Type(0);
        context.Require(Starts.Length == Ends.Length, $"{Starts.Length} starts do not fit {Ends.Length} ends");
        context.Require(Axes.Length == 0 ? Starts.Length <= x.Rank : Axes.Length == Starts.Length, $"{Starts.Length} starts do not fit axes {Axes} of {x}");
        context.Require(Steps.Length == 0 || Steps.Length == Starts.Length, $"{Steps.Length} steps do not fit {Starts.Length} starts");
        context.Require(Steps.All(s => s != 0), "a step is 0");
        HashSet<int> axes = [.. Axes.Select(a => context.Axis(a, x.Rank))];
        context.Require(axes.Count == Axes.Length, $"axes {Axes} name one twice");
        foreach (IndexExpr bound in Starts.Concat(Ends))
            if (bound.Range is { Min: < 0, Max: >= 0 }) context.FailDataDependent($"whether the bound {bound} is negative");

        Part[] ranges = Resolve(x.Dims);
        EquatableArray<IndexExpr> dims = ranges.Select(r => r.Count).ToEquatableArray();
        context.Output(
            new TensorType(x.Element, dims),
            context.Content(0) is null ? null : KnownContents.Rearrange(context.Content(0), dims, Source(ranges, x.StaticDims)));
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        TensorData x = inputs[0]!;
        Part[] ranges = Resolve([.. x.Dims.Select(d => (IndexExpr)d)]);
        return [Elements.Rearrange(x, outputs[0].StaticDims, Source(ranges, x.Dims))];
    }

    /// <inheritdoc/>
    public override LoweredOp Lower(LowerContext context)
    {
        Part[] ranges = Resolve(context.Inputs[0]!.Dims);
        return context.Map(context.Read(0, [.. ranges.Select((r, i) => r.Start + (context.Index[i] * r.Step))]));
    }

    private static Func<long[], long> Source(Part[] ranges, long[] dims)
    {
        long[] strides = RowMajor.Strides(dims), starts = [.. ranges.Select(r => r.Start.Value)];
        return index => index.Select((at, i) => (starts[i] + (at * ranges[i].Step)) * strides[i]).Sum();
    }

    /// <summary>What is taken of each axis.</summary>
    public IReadOnlyList<Part> PartsOf(TensorType x) => Resolve(x.Dims);

    private Part[] Resolve(IReadOnlyList<IndexExpr> dims)
    {
        Part[] ranges = [.. dims.Select(d => new Part(IndexExpr.Zero, 1, d))];
        for (int i = 0; i < Starts.Length; i++)
        {
            long axis = Axes.Length == 0 ? i : Axes[i];
            if (axis < 0) axis += dims.Count;
            ranges[axis] = Resolve(dims[(int)axis], Starts[i], Ends[i], Steps.Length == 0 ? 1 : Steps[i]);
        }

        return ranges;
    }

    private static Part Resolve(IndexExpr dim, IndexExpr start, IndexExpr end, long step)
    {
        if (step > 0)
        {
            IndexExpr from = Clamp(start, 0, dim), to = Clamp(end, 0, dim);
            return new Part(from, step, IndexExpr.CeilDiv(IndexExpr.Max(0, to - from), step));
        }
        else
        {
            // Going backwards, the places are those before the first element up to the last one.
            IndexExpr from = Clamp(start, -1, dim - 1), to = Clamp(end, -1, dim - 1);
            return new Part(from, step, step == long.MinValue ? IndexExpr.Min(1, IndexExpr.Max(0, from - to)) : IndexExpr.CeilDiv(IndexExpr.Max(0, from - to), -step));
        }

        IndexExpr Clamp(IndexExpr bound, long low, IndexExpr high)
        {
            if (bound.IsConstant && bound.Value >= Far) return high;
            if (bound.IsConstant && bound.Value <= -Far) return low;
            IndexExpr place = bound.Range.Max < 0 ? bound + dim : bound;
            return IndexExpr.Max(low, IndexExpr.Min(high, place));
        }
    }

    /// <summary>What is taken of an axis.</summary>
    /// <param name="Start">The first element.</param>
    /// <param name="Step">How far apart they are; negative for backwards.</param>
    /// <param name="Count">How many.</param>
    public readonly record struct Part(IndexExpr Start, long Step, IndexExpr Count);
}
