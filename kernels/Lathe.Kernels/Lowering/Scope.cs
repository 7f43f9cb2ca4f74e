using System.Collections.Immutable;
using Lathe.Kernels.Loops;
using Lathe.Kernels.Schedules;

namespace Lathe.Kernels.Lowering;

/// <summary>What is known of leaves at a place of the nest: the values of those whose loops are open, and sizes that differ from the schedule's.</summary>
/// <param name="Values">The values of leaves whose loops are open.</param>
/// <param name="Sizes">Extents in an incomplete tile.</param>
/// <param name="Shifts">How far an incomplete tile that is computed in parts has come.</param>
/// <param name="Guards">Leaves that run beyond what there is, and where that ends.</param>
internal sealed record Scope(
    ImmutableDictionary<Leaf, IndexExpr> Values,
    ImmutableDictionary<Leaf, IndexExpr> Sizes,
    ImmutableDictionary<Leaf, IndexExpr> Shifts,
    ImmutableArray<(Leaf Leaf, IndexExpr Bound)> Guards)
{
    private static readonly ImmutableDictionary<Leaf, IndexExpr> None = ImmutableDictionary<Leaf, IndexExpr>.Empty;

    public static Scope Empty { get; } = new(None, None, None, []);

    public Scope Bind(Leaf leaf, IndexExpr value) => this with { Values = Values.SetItem(leaf, value) };

    public Scope Resize(Leaf leaf, IndexExpr size) => this with { Sizes = Sizes.SetItem(leaf, size) };

    public Scope Shift(Leaf leaf, IndexExpr distance) => this with { Shifts = Shifts.SetItem(leaf, distance) };

    public Scope Guard(Leaf leaf, IndexExpr bound) => this with { Guards = Guards.Add((leaf, bound)) };

    public bool IsBound(Leaf leaf) => Values.ContainsKey(leaf);

    public IndexExpr? ValueOf(Leaf leaf) => Values.GetValueOrDefault(leaf);

    public IndexExpr ShiftOf(Leaf leaf) => Shifts.GetValueOrDefault(leaf) ?? IndexExpr.Zero;

    public IndexExpr? SizeOf(Leaf leaf) => Sizes.GetValueOrDefault(leaf);
}
