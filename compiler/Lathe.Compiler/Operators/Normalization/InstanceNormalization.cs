using Lathe.Compiler.Graph;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Normalization;

/// <summary>(x - mean) / √(var + ε) · scale[c] + bias[c], with mean and variance of each channel of each instance. Inputs are x, scale, bias.</summary>
public sealed record InstanceNormalization(float Epsilon = 1e-5f) : Op, IOp<InstanceNormalization>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("InstanceNormalization", 3, 3);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Rows;

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        TensorType x = context.Float(0);
        context.Require(x.Rank >= 3, $"the input has rank {x.Rank}");
        for (int i = 1; i < 3; i++)
        {
            context.RequireSameElement(0, i);
            context.Require(context.Type(i).Dims is [var only] && only == x.Dims[1], $"input {i} is {context.Type(i)}, not a vector of {x.Dims[1]}");
        }

        context.Output(x with { Layout = null });
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        double[] x = inputs[0]!.ToDoubles(), scale = inputs[1]!.ToDoubles(), bias = inputs[2]!.ToDoubles();
        int size = (int)RowMajor.Count(inputs[0]!.Dims.AsSpan(2));
        for (int first = 0, plane = 0; first < x.Length; first += size, plane++)
        {
            Span<double> row = x.AsSpan(first, size);
            int c = plane % scale.Length;
            double mean = RowStatistics.Mean(row), deviation = Math.Sqrt(RowStatistics.Variance(row, mean) + Epsilon);
            foreach (ref double value in row) value = ((value - mean) / deviation * scale[c]) + bias[c];
        }

        return [Elements.FromDoubles(outputs[0], x)];
    }

    /// <inheritdoc/>
    public override LoweredOp Lower(LowerContext context) => RowStatistics.Normalize(
        context, 2, Epsilon, true, normal => (normal * context.Read(1, context.Index[1]).Widen()) + context.Read(2, context.Index[1]).Widen());
}
