using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Compiler.Operators.Reductions;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Normalization;

/// <summary>(x - mean) / √(var + ε) · scale + bias, with mean and variance over all axes from one on. Inputs are x, scale and the optional bias, both broadcast.</summary>
public sealed record LayerNormalization(long Axis = -1, float Epsilon = 1e-5f) : Op, IOp<LayerNormalization>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("LayerNormalization", 2, 3, 3);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Rows;

    /// <inheritdoc/>
    /// <remarks>The optional further outputs, the mean and 1 / √(var + ε), are reductions of their own.</remarks>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder)
    {
        LayerNormalization norm = AttributeReader.Read<LayerNormalization>(node);
        Value x = node.Inputs[0], y = builder.Add(norm, [.. node.Inputs]);
        if (node.OutputCount == 1) return [y];
        int first = node.Axis(norm.Axis, x.Type.Rank);
        long[] axes = [.. Enumerable.Range(first, x.Type.Rank - first).Select(a => (long)a)];
        // Statistics are float32 unless stash_type says otherwise, and it may say no other type of ours than float32.
        Value wide = builder.Add(new Shapes.Cast(ElementType.Float32), x);
        Value mean = builder.Add(new ReduceMean(axes), wide);
        Value variance = builder.Add(new ReduceMean(axes), Squared(builder.Add(new Sub(), wide, mean)));
        Value deviation = builder.Add(new Sqrt(), builder.Add(new Add(), variance, builder.Constant(Elements.Scalar(ElementType.Float32, norm.Epsilon))));
        return [y, mean, builder.Add(new Reciprocal(), deviation)];

        Value Squared(Value value) => builder.Add(new Mul(), value, value);
    }

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        TensorType x = context.Float(0);
        context.Axis(Axis, x.Rank);
        for (int i = 1; i < 3; i++)
        {
            if (i == 2 && !context.Has(i)) continue;
            context.RequireSameElement(0, i);
            context.Require(context.Broadcast(x.Dims, context.Type(i).Dims) == x.Dims, $"input {i}, {context.Type(i)}, does not broadcast to {x}");
        }

        context.Output(x with { Layout = null });
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        long[] dims = inputs[0]!.Dims;
        double[] x = inputs[0]!.ToDoubles();
        int axis = (int)(Axis < 0 ? Axis + dims.Length : Axis), size = (int)RowMajor.Count(dims.AsSpan(axis));
        TensorData? bias = inputs.ElementAtOrDefault(2);
        int[] scales = RowMajor.Broadcast(inputs[1]!.Dims, dims), biases = bias is null ? [] : RowMajor.Broadcast(bias.Dims, dims);
        for (int first = 0; first < x.Length; first += size)
        {
            Span<double> row = x.AsSpan(first, size);
            double mean = RowStatistics.Mean(row), deviation = Math.Sqrt(RowStatistics.Variance(row, mean) + Epsilon);
            for (int i = 0; i < size; i++)
                row[i] = ((row[i] - mean) / deviation * inputs[1]!.GetDouble(scales[first + i])) + (bias?.GetDouble(biases[first + i]) ?? 0);
        }

        return [Elements.FromDoubles(outputs[0], x)];
    }

    /// <inheritdoc/>
    public override LoweredOp Lower(LowerContext context)
    {
        int axis = (int)(Axis < 0 ? Axis + context.Output.Rank : Axis);
        return RowStatistics.Normalize(context, axis, Epsilon, true, normal =>
        {
            Expr scaled = normal * context.ReadBroadcast(1).Widen();
            return context.Has(2) ? scaled + context.ReadBroadcast(2).Widen() : scaled;
        });
    }
}
