using Lathe.Compiler.Graph;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Pooling;

/// <summary>
/// Undoes a <see cref="MaxPool"/>: every element of input 0 goes to the offset that input 1 gives for it, in a row-major tensor of the size that the pool
/// must have had; what none goes to is 0.
/// </summary>
/// <param name="KernelShape">The pool's window.</param>
/// <param name="Pads">The pool's paddings, all starts, then all ends.</param>
/// <param name="Strides">The distance between the pool's windows.</param>
/// <param name="OutputShape">Where given, the shape of the output, at whose start the tensor lies, with zeros around it.</param>
public sealed record MaxUnpool(
    EquatableArray<long> KernelShape, EquatableArray<long> Pads = default, EquatableArray<long> Strides = default, EquatableArray<IndexExpr>? OutputShape = null) : Op, IOp<MaxUnpool>
{
    /// <summary>The greatest window, stride or padding that is taken: products with dims stay far from 64 bits.</summary>
    private const long MaxStep = 1 << 30;

    /// <inheritdoc/>
    public static OpSchema Schema => new("MaxUnpool", 2, 3);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Opaque;

    /// <inheritdoc/>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder)
    {
        MaxUnpool op = AttributeReader.Read<MaxUnpool>(node);
        if (node.Has(2)) op = op with { OutputShape = OnnxInputs.Known(node, 2, "its output shape") };
        return [builder.Add(op, node.Inputs[0], node.Inputs[1])];
    }

    /// <inheritdoc/>
    public override Op Substitute(Func<IndexVar, IndexExpr?> replacement) =>
        OutputShape is { } shape ? this with { OutputShape = shape.Select(d => d.Substitute(replacement)).ToEquatableArray() } : this;

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        TensorType x = context.Float(0), indices = context.Type(1);
        int axes = x.Rank - 2;
        context.Require(axes >= 1 && KernelShape.Length == axes, $"a window of {KernelShape.Length} axes does not fit {x}");
        context.Require(Strides.Length == 0 || Strides.Length == axes, $"strides has {Strides.Length} values for {axes} spatial axes");
        context.Require(Pads.Length == 0 || Pads.Length == 2 * axes, $"pads has {Pads.Length} values for {axes} spatial axes");
        context.Require(KernelShape.Concat(Strides).All(v => v is > 0 and <= MaxStep), "a window or a stride is not positive");
        context.Require(Pads.All(v => v is >= 0 and <= MaxStep), "a padding is negative");
        context.Require(indices.Element == ElementType.Int64 && indices.Rank == x.Rank, $"its indices are {indices}");
        for (int i = 0; i < x.Rank; i++) context.Require((indices.Dims[i] - x.Dims[i]).Range is { Min: <= 0, Max: >= 0 }, $"there is not one index for each element of {x}");
        IndexExpr[] own = Own(x.Dims);
        if (OutputShape is { } shape)
        {
            context.Require(shape.Length == x.Rank, $"an output of {shape.Length} axes does not fit {x}");
            for (int i = 0; i < own.Length; i++) context.Require((shape[i] - own[i]).Range.Max >= 0, $"its output has no room for {own[i]} elements along axis {i}");
        }

        context.Output(x.Element, OutputShape is { } stated ? [.. stated] : own);
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        TensorData x = inputs[0]!, indices = inputs[1]!, y = TensorData.Zeros(x.Element, outputs[0].StaticDims);
        long[] own = [.. Own([.. x.Dims.Select(d => (IndexExpr)d)]).Select(d => d.Value)];
        if (own.Zip(y.Dims).Any(d => d.First > d.Second)) throw new ArgumentException("Its output has no room for what it holds.");
        long[][] places = [.. RowMajor.Indices(own).Select(index => index.ToArray())];
        for (int i = 0; i < x.Count; i++)
        {
            long at = indices.GetInt64(i);
            if (at < 0 || at >= places.Length) throw new ArgumentException($"Index {at} is outside {places.Length} elements.");
            Elements.CopyElement(x, i, y, (int)RowMajor.Offset(y.Dims, places[at]));
        }

        return [y];
    }

    /// <inheritdoc/>
    public override RoutineUse Routine(IReadOnlyList<TensorType?> inputs, IReadOnlyList<TensorType> outputs)
    {
        int axes = KernelShape.Length;
        return new(nameof(MaxUnpool), [.. KernelShape, .. Enumerable.Range(0, axes).Select(Stride), .. Enumerable.Range(0, axes).Select(Pad)]);
    }

    /// <summary>The shape that the pool must have had.</summary>
    private IndexExpr[] Own(IReadOnlyList<IndexExpr> x) =>
        [.. x.Select((dim, i) => i < 2 ? dim : ((dim - 1) * Stride(i - 2)) + KernelShape[i - 2] - Pad(i - 2))];

    private long Stride(int axis) => Strides.Length == 0 ? 1 : Strides[axis];

    /// <summary>The paddings of an axis, together.</summary>
    private long Pad(int axis) => Pads.Length == 0 ? 0 : Pads[axis] + Pads[axis + KernelShape.Length];
}
