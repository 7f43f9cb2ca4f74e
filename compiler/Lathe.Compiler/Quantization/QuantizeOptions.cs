using System.Globalization;

namespace Lathe.Compiler.Quantization;

/// <summary>What a user may ask of a quantisation.</summary>
public sealed record QuantizeOptions
{
    /// <summary>How ranges are chosen.</summary>
    public Calibrator Calibrator { get; init; } = Calibrator.Mse;

    /// <summary>Convolutions and products whose ratio of signal to noise would be lower, in decibels, stay in floats.</summary>
    public double MinSqnr { get; init; } = 25;

    /// <summary>True takes the mean of each channel's error from its bias.</summary>
    public bool BiasCorrection { get; init; } = true;

    /// <summary>What the outputs may lose: the fewest layers that it takes stay in floats, in place of those below <see cref="MinSqnr"/>. Null for no such search.</summary>
    public LossBudget? Budget { get; init; }

    /// <summary>The options as text: equal for equal options.</summary>
    public string CanonicalText() => string.Create(CultureInfo.InvariantCulture, $"{Calibrator} {MinSqnr:R} {BiasCorrection} {Budget?.Text}");
}
