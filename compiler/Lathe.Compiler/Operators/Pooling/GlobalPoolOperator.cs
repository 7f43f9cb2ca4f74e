using Lathe.Compiler.Graph;
using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Pooling;

/// <summary>y[n, c, 0, …] = f(x[n, c, …]) over all spatial axes.</summary>
public abstract record GlobalPoolOperator : Op
{
    /// <inheritdoc/>
    public sealed override OpRole Role => OpRole.Reduction;

    /// <inheritdoc/>
    public sealed override void Infer(InferContext context)
    {
        TensorType x = context.Float(0);
        context.Require(x.Rank >= 2, $"the input has rank {x.Rank}");
        context.Output(x.Element, [x.Dims[0], x.Dims[1], .. x.Dims.Skip(2).Select(_ => IndexExpr.One)]);
    }

    /// <inheritdoc/>
    public sealed override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        double[] x = inputs[0]!.ToDoubles();
        int size = (int)RowMajor.Count(inputs[0]!.Dims.AsSpan(2));
        double[] y = new double[inputs[0]!.Dims[0] * inputs[0]!.Dims[1]];
        for (int channel = 0; channel < y.Length; channel++) y[channel] = Pool(x.AsSpan(channel * size, size));
        return [Elements.FromDoubles(outputs[0], y)];
    }

    /// <summary>f.</summary>
    protected abstract double Pool(ReadOnlySpan<double> channel);

    /// <summary>The reduction axes over the spatial axes, and the element at them.</summary>
    private protected static (Axis[] Spatial, Expr Element) Spatial(LowerContext context)
    {
        Axis[] spatial = [.. context.Inputs[0]!.Dims.Skip(2).Select((extent, axis) => context.Reduce($"s{axis}", extent))];
        return (spatial, context.Read(0, [context.Index[0], context.Index[1], .. spatial.Select(s => (IndexExpr)s.Variable)]).Widen());
    }
}
