using Lathe.Compiler.Graph;
using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Normalization;

/// <summary>x / √(mean of x² + ε) · scale, with the mean over all axes from one on. Inputs are x and scale, which broadcasts.</summary>
public sealed record RMSNormalization(long Axis = -1, float Epsilon = 1e-5f) : Op, IOp<RMSNormalization>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("RMSNormalization", 2, 2);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Rows;

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        TensorType x = context.Float(0);
        context.Axis(Axis, x.Rank);
        context.RequireSameElement(0, 1);
        context.Require(context.Broadcast(x.Dims, context.Type(1).Dims) == x.Dims, $"scale {context.Type(1)} does not broadcast to {x}");
        context.Output(x with { Layout = null });
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        long[] dims = inputs[0]!.Dims;
        double[] x = inputs[0]!.ToDoubles();
        int axis = (int)(Axis < 0 ? Axis + dims.Length : Axis), size = (int)RowMajor.Count(dims.AsSpan(axis));
        int[] scales = RowMajor.Broadcast(inputs[1]!.Dims, dims);
        for (int first = 0; first < x.Length; first += size)
        {
            Span<double> row = x.AsSpan(first, size);
            double root = Math.Sqrt(RowStatistics.Variance(row, 0) + Epsilon);
            for (int i = 0; i < size; i++) row[i] = row[i] / root * inputs[1]!.GetDouble(scales[first + i]);
        }

        return [Elements.FromDoubles(outputs[0], x)];
    }

    /// <inheritdoc/>
    public override LoweredOp Lower(LowerContext context) => RowStatistics.Normalize(
        context, (int)(Axis < 0 ? Axis + context.Output.Rank : Axis), Epsilon, false, normal => normal * context.ReadBroadcast(1).Widen());
}
