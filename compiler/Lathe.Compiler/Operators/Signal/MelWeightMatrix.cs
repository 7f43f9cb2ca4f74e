using Lathe.Compiler.Graph;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Signal;

/// <summary>
/// How much each bin of a spectrum, a row, counts for each band of mels, a column: triangles whose corners are equally far apart on the mel scale. Inputs, all
/// scalars: the number of bands, the length of the transform, the sample rate (integers), the lowest and the highest frequency (floats).
/// </summary>
/// <param name="Bands">The number of bands.</param>
/// <param name="Length">The length of the transform.</param>
/// <param name="Element">The type of the output.</param>
public sealed record MelWeightMatrix(IndexExpr Bands, IndexExpr Length, ElementType Element = ElementType.Float32) : Op, IOp<MelWeightMatrix>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("MelWeightMatrix", 5, 5);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Opaque;

    /// <inheritdoc/>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder)
    {
        ElementType element = AttributeReader.Element(node, "output_datatype", ElementType.Float32);
        return [builder.Add(new MelWeightMatrix(Scalar(0, "its number of bands"), Scalar(1, "its length"), element), [.. node.Inputs])];

        IndexExpr Scalar(int input, string what) => OnnxInputs.Known(node, input, what) is [var only] ? only : throw node.Bad($"{what} is no scalar");
    }

    /// <inheritdoc/>
    public override Op Substitute(Func<IndexVar, IndexExpr?> replacement) =>
        this with { Bands = Bands.Substitute(replacement), Length = Length.Substitute(replacement) };

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        for (int i = 0; i < 5; i++)
        {
            TensorType scalar = i < 3 ? context.Integer(i) : context.Float(i);
            context.Require(scalar.Count == IndexExpr.One, $"input {i} is {scalar}");
        }

        context.Require(Element.IsFloat() || Element.IsInteger(), $"it gives no {Element.Name()}");
        context.Require(Length.Range.Max >= 0 && Bands.Range.Max >= 0, "a size is negative");
        context.Output(Element, (Length / 2) + 1, Bands);
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        TensorData y = TensorData.Zeros(Element, outputs[0].StaticDims);
        long rows = y.Dims[0], bands = y.Dims[1], length = inputs[1]!.GetInt64(0), rate = inputs[2]!.GetInt64(0);
        double low = Mel(inputs[3]!.GetDouble(0)), step = (Mel(inputs[4]!.GetDouble(0)) - low) / (bands + 2);
        double[] corners = [.. Enumerable.Range(0, (int)bands + 2).Select(i => Math.Floor((length + 1) * (700 * (Math.Pow(10, ((i * step) + low) / 2595) - 1)) / rate))];
        if (bands > 0 && !corners.All(c => c >= 0 && c < rows)) throw new ArgumentException("Its frequencies do not fit its spectrum.");
        foreach (long[] index in RowMajor.Indices(y.Dims))
        {
            (double bin, double left, double top, double right) = (index[0], corners[index[1]], corners[index[1] + 1], corners[index[1] + 2]);
            double weight = 0;
            if (bin >= left && bin <= top) weight = top == left ? 1 : (bin - left) / (top - left);
            if (bin >= top && bin < right) weight = (right - bin) / (right - top);
            y.SetDouble((int)RowMajor.Offset(y.Dims, index), weight);
        }

        return [y];

        static double Mel(double hertz) => 2595 * Math.Log10(1 + (hertz / 700));
    }

    /// <inheritdoc/>
    public override RoutineUse Routine(IReadOnlyList<TensorType?> inputs, IReadOnlyList<TensorType> outputs) => new(nameof(MelWeightMatrix));
}
