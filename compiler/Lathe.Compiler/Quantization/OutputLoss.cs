using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Runtime;

namespace Lathe.Compiler.Quantization;

/// <summary>What an output differs by, summed over samples.</summary>
internal sealed class OutputLoss(string name)
{
    private double _signal, _noise;
    private long _count, _equal;
    private bool _isFloat;

    /// <summary>The output's name.</summary>
    public string Name => name;

    /// <summary>Takes in a sample. Tensors of different lengths, where data determine them, have nothing to compare element by element.</summary>
    public void Add(TensorData exact, TensorData rounded)
    {
        _isFloat = exact.Element == ElementType.Float32;
        _count += exact.Count;
        if (exact.Count != rounded.Count) return;
        if (!_isFloat)
        {
            for (int i = 0; i < exact.Count; i++)
                if (exact.Strings is { } texts ? texts[i] == rounded.Strings![i] : exact.GetDouble(i).Equals(rounded.GetDouble(i))) _equal++;
            return;
        }

        ReadOnlySpan<float> x = exact.Span<float>(), y = rounded.Span<float>();
        for (int i = 0; i < x.Length; i++)
        {
            if (!float.IsFinite(x[i])) continue;
            double difference = (double)x[i] - y[i];
            _signal += (double)x[i] * x[i];
            _noise += difference * difference;
        }
    }

    /// <summary>The sum.</summary>
    public OutputError Error() =>
        _isFloat ? new(name, LayerErrors.Decibels(_signal, _noise), null) : new(name, null, _count == 0 ? 1 : (double)_equal / _count);
}
