using Lathe.Cli.Bench;
using Lathe.Cli.Models;
using Lathe.Compiler;
using Lathe.Compiler.Tuning;
using Lathe.Runtime.Plans;

namespace Lathe.Cli.Tuning;

/// <summary>A model compiled with one set of choices, to be measured.</summary>
/// <param name="Assembly">The kernel assembly.</param>
/// <param name="Report">What is known of its plan.</param>
internal sealed record Trial(string Assembly, CompileReport Report)
{
    /// <summary>Writes a compiled model. Weights that another trial has are not written again.</summary>
    public static Trial Write(CompiledOutput output, string directory, Trial? other, string model)
    {
        string? shared = other is null || output.Weights is null ? null : Path.Combine(Path.GetDirectoryName(other.Assembly)!, output.WeightsName);
        bool isShared = shared is not null && output.Weights.AsSpan().SequenceEqual(File.ReadAllBytes(shared));
        OutputFiles.WriteFolder(isShared ? output with { Weights = null } : output, directory, model);
        if (isShared) File.CreateSymbolicLink(Path.Combine(directory, output.WeightsName), shared!);
        return new Trial(Path.Combine(directory, output.AssemblyName + ".dll"), output.Report);
    }

    /// <summary>Takes in what a round measured: for each signature the sum over all layers that have it.</summary>
    public void Add(RunnerReport round, Isa isa, IReadOnlyDictionary<string, Times> times)
    {
        Dictionary<string, IReadOnlyList<CompileChoice>> choices = Report.Groups.GroupBy(g => g.Kernel).ToDictionary(g => g.Key, g => g.First().Choices);
        foreach (IGrouping<(string Signature, string Choice), double> sum in
            from layer in round.Layers ?? []
            // A step that did not run says nothing.
            where layer.Ms > 0
            from choice in choices.GetValueOrDefault(layer.Kernel) ?? []
            where choice.Isa == isa.Name() && times.ContainsKey(choice.Signature)
            group layer.Ms by (choice.Signature, choice.Choice))
            times[sum.Key.Signature].Add(sum.Key.Choice, sum.Sum());
    }
}
