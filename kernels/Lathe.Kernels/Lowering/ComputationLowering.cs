using Lathe.Kernels.Loops;
using Lathe.Kernels.Passes;
using Lathe.Kernels.Schedules;
using Lathe.Runtime;

namespace Lathe.Kernels.Lowering;

/// <summary>
/// Computation and schedule → scheduled dialect. The one rule is <see cref="StageSchedule"/>'s; what the last stage reads of earlier ones
/// is computed inside it, in the region that interval arithmetic finds, into scratch memory.
/// </summary>
public static class ComputationLowering
{
    /// <summary>Lowers a computation.</summary>
    /// <param name="computation">The computation.</param>
    /// <param name="schedule">The schedule of its last stage. If its first leaf is not parallel, the kernel has a parallel axis of extent 1.</param>
    /// <returns>The kernel and the extent of its parallel axis.</returns>
    public static (Kernel Kernel, IndexExpr Extent) Lower(Computation computation, StageSchedule schedule)
    {
        LoweringContext context = new(computation);
        // A scalar has no leaves.
        Leaf? first = schedule.Order.FirstOrDefault();
        bool isParallel = first?.Kind == LoopKind.Parallel;
        IndexExpr extent = isParallel ? first!.Extent : IndexExpr.One;
        Statement body = context.AroundRings(new StageLowering(context, schedule, []).Lower());
        if (!isParallel) body = new For(new IndexVar(context.Names.Unique("once"), 0, 0), 0, 1, LoopKind.Parallel, body);

        List<Statement> statements = [], tables = [.. computation.Constants.Items.Select(c => new Table(c.Tensor.Name, c.Tensor.Element, c.Values))];
        foreach (Tensor output in computation.Outputs)
            if (HaloFill.Of(output, context.Names) is { } fill) statements.Add(fill);
        if (statements.Count > 0)
        {
            Expr isFirst = new Binary(BinaryOp.Equal, new IndexValue(Kernel.From, ElementType.Int64), Const.OfInteger(ElementType.Int64, 0));
            statements = [new If(isFirst, Block.Of(statements))];
        }

        statements.Add(body);
        Kernel kernel = new(
            computation.Name,
            Summary.Of(computation),
            [
                .. computation.Inputs.Items.Select(t => new Parameter(t.Name, t.Element, false)),
                .. computation.Outputs.Items.Select(t => new Parameter(t.Name, t.Element, true)),
            ],
            computation.Dims,
            Block.Of([.. tables, .. statements]));
        return (kernel, extent);
    }
}

/// <summary>What the lowering of all stages of a computation shares.</summary>
internal sealed class LoweringContext
{
    private readonly Dictionary<string, Region> _regions = new(StringComparer.Ordinal);
    private readonly List<Ring> _rings = [];

    public LoweringContext(Computation computation)
    {
        Computation = computation;
        foreach (Tensor tensor in computation.Inputs) Names.Reserve(tensor.Name);
        foreach (Tensor tensor in computation.Outputs) Names.Reserve(tensor.Name);
        foreach (ConstantTensor constant in computation.Constants) Names.Reserve(constant.Tensor.Name);
        foreach (IndexVar dim in computation.Dims) Names.Reserve(dim.Name);
    }

    public Computation Computation { get; }

    public Names Names { get; } = new();

    /// <summary>The stages that a stage may read, nearest first.</summary>
    public IEnumerable<Stage> ProducersOf(Stage stage) => Computation.Stages.Items.TakeWhile(s => s.Name != stage.Name).Reverse();

    public bool IsOutput(Tensor tensor) => Computation.Outputs.Items.Any(t => t.Name == tensor.Name);

    public void Stage(string tensor, Region region) => _regions[tensor] = region;

    /// <summary>The name of the memory and the offset in it of a tensor's element.</summary>
    public (string Buffer, IndexExpr Offset) Place(Tensor tensor, IReadOnlyList<IndexExpr> indices)
    {
        if (!_regions.TryGetValue(tensor.Name, out Region? region) || region.Buffer is null) return (tensor.Name, tensor.Offset(indices));
        if (region.Ring is { } ring) return (region.Buffer, ring.Offset(indices));
        return (region.Buffer, tensor.Layout.Offset(region.Extents, [.. indices.Select((index, d) => index - region.Lo[d])]));
    }

    /// <summary>Memory that a whole slice keeps.</summary>
    public void Add(Ring ring) => _rings.Add(ring);

    /// <summary>A kernel's loops inside the memory that slices keep.</summary>
    public Statement AroundRings(Statement body) => Enumerable.Reverse(_rings).Aggregate(body, (inner, ring) =>
        new Alloc(ring.Memory.Name, ring.Memory.Element, ring.Memory.Length, MemoryScope.Thread, HaloFill.Of(ring.Memory, Names) is { } fill ? Block.Of([fill, inner]) : inner));
}

/// <summary>The part of a stage's output that is computed at one place of a later stage.</summary>
/// <param name="Lo">Where it starts, for every axis.</param>
/// <param name="Extents">Its extents.</param>
/// <param name="Buffer">The scratch memory that holds it in the tensor's layout; null where the tensor has memory of its own.</param>
/// <param name="Ring">How elements along an axis take turns in that memory; null where all have a place.</param>
internal sealed record Region(IReadOnlyList<IndexExpr> Lo, IReadOnlyList<IndexExpr> Extents, string? Buffer, Ring? Ring = null);

/// <summary>Memory for some neighbours along an axis of a tensor, the halo before and after it included, in which later ones take the place of earlier ones.</summary>
/// <param name="Memory">The memory: the tensor with as many elements along the axis as have a place, and without its halo there.</param>
/// <param name="Axis">The axis.</param>
/// <param name="Before">The tensor's halo before the axis.</param>
internal sealed record Ring(Tensor Memory, int Axis, long Before)
{
    /// <summary>The ring of a tensor.</summary>
    public static Ring Of(Tensor tensor, int axis, IndexExpr length, string name) => new(
        tensor with
        {
            Name = name,
            Dims = tensor.Dims.Select((dim, d) => d == axis ? length : dim).ToEquatableArray(),
            Layout = new Layout([.. tensor.Layout.Levels.Select(l => l.Axis == axis ? l with { PadLow = 0, PadHigh = 0 } : l)]),
        },
        axis,
        tensor.Layout.PadLow(axis));

    /// <summary>Where an element along the axis, counted as in the tensor, has its place.</summary>
    public IndexExpr Place(IndexExpr index) => (index + Before) % Memory.Dims[Axis];

    /// <summary>The offset of an element of the tensor.</summary>
    public IndexExpr Offset(IReadOnlyList<IndexExpr> indices) => Memory.Offset([.. indices.Select((index, d) => d == Axis ? Place(index) : index)]);
}
