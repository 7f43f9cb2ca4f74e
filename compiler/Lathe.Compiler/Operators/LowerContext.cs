using System.Collections.Immutable;
using Lathe.Compiler.Graph;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators;

/// <summary>One pass of a lowered operator. All passes but the last write a temporary that later ones read through <see cref="LowerContext.ReadTemporary"/>.</summary>
/// <param name="Axes">One axis per dim of what the pass writes.</param>
/// <param name="Reduction">The reduction axes.</param>
/// <param name="Accumulators">The running values.</param>
/// <param name="Result">The element at the axes.</param>
public sealed record LoweredPass(
    EquatableArray<Axis> Axes,
    EquatableArray<Axis> Reduction,
    EquatableArray<Accumulator> Accumulators,
    Expr Result);

/// <summary>An operator as loop stages without layouts or schedules.</summary>
/// <param name="Family">How it is scheduled where it is the root of a kernel.</param>
/// <param name="Passes">The passes in order; the last gives the output.</param>
public sealed record LoweredOp(KernelFamily Family, EquatableArray<LoweredPass> Passes)
{
    /// <summary>The constant matrices that the passes read, made by <see cref="LowerContext.Constant"/>.</summary>
    public EquatableArray<ConstantTensor> Constants { get; init; } = [];
}

/// <summary>
/// What <see cref="Op.Lower"/> reads: inputs as functions from logical indices to expressions. Whether an input is memory or another operator
/// fused into this one does not show.
/// </summary>
public sealed class LowerContext
{
    private readonly Func<int, IReadOnlyList<IndexExpr>, Expr> _read;
    private readonly Func<int, int, (long Low, long High)>? _halo;
    private readonly Func<int, Expr, Expr>? _gather;
    private readonly Func<int, IReadOnlyList<IndexExpr>, Expr>? _words;
    private readonly string _prefix;

    /// <summary>Makes a context.</summary>
    /// <param name="inputs">The input types; null for an absent one.</param>
    /// <param name="outputs">The output types.</param>
    /// <param name="output">Which output is lowered.</param>
    /// <param name="prefix">Keeps names of axes and accumulators apart from those of other operators in the same kernel.</param>
    /// <param name="axes">The axes of the output, given by the kernel that this is fused into, or null for new ones.</param>
    /// <param name="read">Reads an element of an input at indices inside its shape.</param>
    /// <param name="index">Where the output is read, for an operator fused into its user; null for <paramref name="axes"/>.</param>
    /// <param name="halo">How many zeros lie in memory before and after an axis of an input; null for none.</param>
    /// <param name="gather">Reads the element of an input at a row-major offset that is computed from data; null where that is not possible.</param>
    /// <param name="words">Reads four channels of an input of bytes as a word; null where that is not possible.</param>
    public LowerContext(
        IReadOnlyList<TensorType?> inputs,
        IReadOnlyList<TensorType> outputs,
        int output,
        string prefix,
        IReadOnlyList<Axis>? axes,
        Func<int, IReadOnlyList<IndexExpr>, Expr> read,
        IReadOnlyList<IndexExpr>? index = null,
        Func<int, int, (long Low, long High)>? halo = null,
        Func<int, Expr, Expr>? gather = null,
        Func<int, IReadOnlyList<IndexExpr>, Expr>? words = null)
    {
        Inputs = inputs;
        Outputs = outputs;
        OutputIndex = output;
        _prefix = prefix;
        _read = read;
        _halo = halo;
        _gather = gather;
        _words = words;
        Axes = [.. axes ?? outputs[output].Dims.Select((extent, i) => Axis.Of($"{prefix}o{i}", extent))];
        Index = index is null ? [.. Axes.Select(a => (IndexExpr)a.Variable)] : [.. index];
    }

    /// <summary>The input types; null for an absent one.</summary>
    public IReadOnlyList<TensorType?> Inputs { get; }

    /// <summary>The output types.</summary>
    public IReadOnlyList<TensorType> Outputs { get; }

    /// <summary>Which output is lowered; operators of several outputs lower each by itself.</summary>
    public int OutputIndex { get; }

    /// <summary>The type of the output that is lowered.</summary>
    public TensorType Output => Outputs[OutputIndex];

    /// <summary>One axis per dim of the output.</summary>
    public ImmutableArray<Axis> Axes { get; }

    /// <summary>The axes' variables as expressions: the logical index of the output element.</summary>
    public ImmutableArray<IndexExpr> Index { get; }

    /// <summary>True if an optional input is given.</summary>
    public bool Has(int input) => input < Inputs.Count && Inputs[input] is not null;

    /// <summary>A reduction axis.</summary>
    public Axis Reduce(string name, IndexExpr extent) => Axis.Of($"{_prefix}{name}", extent);

    /// <summary>A running value; <paramref name="update"/> is given it.</summary>
    public Accumulator Accumulate(string name, ElementType element, Expr init, Func<Expr, Expr> update)
    {
        string unique = $"{_prefix}{name}";
        return new Accumulator(unique, element, init, update(new Var(unique, element)));
    }

    /// <summary>An element of an input; the indices are inside its shape.</summary>
    public Expr Read(int input, params IReadOnlyList<IndexExpr> indices) => _read(input, indices);

    /// <summary>An element of an input, or a value where the indices are outside its shape in any axis.</summary>
    public Expr ReadPadded(int input, Expr outside, params IReadOnlyList<IndexExpr> indices) => Padded(input, Inputs[input]!.Dims, outside, indices, Read);

