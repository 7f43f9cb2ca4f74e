using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Runtime;

namespace Lathe.Compiler.Quantization;

/// <summary>What an output differs by, summed over samples.</summary>
internal sealed class OutputLoss(string name)
{
    private double _signal, _noise;
    private long _count, _equal;
    private bool _isFloat, _isTexts;

    /// <summary>The output's name.</summary>
    public string Name => name;

    /// <summary>Takes in a sample. Tensors of different lengths, where data determine them, have nothing to compare element by element.</summary>
    public void Add(TensorData exact, TensorData rounded)
    {
        _isFloat = exact.Element == ElementType.Float32;
        _isTexts = exact.Strings is not null;
        _count += exact.Count;
        if (exact.Count != rounded.Count) return;
        if (!_isFloat)
        {
            if (exact.Strings is null) AddNumbers(exact.GetDouble, rounded.GetDouble, exact.Count);
            for (int i = 0; i < exact.Count; i++)
                if (exact.Strings is { } texts ? texts[i] == rounded.Strings![i] : exact.GetDouble(i).Equals(rounded.GetDouble(i))) _equal++;
            return;
        }

        float[] x = exact.Span<float>().ToArray(), y = rounded.Span<float>().ToArray();
        AddNumbers(i => x[i], i => y[i], x.Length);
    }

    /// <summary>The ratio of signal to noise in decibels; of texts 200 where all are equal.</summary>
    public double Decibels => _isTexts ? _equal == _count ? 200 : 0 : LayerErrors.Decibels(_signal, _noise);

    /// <summary>The sum.</summary>
    public OutputError Error() =>
        _isFloat ? new(name, LayerErrors.Decibels(_signal, _noise), null) : new(name, null, _count == 0 ? 1 : (double)_equal / _count);

    private void AddNumbers(Func<int, double> exact, Func<int, double> rounded, int count)
    {
        for (int i = 0; i < count; i++)
        {
            double x = exact(i);
            if (!double.IsFinite(x)) continue;
            double difference = x - rounded(i);
            _signal += x * x;
            _noise += difference * difference;
        }
    }
}
