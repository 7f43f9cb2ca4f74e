using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Compiler.Operators.Movement;
using Lathe.Compiler.Operators.Shapes;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Quantization;

/// <summary>
/// Scales and zero points of a tensor as ONNX has them (one, one for each index of an axis, or one for each block of an axis), checked and brought to the shape
/// in which they broadcast to it. One for the whole tensor becomes a scalar.
/// </summary>
internal static class QuantizationParameters
{
    /// <summary>Reads scale and zero point, along the axis and by the blocks that the node states.</summary>
    /// <param name="node">The node.</param>
    /// <param name="builder">The builder.</param>
    /// <param name="x">The tensor that they belong to.</param>
    /// <param name="scale">Which input the scale is.</param>
    /// <param name="zero">Which input the zero point is.</param>
    /// <param name="quantized">The elements of the quantised tensor, which are those of the zero point.</param>
    /// <returns>Scale and zero point; the latter may be absent.</returns>
    public static (Value Scale, Value Zero) Read(OnnxNode node, GraphBuilder builder, TensorType x, int scale, int zero, ElementType quantized)
    {
        (Value s, Value z) = Checked(node, builder, scale, zero, quantized);
        if (IsOne(s.Type)) return (s, z);

        int axis = node.Axis(AttributeReader.Get(node, "axis", 1L), x.Rank);
        long block = AttributeReader.Get(node, "block_size", 0L);
        if (block < 0) throw AttributeReader.Wrong(node, "block_size", $"{block} is negative");
        return (Spread(s), z.IsNone ? z : Spread(z));

        Value Spread(Value value) => block == 0 ? AlongAxis(node, builder, value, x, axis) : ByBlocks(node, builder, value, x, axis, block);
    }

    /// <summary>A scale and zero point for the whole tensor.</summary>
    public static (Value Scale, Value Zero) ReadOne(OnnxNode node, GraphBuilder builder, int scale, int zero, ElementType quantized)
    {
        (Value s, Value z) = Checked(node, builder, scale, zero, quantized);
        return IsOne(s.Type) ? (s, z) : throw node.Bad($"scale {s.Type} is not one for the whole tensor");
    }

    /// <summary>A scale and zero point as they are, of which one alone is a scalar.</summary>
    public static (Value Scale, Value Zero) Checked(OnnxNode node, GraphBuilder builder, int scale, int zero, ElementType quantized)
    {
        Value s = One(builder, node.Inputs[scale]), z = node.Has(zero) ? ZeroPoint(node, builder, zero, quantized) : Value.None;
        if (s.Type.Element == ElementType.Int32) s = builder.Cast(s, ElementType.Float32);
        if (!s.Type.Element.IsFloat() || s.Type.Element == ElementType.Float64) throw node.Bad($"scales of type {s.Type.Element.Name()} are not supported");
        if (OnnxInputs.ConstantOf(s) is { } known && known.ToDoubles().FirstOrDefault(v => !(v > 0 && double.IsFinite(v)), 1) is var bad and not 1)
            throw node.Bad($"a scale is {bad.ToString(System.Globalization.CultureInfo.InvariantCulture)}, not positive and finite");
        if (!z.IsNone && !s.Type.Dims.SequenceEqual(z.Type.Dims)) throw node.Bad($"scale {s.Type} and zero point {z.Type} are not of one shape");
        return (s, z);
    }

    /// <summary>A zero point; one alone is a scalar.</summary>
    public static Value ZeroPoint(OnnxNode node, GraphBuilder builder, int input, ElementType quantized)
    {
        Value zero = One(builder, node.Inputs[input]);
        return zero.Type.Element == quantized ? zero : throw node.Bad($"the zero point is {zero.Type.Element.Name()}, not {quantized.Name()}");
    }

    /// <summary>Fails unless a scale and an optional zero point broadcast to a tensor.</summary>
    public static void RequireBroadcast(InferContext context, TensorType x, int scale, int zero, ElementType quantized)
    {
        context.Float(scale);
        context.Require(Saturation.IsQuantized(quantized) || quantized == ElementType.Int32, $"elements of type {quantized.Name()} are not quantised");
        Broadcasts(scale);
        if (!context.Has(zero)) return;
        context.Require(context.Type(zero).Element == quantized, $"the zero point is {context.Type(zero).Element.Name()}, not {quantized.Name()}");
        Broadcasts(zero);

        void Broadcasts(int input) => context.Require(
            context.Broadcast(x.Dims, context.Type(input).Dims).SequenceEqual(x.Dims), $"input {input}, {context.Type(input)}, does not broadcast to {x}");
    }

    /// <summary>True for one element.</summary>
    public static bool IsOne(TensorType type) => type.Dims.All(d => d == IndexExpr.One);

    /// <summary>A value in another shape; a constant stays one.</summary>
    public static Value InShape(GraphBuilder builder, Value value, EquatableArray<IndexExpr> dims) =>
        value.Constant is { } data && dims.All(d => d.IsConstant)
            ? builder.Constant(data.Reshape([.. dims.Select(d => d.Value)]))
            : builder.Add(new Reshape(dims), value);

    private static Value One(GraphBuilder builder, Value value) =>
        value.Type.Rank > 0 && IsOne(value.Type) ? InShape(builder, value, []) : value;

    private static Value AlongAxis(OnnxNode node, GraphBuilder builder, Value value, TensorType x, int axis)
    {
        if (value.Type.Rank != 1 || value.Type.Dims[0] != x.Dims[axis]) throw node.Bad($"{value.Type} is not one number for each of {x.Dims[axis]} along axis {axis}");
        return InShape(builder, value, [x.Dims[axis], .. Enumerable.Repeat(IndexExpr.One, x.Rank - axis - 1)]);
    }

    private static Value ByBlocks(OnnxNode node, GraphBuilder builder, Value value, TensorType x, int axis, long block)
    {
        IndexExpr[] dims = [.. value.Type.Dims];
        bool fits = dims.Length == x.Rank && dims[axis] == IndexExpr.CeilDiv(x.Dims[axis], block)
            && dims.Zip(x.Dims).Where((_, i) => i != axis).All(p => p.First == p.Second);
        if (!fits) throw node.Bad($"{value.Type} is not one number for each block of {block} of {x} along axis {axis}");
        Value split = InShape(builder, value, [.. dims.Take(axis + 1), IndexExpr.One, .. dims.Skip(axis + 1)]);
        Value repeated = builder.Add(new BroadcastTo([.. dims.Take(axis + 1), block, .. dims.Skip(axis + 1)]), split);
        dims[axis] *= block;
        Value whole = builder.Add(new Reshape(dims), repeated);
        return dims[axis] == x.Dims[axis] ? whole : builder.Add(new Slice([IndexExpr.Zero], [x.Dims[axis]], [axis]), whole);
    }
}
