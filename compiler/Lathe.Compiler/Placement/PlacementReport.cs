namespace Lathe.Compiler.Placement;

/// <summary>How a model was divided between devices, and why.</summary>
/// <param name="Affinity">What decided: <c>cost</c>, <c>priority</c> or <c>rules</c>.</param>
/// <param name="PredictedMs">What an inference is predicted to take.</param>
/// <param name="Alternatives">The same for other ways to divide it: all on the CPU, as much as possible on each other device, by priority, by cost.</param>
/// <param name="Subgraphs">The subgraphs, by number.</param>
/// <param name="Advice">What the user may want to change, one sentence each.</param>
/// <param name="Steps">The steps as a drawing, each with its device.</param>
/// <param name="Graph">The subgraphs as a drawing.</param>
public sealed record PlacementReport(
    string Affinity,
    double PredictedMs,
    IReadOnlyList<PredictedTime> Alternatives,
    IReadOnlyList<CompileSubgraph> Subgraphs,
    IReadOnlyList<string> Advice,
    Drawing Steps,
    Drawing Graph);

/// <summary>What a way to divide a model is predicted to take.</summary>
/// <param name="Name">What decides, or where everything is that can be there.</param>
/// <param name="Ms">Milliseconds of an inference.</param>
public sealed record PredictedTime(string Name, double Ms);

/// <summary>Neighbouring steps on one device.</summary>
/// <param name="Number">Its number.</param>
/// <param name="Device">The device.</param>
/// <param name="Precision">What it computes products with, several joined with '+'; without products what its steps give.</param>
/// <param name="Reason">Why it is there.</param>
/// <param name="Nodes">The names of its steps.</param>
/// <param name="Macs">Its multiply-accumulates.</param>
/// <param name="ComputeMs">What its steps are predicted to compute for.</param>
/// <param name="LaunchMs">What starting them takes beside that.</param>
/// <param name="TransferMs">What copies into and out of it take; conversions of layouts are steps.</param>
/// <param name="TransferBytes">The bytes of these copies.</param>
/// <param name="CpuMs">What its steps would take on the CPU.</param>
public sealed record CompileSubgraph(
    int Number, string Device, string Precision, string Reason, IReadOnlyList<string> Nodes, long Macs, double ComputeMs, double LaunchMs, double TransferMs, long TransferBytes, double CpuMs);
