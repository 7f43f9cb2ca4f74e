using Lathe.Compiler.Graph;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Linear;

/// <summary>
/// The weights of <see cref="WinogradConv"/>: G·g·Gᵀ as [t, t, c, o] in float32, of square filters g [o, c, r, r] in any type of floats and the matrix G [t, r], which
/// <see cref="WinogradTransform.Weights"/> is.
/// </summary>
public sealed record WinogradWeights : Op, IOp<WinogradWeights>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new(null, 2, 2);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Contraction;

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        TensorType filters = context.Float(0), g = context.Type(1);
        context.Require(filters.Rank == 4 && filters.Dims[2] == filters.Dims[3], $"{filters} are no square filters");
        context.Require(g is { Element: ElementType.Float32, Rank: 2 } && g.Dims[1] == filters.Dims[2], $"the matrix {g} does not fit filters {filters}");
        context.Output(ElementType.Float32, [g.Dims[0], g.Dims[0], filters.Dims[1], filters.Dims[0]]);
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        TensorData filters = inputs[0]!, u = TensorData.Zeros(ElementType.Float32, outputs[0].StaticDims);
        (long count, long channels, int r, int t) = (filters.Dims[0], filters.Dims[1], (int)filters.Dims[2], (int)inputs[1]!.Dims[0]);
        double[,] g = new double[t, r], kernel = new double[r, r];
        for (int k = 0; k < t * r; k++) g[k / r, k % r] = inputs[1]!.GetDouble(k);
        for (long o = 0; o < count; o++)
        {
            for (long c = 0; c < channels; c++)
            {
                for (int k = 0; k < r * r; k++) kernel[k / r, k % r] = filters.GetDouble((int)((((o * channels) + c) * r * r) + k));
                double[,] tile = WinogradTransform.Apply(g, kernel);
                for (int k = 0; k < t * t; k++) u.SetDouble((int)((((k * channels) + c) * count) + o), tile[k / t, k % t]);
            }
        }

        return [u];
    }

    /// <inheritdoc/>
    public override LoweredOp Lower(LowerContext context)
    {
        (IndexExpr i, IndexExpr j, IndexExpr c, IndexExpr o) = (context.Index[0], context.Index[1], context.Index[2], context.Index[3]);
        IndexExpr taps = context.Inputs[1]!.Dims[1];
        Axis down = context.Reduce("k", taps), across = context.Reduce("l", taps);
        Expr weight = context.Read(0, o, c, down.Variable, across.Variable).Widen();
        Expr factor = context.Read(1, i, down.Variable) * context.Read(1, j, across.Variable);
        Accumulator sum = context.Accumulate("sum", ElementType.Float32, Const.Of(ElementType.Float32, 0), acc => weight.MultiplyAdd(factor, acc));
        return context.ReduceOver(KernelFamily.Reduction, [down, across], sum);
    }

    /// <inheritdoc/>
    public override IndexExpr Macs(IReadOnlyList<TensorType> inputs, IReadOnlyList<TensorType> outputs) => outputs[0].Count * inputs[1].Dims[1] * inputs[1].Dims[1];
}
