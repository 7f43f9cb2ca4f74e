using Lathe.Compiler.Graph;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Quantization;

/// <summary>
/// y = quantise(bias + Σ (x - x_zero) · (w - w_zero)), the sum in int32 and times x_scale · w_scale / y_scale in float32. Inputs are x, w and y, each with scale
/// and zero point (y without itself), and the optional bias. Scale and zero point of w are one, or one for each output channel.
/// </summary>
public sealed record QLinearConv(
    string AutoPad = "NOTSET",
    EquatableArray<long> Dilations = default,
    long Group = 1,
    EquatableArray<long> KernelShape = default,
    EquatableArray<long> Pads = default,
    EquatableArray<long> Strides = default) : IntegerConvolution(AutoPad, Dilations, Group, KernelShape, Pads, Strides), IOp<QLinearConv>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("QLinearConv", 8, 9);

    /// <inheritdoc/>
    internal override (int X, int XZero, int W, int WZero, int Bias) Operands => (0, 2, 3, 5, 8);

    /// <inheritdoc/>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder)
    {
        Value x = node.Inputs[0], w = node.Inputs[3], bias = node.Has(8) ? node.Inputs[8] : Value.None;
        (Value xScale, Value xZero) = QuantizationParameters.ReadOne(node, builder, 1, 2, x.Type.Element);
        (Value wScale, Value wZero) = QuantizationParameters.Checked(node, builder, 4, 5, w.Type.Element);
        (Value yScale, Value yZero) = QuantizationParameters.ReadOne(node, builder, 6, 7, node.Inputs[7].Type.Element);
        return [builder.Add(AttributeReader.Read<QLinearConv>(node), x, xScale, xZero, w, wScale, wZero, yScale, yZero, bias)];
    }

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        EquatableArray<IndexExpr> dims = OutputDims(context);
        ElementType output = context.Type(7).Element;
        context.Require(output is ElementType.UInt8 or ElementType.Int8, $"its output has elements of type {output.Name()}, not of 8 bits");
        RequireNumbers(context, 1, ElementType.Float32, null);
        RequireNumbers(context, 4, ElementType.Float32, dims[1]);
        RequireNumbers(context, 6, ElementType.Float32, null);
        RequireNumbers(context, 7, output, null);
        context.Output(new TensorType(output, dims));
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        int[] sums = Sums(inputs, outputs[0]);
        TensorData y = TensorData.Zeros(outputs[0].Element, outputs[0].StaticDims), scales = inputs[4]!;
        long channels = y.Dims[1], perChannel = RowMajor.Count(y.Dims.AsSpan(2)), zero = inputs[7]!.GetInt64(0);
        for (int i = 0; i < sums.Length; i++)
        {
            double scale = scales.GetDouble(scales.Count == 1 ? 0 : (int)(i / perChannel % channels));
            y.SetInt64(i, Saturation.Requantize(sums[i], inputs[1]!.GetDouble(0), scale, inputs[6]!.GetDouble(0), zero, y.Element));
        }

        return [y];
    }

    /// <inheritdoc/>
    public override LoweredOp Lower(LowerContext context)
    {
        Expr factor = Saturation.Factor(ReadNumber(context, 1), ReadNumber(context, 4), ReadNumber(context, 6));
        return Lower(context, sum => Saturation.Quantize(sum.To(ElementType.Float32) * factor, ReadNumber(context, 7), context.Output.Element));
    }
}
