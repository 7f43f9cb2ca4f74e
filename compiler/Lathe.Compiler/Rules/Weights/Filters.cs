using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Linear;
using Lathe.Runtime;

namespace Lathe.Compiler.Rules.Weights;

/// <summary>
/// The constants of a convolution, taken apart for arithmetic: w[o, i, k], the bias and what stands outside of the input. Only of float32 and float64:
/// in 16 bits a weight times a constant would be rounded twice.
/// </summary>
internal sealed record Filters(Conv Op, Value Input, TensorData Weights, double[]? Bias, double[]? Outside)
{
    /// <summary>The convolution that computes a value, if its weights are constants; null otherwise.</summary>
    public static Filters? Of(Node node)
    {
        if (node is not { Op: Conv conv, Inputs: [var x, { Constant: { } weights }, .. var rest] }) return null;
        if (weights.Element is not (ElementType.Float32 or ElementType.Float64)) return null;
        if (!Vector(0, out double[]? bias) || !Vector(1, out double[]? outside)) return null;
        return new Filters(conv, x, weights, bias, outside);

        bool Vector(int i, out double[]? values)
        {
            values = null;
            if (i >= rest.Length || rest[i].IsNone) return true;
            values = rest[i].Constant?.ToDoubles();
            return values is not null;
        }
    }

    /// <summary>The number of filters.</summary>
    public int Count => (int)Weights.Dims[0];

    /// <summary>The number of channels of the input.</summary>
    public int Channels => (int)(Weights.Dims[1] * Op.Group);

    /// <summary>True if windows reach outside of the input.</summary>
    public bool IsPadded => Op.AutoPad is "SAME_UPPER" or "SAME_LOWER" || Op.Pads.Any(p => p != 0);

    /// <summary>w[o, i, k] times a number for each filter and channel of the input.</summary>
    public Filters Scaled(Func<int, int, double> factor)
    {
        TensorData scaled = TensorData.Zeros(Weights.Element, Weights.Dims);
        int perGroup = (int)Weights.Dims[1], filtersPerGroup = (int)(Count / Op.Group);
        int taps = Count * perGroup == 0 ? 0 : Weights.Count / (Count * perGroup);
        for (int o = 0, at = 0; o < Count; o++)
        {
            for (int i = 0; i < perGroup; i++)
            {
                double by = factor(o, (o / filtersPerGroup * perGroup) + i);
                for (int k = 0; k < taps; k++, at++) scaled.SetDouble(at, Weights.GetDouble(at) * by);
            }
        }

        return this with { Weights = scaled };
    }

    /// <summary>For each filter the sum over its weights, each times a number of its channel.</summary>
    public double[] Applied(IReadOnlyList<double> channels)
    {
        double[] sums = new double[Count];
        int perGroup = (int)Weights.Dims[1], filtersPerGroup = (int)(Count / Op.Group);
        int taps = Count * perGroup == 0 ? 0 : Weights.Count / (Count * perGroup);
        for (int o = 0, at = 0; o < Count; o++)
        {
            for (int i = 0; i < perGroup; i++)
                for (int k = 0; k < taps; k++, at++) sums[o] += Weights.GetDouble(at) * channels[(o / filtersPerGroup * perGroup) + i];
        }

        return sums;
    }

    /// <summary>The convolution of an input with these constants; null if one of them has left the range of the element type.</summary>
    public Value? Build(Rewriting g)
    {
        for (int i = 0; i < Weights.Count; i++)
            if (!double.IsFinite(Weights.GetDouble(i))) return null;
        if (Bias?.All(double.IsFinite) == false || Outside?.All(double.IsFinite) == false) return null;
        ElementType element = Weights.Element;
        bool outsideIsZero = Outside is null || Outside.All(v => v == 0);
        return g.Add(
            Op,
            Input,
            g.Constant(Weights),
            Bias is null ? Value.None : g.Numbers(element, Bias, Bias.Length),
            outsideIsZero ? Value.None : g.Numbers(element, Outside, Outside!.Length));
    }
}
