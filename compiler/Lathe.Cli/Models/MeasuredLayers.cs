using System.Text.Json;
using Lathe.Cli.Arguments;
using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Placement;

namespace Lathe.Cli.Models;

/// <summary>What <c>lathe bench -pc --json</c> measured of the steps of a model.</summary>
internal sealed class MeasuredLayers
{
    private readonly IReadOnlyList<(int Subgraph, string Op, string Device, double Ms)> _layers;

    private MeasuredLayers(IReadOnlyList<(int Subgraph, string Op, string Device, double Ms)> layers) => _layers = layers;

    /// <summary>Reads the line.</summary>
    /// <exception cref="FailedException">The file cannot be read, or is no such line.</exception>
    public static MeasuredLayers Read(string path) => OptionFile.Read("--measured", path, text =>
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(text);
            return new MeasuredLayers(
            [
                .. document.RootElement.GetProperty("layers").EnumerateArray().Select(l =>
                    (l.TryGetProperty("subgraph", out JsonElement subgraph) ? subgraph.GetInt32() : 0, l.GetProperty("op").GetString()!, l.GetProperty("device").GetString()!, l.GetProperty("ms").GetDouble())),
            ]);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new DiagnosticException(new Diagnostic(DiagnosticTable.BadOption, null, "--measured", "the file is no line of lathe bench -pc --json"));
        }
    });

    /// <summary>What the steps of a subgraph took, in milliseconds.</summary>
    public double Compute(CompileSubgraph subgraph) => Sum(subgraph, isCopy: false);

    /// <summary>What the copies into and out of it took, in milliseconds.</summary>
    public double Transfer(CompileSubgraph subgraph) => Sum(subgraph, isCopy: true);

    private double Sum(CompileSubgraph subgraph, bool isCopy) =>
        _layers.Where(l => l.Subgraph == subgraph.Number && l.Op == "Transfer" == isCopy && (isCopy || l.Device == subgraph.Device)).Sum(l => l.Ms);
}
