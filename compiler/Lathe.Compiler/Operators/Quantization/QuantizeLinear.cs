using Lathe.Compiler.Graph;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Quantization;

/// <summary>
/// y[i] = saturate(round(x[i] / scale[i]) + zero[i]), ties to even, with scale and the optional zero broadcast to x: scales of axes and blocks have the shape
/// for it since the import. The quotient is rounded to <paramref name="Precision"/>.
/// </summary>
/// <param name="OutputDtype">The elements of the output and of the zero points: integers of 8 or 16 bits.</param>
/// <param name="Precision">The type that x and scale are divided in.</param>
public sealed record QuantizeLinear(ElementType OutputDtype = ElementType.UInt8, ElementType Precision = ElementType.Float32) : Op, IOp<QuantizeLinear>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("QuantizeLinear", 2, 3);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Elementwise;

    /// <inheritdoc/>
    /// <remarks>
    /// Opset 13 brings the axis, 21 blocks and a type without zero points, 23 the precision, which is else that of the scale. What saturates are floats of 8 bits,
    /// which there are none of.
    /// </remarks>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder)
    {
        Value x = node.Inputs[0];
        ElementType output = OutputOf(node);
        (Value scale, Value zero) = QuantizationParameters.Read(node, builder, x.Type, 1, 2, output);
        ElementType precision = AttributeReader.Get(node, "precision", 0L) == 0 ? scale.Type.Element : AttributeReader.Element(node, "precision", ElementType.Float32);
        return [builder.Add(new QuantizeLinear(output, precision), x, scale, zero)];
    }

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        TensorType x = context.Numeric(0);
        context.Require(x.Element.IsFloat() || x.Element == ElementType.Int32, $"it does not take elements of type {x.Element.Name()}");
        context.Require(Precision.IsFloat(), $"its precision is {Precision.Name()}, which is no float");
        QuantizationParameters.RequireBroadcast(context, x, 1, 2, OutputDtype);
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
            double quotient = Rounded(Rounded(x.GetDouble(i)) / Rounded(scale.GetDouble(scales[i])));
            y.SetInt64(i, Saturation.Quantize(quotient, zero?.GetInt64(zeros[i]) ?? 0, OutputDtype));
        }

        return [y];

        double Rounded(double value) => Elements.Round(Precision, value);
    }

    /// <inheritdoc/>
    public override LoweredOp Lower(LowerContext context)
    {
        Expr x = context.Read(0, context.Index).To(Precision).Widen(), scale = context.ReadBroadcast(1).To(Precision).Widen();
        Expr? zero = context.Has(2) ? context.ReadBroadcast(2) : null;
        // A scale that was taken into what is quantised is 1.
        Expr quotient = scale is Const { Float: 1 } ? x : x / scale;
        return context.Map(Saturation.Quantize(quotient.To(Precision).Widen(), zero, OutputDtype));
    }

    private static ElementType OutputOf(OnnxNode node)
    {
        ElementType given = (ElementType)AttributeReader.Get(node, "output_dtype", 0L);
        ElementType output = node.Has(2) ? node.Inputs[2].Type.Element : given == ElementType.Undefined ? ElementType.UInt8 : given;
        if (given != ElementType.Undefined && given != output) throw AttributeReader.Wrong(node, "output_dtype", $"the zero points are {output.Name()}");
        return Saturation.IsQuantized(output) ? output : throw node.Bad($"it does not quantise to elements of type {TypeName(output)}");
    }

    private static string TypeName(ElementType element) => Enum.IsDefined(element) ? element.Name() : $"{(int)element}";
}
