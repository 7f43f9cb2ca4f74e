using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Kernels.Schedules;

/// <summary>How the tensors of a stage are walked as the leaves of its schedule run.</summary>
internal sealed class AccessAnalysis
{
    /// <summary>More pieces than that are more code than they are worth.</summary>
    private const int MaxCuts = 8;

    private readonly StageSchedule _schedule;
    private readonly Dictionary<IndexVar, IndexExpr> _axes = [];
    private readonly Expr[] _updates, _others;

    public AccessAnalysis(StageSchedule schedule)
    {
        _schedule = schedule;
        Stage stage = schedule.Stage;
        foreach (Axis axis in stage.Pure.Items.Concat(stage.Reduction.Items)) _axes[axis.Variable] = schedule.ValueOf(axis);
        _updates = [.. stage.Accumulators.Items.Select(a => a.Update)];
        _others = [.. stage.Accumulators.Items.Select(a => a.Init), stage.Result];
        Output = schedule.Resolve(stage.Output.Offset([.. stage.Pure.Items.Select(a => _axes[a.Variable])]));
        Updates = [.. Walk(_updates).OfType<Access>().Select(Offset)];
        Others = [.. Walk(_others).OfType<Access>().Select(Offset)];
    }

    /// <summary>The offset that is stored to.</summary>
    public IndexExpr Output { get; }

    /// <summary>The offsets that updates read.</summary>
    public IReadOnlyList<IndexExpr> Updates { get; }

    /// <summary>The offsets that start values and results read.</summary>
    public IReadOnlyList<IndexExpr> Others { get; }

    /// <summary>All offsets.</summary>
    public IEnumerable<IndexExpr> All => Updates.Concat(Others).Append(Output);

    /// <summary>True if vectors over the leaf can be computed: every index is linear in it, and there are vectors for every operation.</summary>
    /// <param name="leaf">The leaf.</param>
    /// <param name="size">How many elements a leaf that is still whole is split into.</param>
    /// <param name="isMasked">True if a mask of constant size keeps the last vector inside the axis.</param>
    public bool IsVectorisable(Leaf leaf, long size, bool isMasked = false)
    {
        return All.All(o => o.Coefficient(leaf.Variable) is not null) && IsLinearInPart(leaf) && StaysLinear(leaf, size, isMasked) && HasVectors(leaf);
    }

    /// <summary>
    /// A size by which a leaf is to be split since indices speak of its quotients and remainders by it, as those of a reshape do; null if there is none.
    /// </summary>
    public long? DigitOf(Leaf leaf) => All.SelectMany(AtomsOf).Where(a => a.Variables.Contains(leaf.Variable)).Select(a => DivisionOf(a) is var (operand, divisor)
            && operand.Coefficient(leaf.Variable) is > 0 and var step && divisor % step == 0 && divisor / step > 1
            && leaf.Extent % (divisor / step) == IndexExpr.Zero && leaf.Extent != divisor / step
            && (operand - (leaf.Variable * (IndexExpr)step)).Terms.All(t => t.Coefficient % divisor == 0) ? divisor / step : (long?)null)
        .Min();

    /// <summary>
    /// The leaf, other than the output's fastest, along which the elements of a stage that only copies lie together where they are read; null if there is none.
    /// </summary>
    /// <param name="order">The leaves in the order of the output's memory.</param>
    /// <param name="lanes">The sides of the blocks.</param>
    public Leaf? Transposed(IReadOnlyList<Leaf> order, long lanes)
    {
        if (_schedule.Stage is not { Accumulators.Length: 0, Result: Access { Tensor.Element: ElementType.Float32 or ElementType.Int32 } }) return null;
        IndexExpr read = Others[0];
        Leaf fast = order[^1];
        if (Output.Coefficient(fast.Variable) != 1 || read.Factor(fast.Variable) is not { } step || step == IndexExpr.One || step == IndexExpr.Zero) return null;
        if (!IsLong(fast) || !StaysLinear(fast, lanes, isMasked: true)) return null;
        return order.FirstOrDefault(l => l != fast && IsLong(l) && read.Coefficient(l.Variable) == 1 && Output.Factor(l.Variable) is not null && StaysLinear(l, lanes, isMasked: true));

        static bool IsLong(Leaf leaf) => !leaf.Extent.IsConstant || leaf.Extent.Value >= 3;
    }

