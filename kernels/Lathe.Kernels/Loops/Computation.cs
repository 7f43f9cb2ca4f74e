using Lathe.Runtime;

namespace Lathe.Kernels.Loops;

/// <summary>A tensor of a computation: a shape and the layout that turns logical indices into an offset.</summary>
/// <param name="Name">The name of its buffer; unique in the computation.</param>
/// <param name="Element">The element type.</param>
/// <param name="Dims">The logical shape.</param>
/// <param name="Layout">Where its elements lie.</param>
public sealed record Tensor(string Name, ElementType Element, EquatableArray<IndexExpr> Dims, Layout Layout)
{
    /// <summary>The element at logical indices.</summary>
    public Access At(params ReadOnlySpan<IndexExpr> indices) => new(this, EquatableArray.Create(indices));

    /// <summary>The offset of an element in elements.</summary>
    public IndexExpr Offset(IReadOnlyList<IndexExpr> indices) => Layout.Offset(Dims, indices);

    /// <summary>The number of elements of its buffer, padding included.</summary>
    public IndexExpr Length => Layout.Length(Dims);

    /// <summary>
    /// A tensor of bytes as one of words of 32 bits, each four neighbours along an axis, the first in the lowest byte: another view of the same memory. Null unless the
    /// axis is the fastest and in blocks of whole words.
    /// </summary>
    /// <param name="axis">The axis.</param>
    public Tensor? AsWords(int axis)
    {
        if (Layout.Levels[^1] is not { Divisor: 1 } last || last.Axis != axis || last.PadLow != 0 || last.PadHigh != 0 || Element.Size() != 1) return null;
        bool isWhole = last.Modulus != 0 ? last.Modulus % 4 == 0 : Dims[axis] % 4 == IndexExpr.Zero;
        if (!isWhole || Layout.Levels.Items.Any(l => l.Axis == axis && l.Divisor % 4 != 0 && l != last)) return null;
        EquatableArray<LayoutLevel> levels = [.. Layout.Levels.Items.Select(l => l.Axis != axis ? l : l with { Divisor = Math.Max(1, l.Divisor / 4), Modulus = l.Modulus / 4 })];
        return new Tensor(Name, ElementType.Int32, [.. Dims.Items.Select((d, a) => a == axis ? IndexExpr.CeilDiv(d, 4) : d)], new Layout(levels));
    }
}

/// <summary>An axis of a stage: a variable and how many values it takes, from 0.</summary>
public sealed record Axis(IndexVar Variable, IndexExpr Extent)
{
    /// <summary>An axis with the range that its extent gives.</summary>
    public static Axis Of(string name, IndexExpr extent) =>
        new(new IndexVar(name, 0, extent.Range.Max == long.MaxValue ? long.MaxValue : Math.Max(0, extent.Range.Max - 1)), extent);
}

/// <summary>A running value of a reduction; <paramref name="Update"/> speaks of it, and of the stage's others, as <see cref="Var"/>s.</summary>
public sealed record Accumulator(string Name, ElementType Element, Expr Init, Expr Update)
{
    /// <summary>The running value in expressions.</summary>
    public Var Value => new(Name, Element);
}

/// <summary>
/// One loop nest without an order: for every point of the pure axes, start the accumulators, update them over all points of the reduction
/// axes, and store the result. Expressions speak of axes by their variables, of tensors by <see cref="Access"/>.
/// </summary>
/// <param name="Name">Names the stage in emitted code.</param>
/// <param name="Output">What it writes, at the pure axes in order.</param>
/// <param name="Pure">One axis per dim of the output.</param>
/// <param name="Reduction">The reduction axes; none for a map.</param>
/// <param name="Accumulators">The running values; none for a map. Updates of one iteration see the values before it.</param>
/// <param name="Result">What is stored.</param>
public sealed record Stage(
    string Name,
    Tensor Output,
    EquatableArray<Axis> Pure,
    EquatableArray<Axis> Reduction,
    EquatableArray<Accumulator> Accumulators,
    Expr Result)
{
    /// <summary>Where the part begins that a schedule is made for; null for the whole.</summary>
    internal StagePart? Part { get; init; }
}

/// <summary>A part of a stage, whose pure axes count from its start.</summary>
/// <param name="Start">Where it begins along each pure axis.</param>
/// <param name="IsWhole">True for a tensor that is read at its own indices, false for one of which only a part is there, counted from its start too.</param>
internal sealed record StagePart(IReadOnlyList<IndexExpr> Start, Func<Tensor, bool> IsWhole);

/// <summary>What kind of kernel a computation is; schedules are chosen by it.</summary>
public enum KernelFamily
{
    /// <summary>Element-wise work and movement: no reduction.</summary>
    Map,

    /// <summary>Reductions over axes of one tensor.</summary>
    Reduction,

    /// <summary>Reductions over a window.</summary>
    Pool,

    /// <summary>Products over input channels and a window; the stage's axes are [n, oc, spatial…] and reduce [ic, window…].</summary>
    Convolution,

    /// <summary>Products over a window, channel by channel; the stage's axes are [n, c, spatial…] and reduce [window…].</summary>
    DepthwiseConvolution,

    /// <summary>Matrix products; the stage's axes are [batch…, m, n] and reduce [k].</summary>
    MatMul,

    /// <summary>
    /// Convolutions by Winograd's algorithm: stages over tiles that transform the input by columns and by rows, multiply, and transform back by columns and
    /// by rows; the last one's axes are [n, oc, h, w].
    /// </summary>
    Winograd,

    /// <summary>
    /// A depthwise convolution with the pointwise one before it, the one after it or both, computed row by row; all stages' axes are [n, c, h, w], n is one, and
    /// each stage reads the one before it.
    /// </summary>
    Strips,

    /// <summary>Several passes over each row: softmax and normalisations. All stages share their leading axes.</summary>
    Rows,
}

/// <summary>What a kernel computes, before any schedule: stages in order, of which the last writes the output and the others temporaries.</summary>
/// <param name="Name">Names the kernel in emitted code.</param>
/// <param name="Family">How it is scheduled.</param>
/// <param name="Stages">The stages in order.</param>
/// <param name="Inputs">The tensors it reads, in the order of the kernel's parameters; the outputs follow them.</param>
/// <param name="Outputs">The tensors it writes.</param>
/// <param name="Dims">The named dims in its shapes.</param>
public sealed record Computation(
    string Name,
    KernelFamily Family,
    EquatableArray<Stage> Stages,
    EquatableArray<Tensor> Inputs,
    EquatableArray<Tensor> Outputs,
    EquatableArray<IndexVar> Dims)
{
    /// <summary>Tensors whose elements are known: the matrices of a transform. Stages read them like inputs; they are no parameters.</summary>
    public EquatableArray<ConstantTensor> Constants { get; init; } = [];
}

/// <summary>A small tensor of known elements, row-major and of constant shape.</summary>
/// <param name="Tensor">Its name, type and shape.</param>
/// <param name="Values">The elements; the type holds each exactly.</param>
public sealed record ConstantTensor(Tensor Tensor, EquatableArray<double> Values);
