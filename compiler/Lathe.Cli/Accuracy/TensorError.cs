using Lathe.Compiler.Graph;
using Lathe.Runtime;

namespace Lathe.Cli.Accuracy;

/// <summary>How far a tensor is from its reference, over all samples.</summary>
/// <param name="name">What the tensor is called.</param>
internal sealed class TensorError(string name)
{
    private double _signal, _noise, _product, _power;
    private bool _isBroken;

    /// <summary>What the tensor is called.</summary>
    public string Name => name;

    /// <summary>The largest difference of two elements.</summary>
    public double MaxError { get; private set; }

    /// <summary>Where two elements, one of which is no number, are not the same, there is nothing to measure.</summary>
    public bool IsBroken => _isBroken;

    /// <summary>The ratio of the reference to the difference in dB, of their sums of squares; infinite where there is no difference, NaN where elements are no numbers on one side only.</summary>
    public double Sqnr => _isBroken ? double.NaN : _noise == 0 ? double.PositiveInfinity : 10 * Math.Log10(_signal / _noise);

    /// <summary>The cosine of the angle between the two as vectors; 1 where both are zero.</summary>
    public double Cosine => _isBroken ? double.NaN : _signal > 0 && _power > 0 ? Math.Min(1, _product / Math.Sqrt(_signal * _power)) : _signal == _power ? 1 : 0;

    /// <summary>Adds a sample. Elements are compared where both are finite, or differ in being so.</summary>
    public void Add(TensorData actual, TensorData reference)
    {
        if (actual.Count != reference.Count)
        {
            _isBroken = true;
            return;
        }

        for (int i = 0; i < actual.Count; i++)
        {
            double y = actual.GetDouble(i), r = reference.GetDouble(i);
            if (!double.IsFinite(y) || !double.IsFinite(r))
            {
                if (!y.Equals(r)) (_isBroken, MaxError) = (true, double.PositiveInfinity);
                continue;
            }

            double difference = y - r;
            MaxError = Math.Max(MaxError, Math.Abs(difference));
            _signal += r * r;
            _power += y * y;
            _product += y * r;
            _noise += difference * difference;
        }
    }
}
