using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Compiler.Operators.Movement;
using Lathe.Compiler.Operators.Reductions;
using Lathe.Kernels;
using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Normalization;

/// <summary>(x - mean[c]) / √(var[c] + ε) · scale[c] + bias[c], as at inference. Inputs are x, scale, bias, mean, var.</summary>
public sealed record BatchNormalization(float Epsilon = 1e-5f) : Op, IOp<BatchNormalization>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("BatchNormalization", 5, 5, 5);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Elementwise;

    /// <inheritdoc/>
    /// <remarks>
    /// From opset 14 on, training_mode normalises the batch by its own statistics and gives running ones as further outputs. Up to opset 8 statistics
    /// could be kept per element.
    /// </remarks>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder)
    {
        if (AttributeReader.Get(node, "spatial", 1L) == 0) throw AttributeReader.Wrong(node, "spatial", "statistics per element are not supported");
        if (AttributeReader.Get(node, "training_mode", 0L) != 0) return Train(node, builder);
        if (node.OutputCount > 1) throw node.Bad("outputs that belong to training are not supported");
        return AttributeReader.ImportPlain<BatchNormalization>(node, builder);
    }

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        TensorType x = context.Float(0);
        context.Require(x.Rank >= 1, "the input is a scalar");
        IndexExpr channels = x.Rank == 1 ? IndexExpr.One : x.Dims[1];
        for (int i = 1; i < 5; i++)
        {
            context.Float(i);
            context.Require(context.Type(i).Dims is [var only] && only == channels, $"input {i} is {context.Type(i)}, not a vector of {channels}");
        }

        context.Output(x with { Layout = null });
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        double[] x = inputs[0]!.ToDoubles();
        double[] scale = inputs[1]!.ToDoubles(), bias = inputs[2]!.ToDoubles(), mean = inputs[3]!.ToDoubles(), variance = inputs[4]!.ToDoubles();
        long inner = RowMajor.Count(inputs[0]!.Dims.AsSpan(Math.Min(2, inputs[0]!.Dims.Length)));
        for (int i = 0; i < x.Length; i++)
        {
            long c = i / inner % scale.Length;
            x[i] = ((x[i] - mean[c]) / Math.Sqrt(variance[c] + Epsilon) * scale[c]) + bias[c];
        }

        return [Elements.FromDoubles(outputs[0], x)];
    }

    /// <inheritdoc/>
    public override LoweredOp Lower(LowerContext context)
    {
        Expr x = context.Read(0, context.Index).Widen();
        IndexExpr channel = context.Output.Rank == 1 ? IndexExpr.Zero : context.Index[1];
        Expr Of(int input) => context.Read(input, channel).To(x.Type.Element);
        Expr factor = Of(1) / (Of(4) + Epsilon).Of(UnaryOp.Sqrt);
        return context.Map((((x - Of(3)) * factor) + Of(2)).To(context.Output.Element));
    }

    private static IReadOnlyList<Value> Train(OnnxNode node, GraphBuilder builder)
    {
        Value x = node.Inputs[0];
        if (x.Type.Rank < 2) throw node.Bad($"{x.Type} has no channels");
        BatchNormalization norm = AttributeReader.Read<BatchNormalization>(node);
        EquatableArray<long> others = Enumerable.Range(0, x.Type.Rank).Where(a => a != 1).Select(a => (long)a).ToEquatableArray();
        Value mean = builder.Add(new ReduceMean(others), x), distance = builder.Add(new Sub(), x, mean);
        Value variance = builder.Add(new ReduceMean(others), builder.Add(new Mul(), distance, distance));
        mean = builder.Add(new Squeeze(others), mean);
        variance = builder.Add(new Squeeze(others), variance);

        float momentum = AttributeReader.Get(node, "momentum", 0.9f);
        return [builder.Add(norm, x, node.Inputs[1], node.Inputs[2], mean, variance), Running(3, mean), Running(4, variance)];

        Value Running(int input, Value own)
        {
            Value kept = builder.Add(new Mul(), node.Inputs[input], Number(momentum, node.Inputs[input]));
            return builder.Add(new Add(), kept, builder.Add(new Mul(), own, Number(1 - (double)momentum, own)));
        }

        Value Number(double value, Value like) => builder.Constant(Elements.Scalar(like.Type.Element, value));
    }
}