    /// <summary>
    /// Four neighbours along an axis of an input of bytes as a word of 32 bits, the first in its lowest byte; 0 where the indices, of which that of the axis counts words, are
    /// outside its shape. What bytes beyond the end of the axis hold is not said.
    /// </summary>
    /// <exception cref="InvalidOperationException">The input is not memory here.</exception>
    public Expr ReadWords(int input, Index axis, params IReadOnlyList<IndexExpr> indices)
    {
        if (_words is null) throw new InvalidOperationException($"Input {input} cannot be read as words here.");
        int along = axis.GetOffset(indices.Count);
        EquatableArray<IndexExpr> dims = Inputs[input]!.Dims.Select((d, i) => i == along ? IndexExpr.CeilDiv(d, 4) : d).ToEquatableArray();
        return Padded(input, dims, Const.Of(ElementType.Int32, 0), indices, (i, at) => _words(i, at));
    }

    private Expr Padded(int input, EquatableArray<IndexExpr> dims, Expr outside, IReadOnlyList<IndexExpr> indices, Func<int, IReadOnlyList<IndexExpr>, Expr> read)
    {
        Expr? inside = null;
        for (int axis = 0; axis < indices.Count; axis++)
        {
            // An axis runs over its own extent, also where that is a named dim and ranges cannot tell.
            if (Axes.Any(a => a.Extent == dims[axis] && indices[axis] == a.Variable)) continue;
            IndexRange low = indices[axis].Range, high = (indices[axis] - dims[axis]).Range;
            (long before, long after) = IsZero(outside) && _halo is not null ? _halo(input, axis) : (0, 0);
            if (low.Min < -before) inside = And(inside, Compare(BinaryOp.LessOrEqual, 0, indices[axis]));
            if (high.Max >= after) inside = And(inside, Compare(BinaryOp.Less, indices[axis], dims[axis]));
        }

        Expr element = read(input, indices);
        return inside is null ? element : new Select(inside, element, outside);

        static bool IsZero(Expr value) => value is Const { Float: 0, Integer: 0 };
        static Expr And(Expr? a, Expr b) => a is null ? b : new Binary(BinaryOp.And, a, b);
    }

    /// <summary>
    /// An element of an input at indices of which some come from data. They are int64 and inside the input's shape: the operator has to have brought
    /// them there, since memory is read as they say. <see cref="Op.ReadsAtData"/> says of which inputs an operator reads so.
    /// </summary>
    /// <exception cref="InvalidOperationException">The input is not memory here.</exception>
    public Expr ReadAt(int input, params IReadOnlyList<Expr> indices)
    {
        if (_gather is null) throw new InvalidOperationException($"Input {input} cannot be read at indices from data here.");
        EquatableArray<IndexExpr> dims = Inputs[input]!.Dims;
        Expr offset = Const.OfInteger(ElementType.Int64, 0);
        for (int axis = 0; axis < dims.Length; axis++)
            offset = axis == 0 ? indices[0] : (offset * dims[axis].ToExpr(ElementType.Int64)) + indices[axis];
        return _gather(input, offset);
    }

    /// <summary>An element of an input broadcast to the output's shape, at the output's index.</summary>
    public Expr ReadBroadcast(int input) => ReadBroadcast(input, Index);

    /// <summary>An element of an input broadcast to the output's shape.</summary>
    public Expr ReadBroadcast(int input, IReadOnlyList<IndexExpr> outputIndex)
    {
        EquatableArray<IndexExpr> dims = Inputs[input]!.Dims;
        IndexExpr[] indices = new IndexExpr[dims.Length];
        for (int i = 0; i < indices.Length; i++)
            indices[i] = dims[i] == IndexExpr.One ? IndexExpr.Zero : outputIndex[outputIndex.Count - indices.Length + i];
        return Read(input, indices);
    }

    /// <summary>A comparison of two index expressions.</summary>
    public static Expr Compare(BinaryOp op, IndexExpr a, IndexExpr b) =>
        new Binary(op, new IndexValue(a, ElementType.Int64), new IndexValue(b, ElementType.Int64));

    /// <summary>A constant of an element type.</summary>
    public static Expr Number(ElementType element, double value) => Const.Of(element, value);

    /// <summary>An element of what an earlier pass wrote.</summary>
    /// <param name="pass">The pass's number.</param>
    /// <param name="element">Its element type.</param>
    /// <param name="axes">Its axes.</param>
    /// <param name="indices">Where to read.</param>
    public Expr ReadTemporary(int pass, ElementType element, IReadOnlyList<Axis> axes, params IReadOnlyList<IndexExpr> indices)
    {
        EquatableArray<IndexExpr> dims = axes.Select(a => a.Extent).ToEquatableArray();
        return new Access(new Tensor($"{_prefix}t{pass}", element, dims, Layout.RowMajor(dims.Length)), indices.ToEquatableArray());
    }

    /// <summary>A small matrix of known elements, row-major, that passes read; to be listed in <see cref="LoweredOp.Constants"/>.</summary>
    public ConstantTensor Constant(string name, ElementType element, IReadOnlyList<IndexExpr> dims, IReadOnlyList<double> values) =>
        new(new Tensor($"{_prefix}{name}", element, dims.ToEquatableArray(), Layout.RowMajor(dims.Count)), values.ToEquatableArray());

    /// <summary>A map: one pass without reduction.</summary>
    public LoweredOp Map(Expr element) => new(KernelFamily.Map, [new LoweredPass(Axes, [], [], element)]);

    /// <summary>One reduction.</summary>
    public LoweredOp ReduceOver(KernelFamily family, IReadOnlyList<Axis> reduction, Accumulator accumulator, Func<Expr, Expr>? result = null) => new(
        family,
        [new LoweredPass(Axes, reduction.ToEquatableArray(), [accumulator], result is null ? accumulator.Value : result(accumulator.Value))]);
}
