using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Placement;
using Lathe.Compiler.Tuning;

namespace Lathe.Compiler;

/// <summary>What a compilation gives: diagnostics and, unless one of them is an error, the files.</summary>
/// <param name="Diagnostics">What to tell the user.</param>
/// <param name="Module">The compiled model; null if there was an error.</param>
public sealed record CompileResult(IReadOnlyList<Diagnostic> Diagnostics, CompiledOutput? Module)
{
    /// <summary>True if there is a compiled model.</summary>
    public bool Success => Module is not null;
}

/// <summary>A compiled model, still in memory.</summary>
/// <param name="ClassName">The class with its namespace.</param>
/// <param name="AssemblyName">The name of the kernel assembly: the class's name, then <c>.Lathe</c>.</param>
/// <param name="Assembly">The kernel assembly.</param>
/// <param name="Symbols">Its portable PDB.</param>
/// <param name="Weights">The weights where they are a file beside the assembly, otherwise null.</param>
/// <param name="WeightsName">The name of that file.</param>
/// <param name="Manifest">The text of <c>X.lathe.json</c>, the generator's input.</param>
/// <param name="Sources">The generated source by file name.</param>
/// <param name="Report">What is known of the plan.</param>
public sealed record CompiledOutput(
    string ClassName,
    string AssemblyName,
    byte[] Assembly,
    byte[] Symbols,
    byte[]? Weights,
    string WeightsName,
    string Manifest,
    IReadOnlyDictionary<string, string> Sources,
    CompileReport Report)
{
    /// <summary>The files beside the model that say what its native kernels are made by, or that they cannot be made; none for a model that is to have none.</summary>
    public IReadOnlyList<string> NativeInputs { get; init; } = [];

    /// <summary>The native code where it is a file beside the assembly, otherwise null.</summary>
    public byte[]? NativeFile { get; init; }

    /// <summary>The name of that file: that of the assembly with <c>.o</c> or <c>.so</c>.</summary>
    public string? NativeFileName { get; init; }
}

/// <summary>What a compilation knows of its plan; sizes for dims at their defaults.</summary>
/// <param name="Macs">Multiply-accumulates of an inference.</param>
/// <param name="Parameters">The number of the model's weights.</param>
/// <param name="ArenaBytes">The size of a request's arena on the device of the whole model, of a divided one on the CPU.</param>
/// <param name="ArenaLowerBound">The largest sum of sizes of buffers alive at once.</param>
/// <param name="WeightBytes">The size of the packed weights.</param>
/// <param name="PreparedBytes">The size of what is computed of the weights when the model is loaded, in memory only.</param>
/// <param name="Reorders">How many steps only change a layout.</param>
/// <param name="Groups">The steps in order.</param>
/// <param name="Decisions">What was chosen out of what.</param>
public sealed record CompileReport(
    long Macs,
    long Parameters,
    long ArenaBytes,
    long ArenaLowerBound,
    long WeightBytes,
    long PreparedBytes,
    int Reorders,
    IReadOnlyList<CompileGroup> Groups,
    IReadOnlyCollection<Decision> Decisions)
{
    /// <summary>How the model was divided; null for one of a single device.</summary>
    public PlacementReport? Placement { get; init; }

    /// <summary>A request's arenas on the accelerators of a divided model; empty for one of a single device.</summary>
    public IReadOnlyList<DeviceArena> DeviceArenas { get; init; } = [];
}

/// <summary>The memory that a request takes on an accelerator beside the model's weights.</summary>
/// <param name="Device">The accelerator.</param>
/// <param name="ArenaBytes">The size.</param>
public sealed record DeviceArena(string Device, long ArenaBytes);

/// <summary>A step of the plan as <c>lathe inspect</c> shows it.</summary>
public sealed record CompileGroup(
    string Name, string Op, string Kernel, string Device, string Precision, string Layout, string Shape, long Macs, long Bytes, IReadOnlyList<CompileChoice> Choices);

/// <summary>What was chosen for a step: its schedule and, for a convolution, its algorithm.</summary>
/// <param name="Isa">The instruction set.</param>
/// <param name="Signature">What tuning records know it by.</param>
/// <param name="Choice">What was chosen.</param>
/// <param name="From"><c>model</c> or <c>tuning</c>.</param>
public sealed record CompileChoice(string Isa, string Signature, string Choice, string From)
{
    /// <summary>Where a choice comes from: the cost model, or a tuning record.</summary>
    public const string Model = "model", Tuning = "tuning";
}
