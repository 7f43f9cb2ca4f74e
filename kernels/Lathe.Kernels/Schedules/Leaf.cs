using Lathe.Kernels.Loops;

namespace Lathe.Kernels.Schedules;

/// <summary>What happens where an extent is no multiple of the size that a leaf is split by.</summary>
public enum Tail
{
    /// <summary>The rest is a smaller tile of its own, or single elements where its size is not known.</summary>
    Peel,

    /// <summary>The last tile starts early enough to fit and computes some elements twice. Needs an extent of at least the size, and a stage that reads nothing it writes.</summary>
    Overlap,

    /// <summary>The inner leaf, a serial loop, stops early.</summary>
    Clamp,

    /// <summary>The inner leaf, a vector, leaves lanes out of the last tile.</summary>
    Mask,

    /// <summary>Nothing: the tensors' layouts are padded to a multiple, so that the rest may be computed.</summary>
    Pad,
}

/// <summary>A part of a stage's iteration space: an axis, or what splitting and fusing axes gave. Belongs to one <see cref="StageSchedule"/>.</summary>
public sealed class Leaf
{
    internal Leaf(string name, IndexExpr extent, bool isReduction)
    {
        Name = name;
        Extent = extent;
        IsReduction = isReduction;
        Variable = new IndexVar(name, 0, extent.Range.Max == long.MaxValue ? long.MaxValue : Math.Max(0, extent.Range.Max - 1));
    }

    /// <summary>The name of its loop variable.</summary>
    public string Name { get; }

    /// <summary>How many values it takes, of a tile that is not the rest.</summary>
    public IndexExpr Extent { get; }

    /// <summary>True if it is part of a reduction axis.</summary>
    public bool IsReduction { get; }

    /// <summary>What its loop becomes.</summary>
    public LoopKind Kind { get; internal set; } = LoopKind.Serial;

    /// <summary>True for a reduction leaf each of whose values has a running value of its own, all combined at the end.</summary>
    public bool IsPartial { get; internal set; }

    /// <summary>Stands for the leaf's value in analyses.</summary>
    internal IndexVar Variable { get; }

    /// <summary>Where it is cut: every piece is split by itself, so that what changes between pieces changes in none. Empty for a leaf in one piece.</summary>
    internal IReadOnlyList<long> Cuts { get; set; } = [];

    /// <summary>Where it was split.</summary>
    internal SplitOf? Split { get; set; }

    /// <summary>The split that it is the outer leaf of.</summary>
    internal SplitOf? OuterOf { get; set; }

    /// <summary>The split that it is the inner leaf of.</summary>
    internal SplitOf? InnerOf { get; set; }

    /// <summary>The leaves that it was fused from, slowest first.</summary>
    internal IReadOnlyList<Leaf> Parts { get; set; } = [];

    /// <summary>The leaf that it was fused or collapsed into.</summary>
    internal Leaf? Whole { get; set; }

    /// <summary>
    /// Stands for the value of a leaf that was collapsed while offsets are worked out, so that they are simplified by the leaf's own range;
    /// only then the outer one becomes 0 and the inner one runs over both.
    /// </summary>
    internal IndexVar? Placeholder { get; set; }

    /// <summary>True for the outer of two leaves that were collapsed.</summary>
    internal bool IsOuterOfCollapsed { get; set; }

    /// <inheritdoc/>
    public override string ToString() => $"{Name}:{Extent}";

    /// <summary>One split.</summary>
    internal sealed record SplitOf(Leaf Parent, Leaf Outer, Leaf Inner, long Size, Tail Tail);
}