    /// <summary>
    /// Where a leaf is to be cut so that quotients and remainders in indices change between pieces only, as where blocks are read across; null if that makes
    /// no vectors.
    /// </summary>
    public IReadOnlyList<long>? CutsOf(Leaf leaf)
    {
        if (!leaf.Extent.IsConstant || leaf.IsReduction) return null;
        SortedSet<long> cuts = [];
        foreach (IndexAtom atom in All.SelectMany(AtomsOf).Where(a => a.Variables.Contains(leaf.Variable)))
        {
            if (DivisionOf(atom) is not var (operand, divisor) || operand.Coefficient(leaf.Variable) != 1) return null;
            IndexExpr start = operand - leaf.Variable;
            if (start.Terms.Any(t => t.Atoms.Length > 0 && t.Coefficient % divisor != 0)) return null;
            long offset = start.Terms.FirstOrDefault(t => t.Atoms.Length == 0).Coefficient, first = ((-offset % divisor) + divisor) % divisor;
            for (long at = first; at < leaf.Extent.Value; at += divisor)
            {
                if (at > 0) cuts.Add(at);
                if (cuts.Count > MaxCuts) return null;
            }
        }

        if (cuts.Count == 0 || !HasVectors(leaf)) return null;
        long[] starts = [0, .. cuts], ends = [.. cuts, leaf.Extent.Value];
        return starts.Zip(ends).All(piece => IsLinearFrom(piece.First, piece.Second - piece.First)) ? [.. cuts] : null;

        bool IsLinearFrom(long start, long length)
        {
            IndexVar lanes = new($"{leaf.Variable.Name}_piece", 0, length - 1);
            return IsLinear(leaf, lanes, start + (IndexExpr)lanes);
        }
    }

    /// <summary>
    /// Where a leaf is to be cut so that conditions on it change between pieces only, as at the borders of an image: no lane of a piece then differs from the others; null if
    /// there are none such, or no vectors.
    /// </summary>
    public IReadOnlyList<long>? BordersOf(Leaf leaf)
    {
        if (!leaf.Extent.IsConstant || leaf.IsReduction || !IsVectorisable(leaf, 1)) return null;
        SortedSet<long> cuts = [];
        foreach (Binary comparison in Walk(_others).OfType<Binary>().Where(b => b.Op is BinaryOp.Less or BinaryOp.LessOrEqual))
        {
            if (IndexOf(comparison.A) is not { } a || IndexOf(comparison.B) is not { } b) continue;
            IndexExpr difference = a - b;
            if (!difference.DependsOn(leaf.Variable)) continue;
            // a + i < b changes at b - a, and b ≤ a + i as well.
            long sign = difference.Coefficient(leaf.Variable) ?? 0;
            IndexExpr constant = difference - (leaf.Variable * (IndexExpr)sign);
            if (sign is not (1 or -1) || !constant.IsConstant) return null;
            long at = (-constant.Value * sign) + ((comparison.Op == BinaryOp.Less) == (sign < 0) ? 1 : 0);
            if (at > 0 && at < leaf.Extent.Value) cuts.Add(at);
        }

        return cuts.Count is > 0 and <= MaxCuts ? [.. cuts] : null;

        IndexExpr? IndexOf(Expr e) => e switch
        {
            IndexValue value => _schedule.Resolve(value.Index.Substitute(_axes.GetValueOrDefault)),
            Const { ValueType.Element: ElementType.Int64 or ElementType.Int32 } number => number.Integer,
            _ => null,
        };
    }

