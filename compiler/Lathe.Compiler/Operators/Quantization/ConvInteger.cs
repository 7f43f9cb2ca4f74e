using Lathe.Compiler.Graph;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Quantization;

/// <summary>
/// y = Σ (x - x_zero) · (w - w_zero) over the windows of a convolution, in int32. Inputs are x, w, the optional zero points of x and of w, and as Lathe's own
/// the optional bias, which the sum starts at.
/// </summary>
public sealed record ConvInteger(
    string AutoPad = "NOTSET",
    EquatableArray<long> Dilations = default,
    long Group = 1,
    EquatableArray<long> KernelShape = default,
    EquatableArray<long> Pads = default,
    EquatableArray<long> Strides = default) : IntegerConvolution(AutoPad, Dilations, Group, KernelShape, Pads, Strides), IOp<ConvInteger>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("ConvInteger", 2, 5);

    /// <inheritdoc/>
    internal override (int X, int XZero, int W, int WZero, int Bias) Operands => (0, 2, 1, 3, 4);

    /// <inheritdoc/>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder)
    {
        Value x = node.Inputs[0], w = node.Inputs[1];
        return [builder.Add(AttributeReader.Read<ConvInteger>(node), x, w, Zero(2, x), Zero(3, w))];

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
