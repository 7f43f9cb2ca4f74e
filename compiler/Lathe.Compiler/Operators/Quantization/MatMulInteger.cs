using Lathe.Compiler.Graph;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Quantization;

/// <summary>
/// y = Σ (a - a_zero) · (b - b_zero) as a matrix product, in int32. Inputs are a, b, the optional zero points of a and of b, and as Lathe's own the optional
/// bias.
/// </summary>
public sealed record MatMulInteger : IntegerMatMul, IOp<MatMulInteger>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("MatMulInteger", 2, 5);

    /// <inheritdoc/>
    internal override (int A, int AZero, int B, int BZero, int Bias) Operands => (0, 2, 1, 3, 4);

    /// <inheritdoc/>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder)
    {
        Value a = node.Inputs[0], b = node.Inputs[1];
        return [builder.Add(new MatMulInteger(), a, b, AsColumn(builder, Zero(2, a), a.Type), Zero(3, b))];

        Value Zero(int input, Value of) => node.Has(input) ? QuantizationParameters.ZeroPoint(node, builder, input, of.Type.Element) : Value.None;
    }

    /// <inheritdoc/>
    public override void Infer(InferContext context) => context.Output(new TensorType(ElementType.Int32, OutputDims(context)));

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs) =>
        [TensorData.Of<int>(ElementType.Int32, Sums(inputs, outputs[0]), outputs[0].StaticDims)];

    /// <inheritdoc/>
    public override LoweredOp Lower(LowerContext context) => Lower(context, sum => sum);
}
