using System.Globalization;
using Lathe.Compiler.Diagnostics;

namespace Lathe.Compiler.Quantization;

/// <summary>A model that was quantised.</summary>
/// <param name="Onnx">The ONNX file.</param>
/// <param name="Samples">How many samples its ranges are those of.</param>
/// <param name="Layers">The convolutions and products that multiply bytes.</param>
/// <param name="Kept">Those that stayed in floats.</param>
/// <param name="Outputs">What the outputs lost.</param>
/// <param name="Warnings">What to tell the user.</param>
public sealed record QuantizedModel(byte[] Onnx, int Samples, IReadOnlyList<QuantizedLayer> Layers, IReadOnlyList<KeptLayer> Kept, IReadOnlyList<OutputError> Outputs, IReadOnlyList<Diagnostic> Warnings)
{
    /// <summary>What rules say of the model's nodes, which some of its quantised form are no more.</summary>
    public NodePrecisions Precisions { get; init; } = NodePrecisions.None;

    /// <summary>How the layers that stay in floats were searched for; null if they were not.</summary>
    public MixedPrecision? Mixed { get; init; }
}

/// <summary>A convolution or product that multiplies bytes.</summary>
/// <param name="Node">Its name.</param>
/// <param name="Op">Its operator.</param>
/// <param name="SqnrDb">Its ratio of signal to noise in decibels, with inputs that only it makes bytes of.</param>
public sealed record QuantizedLayer(string Node, string Op, double SqnrDb);

/// <summary>A convolution or product that stayed in floats.</summary>
/// <param name="Node">Its name.</param>
/// <param name="Op">Its operator.</param>
/// <param name="Reason">Why it did.</param>
/// <param name="SqnrDb">The ratio of signal to noise that it would have in bytes, in decibels; null if it was not measured.</param>
public sealed record KeptLayer(string Node, string Op, string Reason, double? SqnrDb)
{
    /// <summary>How its weights are stored: fp32, or what a rule says.</summary>
    public string Precision { get; init; } = PrecisionNames.Fp32;
}

/// <summary>What an output lost.</summary>
/// <param name="Name">Its name.</param>
/// <param name="SqnrDb">Its ratio of signal to noise over the samples, in decibels: the model's output to what it differs by. Null for one that is not float32.</param>
/// <param name="Equal">For another: the share of its elements that stayed as they were.</param>
public sealed record OutputError(string Name, double? SqnrDb, double? Equal)
{
    /// <summary>In words.</summary>
    public string InWords() => SqnrDb is { } db
        ? string.Create(CultureInfo.InvariantCulture, $"a signal-to-noise ratio of {db:F1} dB")
        : string.Create(CultureInfo.InvariantCulture, $"{Equal * 100:F1} % of the model's elements");
}
