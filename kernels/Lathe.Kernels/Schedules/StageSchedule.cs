using Lathe.Kernels.Loops;

namespace Lathe.Kernels.Schedules;

/// <summary>
/// How a stage's iteration space is walked: its leaves, their order and what each becomes. Any order of leaves computes the same, up to
/// the order of a floating-point sum, so there is nothing to be proved. Lowering applies one rule: with j the first reduction leaf in the
/// order, leaves before j are loops, and pure leaves after j are the register tile, which are to be unrolled or vectors.
/// </summary>
public sealed class StageSchedule
{
    private readonly List<Leaf> _order = [];
    private readonly Dictionary<IndexVar, Leaf> _roots = [];
    private readonly Dictionary<IndexVar, Leaf> _placeholders = [];
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);
    private readonly List<ProducerPlace> _producers = [];

    /// <summary>The pure axes in order, then the reduction axes, all serial.</summary>
    public StageSchedule(Stage stage)
    {
        Stage = stage;
        foreach (Axis axis in stage.Pure) Root(axis, false);
        foreach (Axis axis in stage.Reduction) Root(axis, true);
    }

    /// <summary>The stage.</summary>
    public Stage Stage { get; }

    /// <summary>The leaves from the outermost in.</summary>
    public IReadOnlyList<Leaf> Order => _order;

    /// <summary>Where the stages that this one reads are computed; none if it reads none, or if its readers see to them.</summary>
    internal IReadOnlyList<ProducerPlace> Producers => _producers;

    /// <summary>The leaf that an axis is as a whole.</summary>
    public Leaf this[Axis axis] => _roots[axis.Variable];

    /// <summary>Splits a leaf into an outer one that counts tiles and an inner one that counts inside a tile.</summary>
    /// <param name="leaf">A leaf of the order; the two take its place.</param>
    /// <param name="size">The size of a tile.</param>
    /// <param name="tail">What happens to the rest.</param>
    public (Leaf Outer, Leaf Inner) Split(Leaf leaf, long size, Tail tail)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 1);
        int at = IndexOf(leaf);
        Leaf outer = new(Unique(leaf.Name + "o"), IndexExpr.CeilDiv(leaf.Extent, size), leaf.IsReduction);
        Leaf inner = new(Unique(leaf.Name + "i"), size, leaf.IsReduction);
        Leaf.SplitOf split = new(leaf, outer, inner, size, tail);
        (leaf.Split, outer.OuterOf, inner.InnerOf) = (split, split, split);
        _order[at] = outer;
        _order.Insert(at + 1, inner);
        return (outer, inner);
    }

    /// <summary>Cuts a leaf into pieces and splits each by itself.</summary>
    /// <param name="leaf">A leaf of the order with a constant extent, behind all that will be parallel.</param>
    /// <param name="cuts">Where pieces other than the first begin, in order.</param>
    /// <param name="size">The size of a tile.</param>
    /// <param name="tail">What happens to the rest of a piece.</param>
    public (Leaf Outer, Leaf Inner) Split(Leaf leaf, IReadOnlyList<long> cuts, long size, Tail tail)
    {
        leaf.Cuts = cuts;
        return Split(leaf, size, tail);
    }

    /// <summary>Makes one leaf of several, whose values are the digits of its own; it takes the place of the first.</summary>
    public Leaf Fuse(params ReadOnlySpan<Leaf> leaves)
    {
        if (leaves.Length == 1) return leaves[0];
        IndexExpr extent = IndexExpr.One;
        string name = "";
        foreach (Leaf leaf in leaves)
        {
            extent *= leaf.Extent;
            name += name.Length == 0 ? leaf.Name : "_" + leaf.Name;
        }

        Leaf whole = new(Unique(name), extent, leaves[0].IsReduction) { Parts = [.. leaves] };
        _order[IndexOf(leaves[0])] = whole;
        foreach (Leaf leaf in leaves)
        {
            leaf.Whole = whole;
            _order.Remove(leaf);
        }

        return whole;
    }

    /// <summary>
    /// Makes one leaf of two whose elements follow one another in every tensor of the stage, so that no digits are needed: the outer
    /// counts as zero while the inner runs over both.
    /// </summary>
    public Leaf Collapse(Leaf outer, Leaf inner)
    {
        Leaf whole = new(Unique(outer.Name + inner.Name), outer.Extent * inner.Extent, outer.IsReduction) { Parts = [inner] };
        outer.IsOuterOfCollapsed = true;
        (outer.Whole, inner.Whole) = (whole, whole);
        foreach (Leaf leaf in (Leaf[])[outer, inner])
        {
            leaf.Placeholder = leaf.Variable with { Name = "all of " + leaf.Name };
            _placeholders.Add(leaf.Placeholder, leaf);
        }

        _order[IndexOf(inner)] = whole;
        _order.Remove(outer);
        return whole;
    }

    /// <summary>Puts leaves in an order; they take the places that they have together, so that other leaves keep theirs.</summary>
    public StageSchedule Reorder(params ReadOnlySpan<Leaf> leaves)
    {
        int[] places = new int[leaves.Length];
        for (int i = 0; i < leaves.Length; i++) places[i] = IndexOf(leaves[i]);
        Array.Sort(places);
        for (int i = 0; i < leaves.Length; i++) _order[places[i]] = leaves[i];
        return this;
    }

    /// <summary>Moves a leaf to the end of the order.</summary>
    public StageSchedule MoveLast(Leaf leaf)
    {
        _order.RemoveAt(IndexOf(leaf));
        _order.Add(leaf);
        return this;
    }

    /// <summary>Moves a leaf to a place in the order.</summary>
    public StageSchedule MoveTo(int place, Leaf leaf)
    {
        _order.RemoveAt(IndexOf(leaf));
        _order.Insert(place, leaf);
        return this;
    }

    /// <summary>Makes copies of what is inside a leaf.</summary>
    public StageSchedule Unroll(Leaf leaf) => Become(leaf, LoopKind.Unroll);

    /// <summary>Makes a leaf the lanes of vectors.</summary>
    public StageSchedule Vectorise(Leaf leaf) => Become(leaf, LoopKind.Vector);

    /// <summary>Makes a leaf, which is to be the outermost, the kernel's parallel axis.</summary>
    public StageSchedule Parallel(Leaf leaf) => Become(leaf, LoopKind.Parallel);

    /// <summary>Gives each value of an unrolled or vector reduction leaf a running value of its own.</summary>
    public StageSchedule Partial(Leaf leaf)
    {
        leaf.IsPartial = true;
        return this;
    }

    /// <summary>What is asked for ahead of its use, in each iteration of a leaf; null for nothing.</summary>
    internal (Leaf Leaf, string Tensor, long Distance)? Ahead { get; private set; }

    /// <summary>Asks for the elements of a tensor that updates read in an iteration of a leaf, some elements ahead of it.</summary>
    /// <param name="leaf">A serial leaf, inside of which all is unrolled or a vector.</param>
    /// <param name="tensor">The name of the tensor.</param>
    /// <param name="distance">How many elements ahead.</param>
    public StageSchedule Prefetch(Leaf leaf, string tensor, long distance)
    {
        Ahead = (leaf, tensor, distance);
        return this;
    }

    /// <summary>
    /// Computes what the stage needs of earlier stages at the top of each iteration of a leaf. Several places may each take some of them; what a producer's own
    /// schedule places is computed inside that producer.
    /// </summary>
    /// <param name="leaf">A leaf before the first reduction leaf; null for once, before all loops.</param>
    /// <param name="schedule">
    /// Makes the schedule of a producer, given as a stage whose pure axes have the extents of the region; null for one that is computed elsewhere.
    /// </param>
    /// <param name="ring">
    /// The number of an axis of the producers, all of whose other axes are computed whole: elements of it that iterations of the leaf, which is parallel and
    /// no part of another, have in common are computed once for a slice and stay in a ring. Null where each iteration computes all it needs.
    /// </param>
    public StageSchedule ComputeProducersAt(Leaf? leaf, Func<Stage, StageSchedule?> schedule, int? ring = null)
    {
        _producers.Add(new ProducerPlace(leaf, schedule, ring));
        return this;
    }

    /// <summary>The value of an axis by the leaves' own variables: what analyses of accesses look at. To be resolved.</summary>
    internal IndexExpr ValueOf(Axis axis) => ValueOf(this[axis]);

    /// <summary>An offset or index without placeholders.</summary>
    internal IndexExpr Resolve(IndexExpr expression, Func<Leaf, IndexExpr> valueOf)
    {
        while (_placeholders.Count > 0 && expression.Variables.Any(_placeholders.ContainsKey))
            expression = expression.Substitute(v => _placeholders.TryGetValue(v, out Leaf? leaf) ? leaf.IsOuterOfCollapsed ? IndexExpr.Zero : valueOf(leaf.Whole!) : null);
        return expression;
    }

    /// <summary>An offset or index by the leaves' own variables.</summary>
    internal IndexExpr Resolve(IndexExpr expression) => Resolve(expression, ValueOf);

    private static IndexExpr ValueOf(Leaf leaf)
    {
        if (leaf.Split is { } split) return (ValueOf(split.Outer) * split.Size) + ValueOf(split.Inner);
        if (leaf.Placeholder is not null) return leaf.Placeholder;
        if (leaf.Whole is not { } whole) return leaf.Variable;
        IndexExpr value = ValueOf(whole);
        for (int i = whole.Parts.Count - 1; whole.Parts[i] != leaf; i--) value /= whole.Parts[i].Extent;
        return whole.Parts[0] == leaf ? value : value % leaf.Extent;
    }

    private StageSchedule Become(Leaf leaf, LoopKind kind)
    {
        _ = IndexOf(leaf);
        leaf.Kind = kind;
        return this;
    }

    private void Root(Axis axis, bool isReduction)
    {
        Leaf leaf = new(Unique(axis.Variable.Name), axis.Extent, isReduction);
        _roots.Add(axis.Variable, leaf);
        _order.Add(leaf);
    }

    private int IndexOf(Leaf leaf)
    {
        int at = _order.IndexOf(leaf);
        return at >= 0 ? at : throw new ArgumentException($"'{leaf.Name}' is no leaf of the order of stage '{Stage.Name}'.", nameof(leaf));
    }

    private string Unique(string name)
    {
        string unique = name;
        for (int i = 1; !_names.Add(unique); i++) unique = $"{name}_{i}";
        return unique;
    }
}

/// <summary>A place where producers are computed.</summary>
/// <param name="Leaf">The leaf; null for before all loops.</param>
/// <param name="Schedule">The schedule of a producer's region; null for a producer of another place.</param>
/// <param name="Ring">The axis along which iterations share elements; null for none.</param>
internal sealed record ProducerPlace(Leaf? Leaf, Func<Stage, StageSchedule?> Schedule, int? Ring);
