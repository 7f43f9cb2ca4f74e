using Lathe.Compiler.Graph;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Quantization;

/// <summary>
/// y[i] = (x[i] - zero[i]) · scale[i], in float32 and then rounded to the output's type, with scale and the optional zero broadcast to x: scales of axes and
/// blocks have the shape for it since the import.
/// </summary>
/// <param name="OutputDtype">The elements of the output.</param>
public sealed record DequantizeLinear(ElementType OutputDtype = ElementType.Float32) : Op, IOp<DequantizeLinear>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("DequantizeLinear", 2, 3);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Elementwise;

    /// <inheritdoc/>
    /// <remarks>Bytes are a quarter of what they stand for.</remarks>
    public override bool BelongsToReaders => true;

    /// <inheritdoc/>
    /// <remarks>Opset 13 brings the axis, 21 blocks, 23 an output of another type than the scale.</remarks>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder)
    {
        Value x = node.Inputs[0];
        (Value scale, Value zero) = QuantizationParameters.Read(node, builder, x.Type, 1, 2, x.Type.Element);
        if (x.Type.Element == ElementType.Int32 && !zero.IsNone && OnnxInputs.ConstantOf(zero) is { } zeros && zeros.ToInt64s().Any(z => z != 0))
            throw node.Bad("zero points of int32 have to be 0");
        ElementType output = AttributeReader.Get(node, "output_dtype", 0L) == 0 ? scale.Type.Element : AttributeReader.Element(node, "output_dtype", ElementType.Float32);
        return [builder.Add(new DequantizeLinear(output), x, scale, zero)];
    }

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        TensorType x = context.Type(0);
        context.Require(Saturation.IsQuantized(x.Element) || x.Element == ElementType.Int32, $"it does not take elements of type {x.Element.Name()}");
        context.Require(OutputDtype.IsFloat(), $"its output is {OutputDtype.Name()}, which is no float");
        QuantizationParameters.RequireBroadcast(context, x, 1, 2, x.Element);
        context.Output(OutputDtype, [.. x.Dims]);
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        TensorData x = inputs[0]!, scale = inputs[1]!, y = TensorData.Zeros(OutputDtype, x.Dims);
        TensorData? zero = inputs.ElementAtOrDefault(2);
        int[] scales = RowMajor.Broadcast(scale.Dims, x.Dims), zeros = zero is null ? scales : RowMajor.Broadcast(zero.Dims, x.Dims);
        for (int i = 0; i < x.Count; i++)
        {
            float distance = (float)x.GetInt64(i) - (zero?.GetInt64(zeros[i]) ?? 0);
            y.SetDouble(i, distance * (float)scale.GetDouble(scales[i]));
        }

        return [y];
    }

    /// <inheritdoc/>
    public override LoweredOp Lower(LowerContext context)
    {
        Expr x = context.Read(0, context.Index), scale = context.ReadBroadcast(1).To(ElementType.Float32);
        Expr? zero = context.Has(2) ? context.ReadBroadcast(2) : null;
        // Differences of narrow integers are exact in either type; those of int32 are wider than it.
        ElementType exact = x.Type.Element == ElementType.Int32 ? ElementType.Float32 : ElementType.Int32;
        Expr distance = zero switch
        {
            null or Const { Integer: 0 } => x,
            Const known => x.To(exact) - Const.Of(exact, known.Integer),
            _ => x.To(exact) - zero.To(exact),
        };
        return context.Map((distance.To(ElementType.Float32) * scale).To(OutputDtype));
    }
}
