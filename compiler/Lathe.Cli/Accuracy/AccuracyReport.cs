using System.Text.Json.Serialization;
using Lathe.Cli.Models;
using Lathe.Compiler.Quantization;

namespace Lathe.Cli.Accuracy;

/// <summary>What a comparison of two models found: the JSON of <c>lathe accuracy</c>.</summary>
/// <param name="Model">The model.</param>
/// <param name="Reference">What it is compared with.</param>
/// <param name="Precision">How it stores weights.</param>
/// <param name="Samples">How many samples there were.</param>
/// <param name="Outputs">Each output over all samples.</param>
/// <param name="LayerSamples">How many samples the layers were compared on.</param>
/// <param name="Layers">Each layer, that with the largest error first.</param>
/// <param name="Ran">What the model executed.</param>
internal sealed record AccuracyReport(
    string Model, string Reference, string Precision, int Samples, IReadOnlyList<OutputAccuracy> Outputs, int LayerSamples, IReadOnlyList<LayerAccuracy> Layers, RunReport Ran)
{
    /// <summary>What the search for the layers to keep in floats came to; null where none was asked for.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public MixedPrecision? Mixed { get; init; }
}

/// <summary>An output. Shares are of the items of all samples.</summary>
/// <param name="Name">Its name.</param>
/// <param name="SqnrDb">The ratio of signal to error in dB; null where there is no error, or a number on one side only.</param>
/// <param name="Cosine">The cosine of the angle between both; null where one side has numbers that the other lacks.</param>
/// <param name="MaxError">The largest difference.</param>
/// <param name="IsEqual">True where there is no difference at all.</param>
/// <param name="Top1Agreement">How often both take the same class; null for what is not classes.</param>
/// <param name="Top5Agreement">How often the reference's class is among the five first.</param>
/// <param name="ReferenceTop1">How often the reference takes the right class; null without labels.</param>
/// <param name="Top1">How often the model does.</param>
/// <param name="ReferenceTop5">How often the right class is among the reference's five first.</param>
/// <param name="Top5">How often it is among the model's.</param>
internal sealed record OutputAccuracy(
    string Name, double SqnrDb, double Cosine, double MaxError, bool IsEqual,
    double? Top1Agreement, double? Top5Agreement, double? ReferenceTop1, double? Top1, double? ReferenceTop5, double? Top5);

/// <summary>What a layer gives, its inputs' errors included.</summary>
/// <param name="Name">The node's name.</param>
/// <param name="Position">Which layer it is, from 0 in the order of computation.</param>
/// <param name="SqnrDb">As of an output.</param>
/// <param name="Cosine">As of an output.</param>
/// <param name="MaxError">As of an output.</param>
internal sealed record LayerAccuracy(string Name, int Position, double SqnrDb, double Cosine, double MaxError);
