using Lathe.Compiler.Graph;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Quantization;

/// <summary>
/// y = quantise(Σ (a - a_zero) · (b - b_zero)), the sum in int32 and times a_scale · b_scale / y_scale in float32. Inputs are a, b and y, each with scale and
/// zero point (y without itself), and as Lathe's own the optional bias, an int32 that is added to the sum. Scales and zero points of a and y are one or one
/// for each row, those of b one or one for each column.
/// </summary>
public sealed record QLinearMatMul : IntegerMatMul, IOp<QLinearMatMul>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("QLinearMatMul", 8, 9);

    /// <inheritdoc/>
    internal override (int A, int AZero, int B, int BZero, int Bias) Operands => (0, 2, 3, 5, 8);

    /// <inheritdoc/>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder)
    {
        Value a = node.Inputs[0], b = node.Inputs[3];
        (Value aScale, Value aZero) = QuantizationParameters.Checked(node, builder, 1, 2, a.Type.Element);
        (Value bScale, Value bZero) = QuantizationParameters.Checked(node, builder, 4, 5, b.Type.Element);
        (Value yScale, Value yZero) = QuantizationParameters.Checked(node, builder, 6, 7, node.Inputs[7].Type.Element);
        return [builder.Add(new QLinearMatMul(), a, Column(aScale), Column(aZero), b, bScale, bZero, Column(yScale), Column(yZero))];

        Value Column(Value value) => AsColumn(builder, value, a.Type);
    }

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        EquatableArray<IndexExpr> dims = OutputDims(context);
        TensorType output = new(context.Type(7).Element, dims), a = context.Type(0), b = context.Type(3);
        context.Require(output.Element is ElementType.UInt8 or ElementType.Int8, $"its output has elements of type {output.Element.Name()}, not of 8 bits");
        RequireNumbers(context, 1, context.Float(1).Element, a, 1);
        RequireNumbers(context, 4, context.Float(4).Element, b, 2);
        RequireNumbers(context, 6, context.Float(6).Element, output, 1);
        RequireNumbers(context, 7, output.Element, output, 1);
        bool matrices = a.Rank > 1 && b.Rank > 1;
        foreach (int input in (int[])[1, 4, 6, 7])
            context.Require(matrices || QuantizationParameters.IsOne(context.Type(input)), $"input {input}, {context.Type(input)}, is no scalar beside a vector");
        context.Output(output);
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        int[] sums = Sums(inputs, outputs[0]);
        TensorData y = TensorData.Zeros(outputs[0].Element, outputs[0].StaticDims);
        int[][] at = [.. inputs.Select((input, i) => i is 1 or 4 or 6 or 7 ? Places(input!) : [])];
        for (int i = 0; i < sums.Length; i++)
            y.SetInt64(i, Saturation.Requantize(sums[i], Scale(1, i), Scale(4, i), Scale(6, i), inputs[7]!.GetInt64(at[7][i]), y.Element));
        return [y];

        int[] Places(TensorData input) => input.Count == 1 ? new int[y.Count] : RowMajor.Broadcast(input.Dims, y.Dims);
        double Scale(int input, int i) => inputs[input]!.GetDouble(at[input][i]);
    }

    /// <inheritdoc/>
    public override LoweredOp Lower(LowerContext context)
    {
        Expr factor = Saturation.Factor(Number(1), Number(4), Number(6));
        return Lower(context, sum => Saturation.Quantize(sum.To(ElementType.Float32) * factor, Number(7), context.Output.Element));

        Expr Number(int input) => QuantizationParameters.IsOne(context.Inputs[input]!)
            ? context.Read(input, [.. context.Inputs[input]!.Dims.Select(_ => IndexExpr.Zero)])
            : context.ReadBroadcast(input);
    }
}