    /// <summary>True if every index is linear in the leaf also where it counts from the start of a part of the stage: a quotient that is the same for the first elements may change among others.</summary>
    private bool IsLinearInPart(Leaf leaf)
    {
        Stage stage = _schedule.Stage;
        if (stage.Part is not { } part) return true;
        Dictionary<IndexVar, IndexExpr> axes = new(_axes);
        for (int d = 0; d < stage.Pure.Length; d++) axes[stage.Pure[d].Variable] += part.Start[d];
        return Walk(_updates.Concat(_others)).All(e => e switch
        {
            Access access when part.IsWhole(access.Tensor) => IsLinear(access.Tensor.Offset([.. access.Indices.Items.Select(i => i.Substitute(axes.GetValueOrDefault))])),
            IndexValue value => IsLinear(value.Index.Substitute(axes.GetValueOrDefault)),
            _ => true,
        });

        bool IsLinear(IndexExpr index) => _schedule.Resolve(index).Coefficient(leaf.Variable) is not null;
    }

    /// <summary>True if there are vectors for every operation.</summary>
    private bool HasVectors(Leaf leaf)
    {
        if (!leaf.IsReduction && !VectorTypes.IsMemory(_schedule.Stage.Output.Element, Output.Coefficient(leaf.Variable))) return false;
        // Along a reduction only running values are vectors.
        return (leaf.IsReduction ? _updates : _updates.Concat(_others))
            .All(e => VectorTypes.Allow(e, i => _schedule.Resolve(i.Substitute(_axes.GetValueOrDefault)).Coefficient(leaf.Variable), Offset, leaf.Variable));
    }

    /// <summary>
    /// True if every index is linear also in the vectors that a leaf is split into, whose quotients and remainders may not be seen to make up again what
    /// those of the whole leaf do, and in a last vector that reaches beyond the axis under a mask.
    /// </summary>
    private bool StaysLinear(Leaf leaf, long size, bool isMasked)
    {
        if (!(leaf.InnerOf is { } split && split.Size % size == 0) && leaf.Whole is null)
        {
            IndexVar lanes = new($"{leaf.Variable.Name}_lanes", 0, size - 1);
            IndexRange count = (isMasked && leaf.Extent.IsConstant ? leaf.Extent / size : IndexExpr.CeilDiv(leaf.Extent, size)).Range;
            IndexVar vectors = new($"{leaf.Variable.Name}_vectors", 0, count.Max == long.MaxValue ? long.MaxValue : Math.Max(0, count.Max - 1));
            if (count.Max > 0 && !IsLinear(leaf, lanes, (vectors * size) + lanes)) return false;
        }

        if (!leaf.Extent.IsConstant || leaf.Extent.Value % PackedLayouts.Panel == 0) return true;
        if (isMasked)
        {
            long rest = leaf.Extent.Value % size;
            IndexVar last = new($"{leaf.Variable.Name}_lanes", 0, Math.Max(0, rest - 1));
            return rest == 0 || IsLinear(leaf, last, leaf.Extent - rest + last);
        }

        long rounded = (leaf.Extent.Value + PackedLayouts.Panel - 1) / PackedLayouts.Panel * PackedLayouts.Panel;
        IndexVar beyond = new($"{leaf.Variable.Name}_lanes", 0, rounded - 1);
        return IsLinear(leaf, beyond, beyond);
    }

    /// <summary>
    /// True if every index is linear in a variable when the leaf has a value made of it. Offsets are composed anew: those at hand have been simplified
    /// for values inside the axis.
    /// </summary>
    private bool IsLinear(Leaf leaf, IndexVar variable, IndexExpr value)
    {
        IndexExpr At(IndexExpr index) => index.Substitute(v => _axes.TryGetValue(v, out IndexExpr? axis) ? axis.Substitute(leaf.Variable, value) : null);
        IEnumerable<Access> accesses = Walk(_updates.Concat(_others)).OfType<Access>();
        return accesses.All(a => _schedule.Resolve(a.Tensor.Offset([.. a.Indices.Items.Select(At)])).Coefficient(variable) is not null);
    }

    private static (IndexExpr Operand, long Divisor)? DivisionOf(IndexAtom atom) => atom switch
    {
        IndexDiv { Divisor.IsConstant: true } div => (div.Operand, div.Divisor.Value),
        IndexMod { Divisor.IsConstant: true } mod => (mod.Operand, mod.Divisor.Value),
        _ => null,
    };

    /// <summary>The atoms of an expression that are no variables, those inside of others last.</summary>
    private static IEnumerable<IndexAtom> AtomsOf(IndexExpr expression) => expression.Terms.SelectMany(t => t.Atoms).Where(a => a is not IndexVar)
        .SelectMany(a => DivisionOf(a) is var (operand, _) ? AtomsOf(operand).Prepend(a) : [a]);

    /// <summary>True if nothing but the leaf's neighbours in memory is read: every coefficient is 0 or 1.</summary>
    public bool IsContiguous(Leaf leaf) => Updates.Concat(Others).All(o => o.Coefficient(leaf.Variable) is 0 or 1);

    /// <summary>True if the outer leaf's elements follow those of the inner one in every tensor, and no condition tells them apart.</summary>
    public bool CanCollapse(Leaf outer, Leaf inner)
    {
        if (outer.IsReduction != inner.IsReduction || outer.Whole is not null || inner.Whole is not null) return false;
        // The rest of a last block belongs to no sum.
        if (outer.IsReduction && (HasRest(outer) || HasRest(inner))) return false;
        foreach (IndexExpr offset in All)
            if (offset.Factor(outer.Variable) is not { } a || offset.Factor(inner.Variable) is not { } b || a != b * inner.Extent) return false;
        return Walk(_updates.Concat(_others)).OfType<IndexValue>().All(e =>
        {
            IndexExpr index = _schedule.Resolve(e.Index.Substitute(_axes.GetValueOrDefault));
            return !index.DependsOn(outer.Variable) && !index.DependsOn(inner.Variable);
        });
    }

    private static bool HasRest(Leaf leaf) => leaf.InnerOf is { } split && split.Parent.Extent % split.Size != IndexExpr.Zero;

    /// <summary>
    /// True if elements up to the end of the last block of an axis may be read and written: every tensor that the axis indexes is padded to
    /// blocks of the size, and no condition looks at the axis.
    /// </summary>
    /// <param name="stage">The stage.</param>
    /// <param name="axis">The axis.</param>
    /// <param name="block">The size of a block.</param>
    /// <param name="scratch">The name of an earlier stage's output, of which whole blocks are computed.</param>
    public static bool IsPadded(Stage stage, Axis axis, long block, string? scratch = null)
    {
        int dim = stage.Pure.Items.IndexOf(axis);
        return dim >= 0 && EndsInBlock(stage.Output, dim, block)
            && stage.Accumulators.Items.SelectMany(a => new[] { a.Init, a.Update }).Append(stage.Result).All(e => IsPadded(e, axis, block, scratch));
    }

    /// <summary>True if an expression reads only what there is also up to the end of the last block of an axis, and no condition looks at the axis.</summary>
    public static bool IsPadded(Expr expression, Axis axis, long block, string? scratch = null)
    {
        foreach (Expr part in ExprWalk.All(expression))
        {
            if (part is IndexValue value && value.Index.DependsOn(axis.Variable)) return false;
            if (part is Gather) return false;
            if (part is not Access access || access.Tensor.Name == scratch) continue;
            for (int d = 0; d < access.Indices.Length; d++)
            {
                if (!access.Indices[d].DependsOn(axis.Variable)) continue;
                if (access.Indices[d] != axis.Variable || access.Tensor.Dims[d] != axis.Extent || !EndsInBlock(access.Tensor, d, block)) return false;
            }
        }

        return true;
    }

    private static bool EndsInBlock(Tensor tensor, int dim, long block) =>
        tensor.Layout.Levels.Items.Any(l => l.Axis == dim && l.Divisor == 1 && l.Modulus > 0 && l.Modulus % block == 0);

    private static IEnumerable<Expr> Walk(IEnumerable<Expr> expressions) => expressions.SelectMany(ExprWalk.All);

    private IndexExpr Offset(Access access)
    {
        IndexExpr[] indices = [.. access.Indices.Items.Select(i => i.Substitute(_axes.GetValueOrDefault))];
        return _schedule.Resolve(access.Tensor.Offset(indices));
    }
}
