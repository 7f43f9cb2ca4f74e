using Lathe.Compiler.Diagnostics;
using Lathe.Runtime;

namespace Lathe.Cli.Models;

/// <summary>
/// The <c>ran</c> of JSON: what was executed, as the runtime counted it, summed over inferences, and what was asked for and not done.
/// </summary>
internal sealed class RunReport
{
    private readonly SortedDictionary<string, long> _devices = new(StringComparer.Ordinal), _kernels = new(StringComparer.Ordinal), _precisions = new(StringComparer.Ordinal);
    private readonly List<Fallback> _fallbacks = [];

    /// <summary>Starts with what is known before anything runs.</summary>
    public RunReport(IEnumerable<Diagnostic> warnings)
    {
        foreach (Diagnostic warning in warnings) _fallbacks.Add(new Fallback(warning.Node ?? "", warning.Message));
    }

    /// <summary>Executed steps by device.</summary>
    public IReadOnlyDictionary<string, long> Devices => _devices;

    /// <summary>Executed steps by kind of kernel.</summary>
    public IReadOnlyDictionary<string, long> Kernels => _kernels;

    /// <summary>The instruction set; null if nothing ran.</summary>
    public string? Isa { get; private set; }

    /// <summary>Executed steps by arithmetic.</summary>
    public IReadOnlyDictionary<string, long> Precisions => _precisions;

    /// <summary>The names of what there is at least one of.</summary>
    public static string Names(IReadOnlyDictionary<string, long> counts) => string.Join('+', counts.Where(count => count.Value > 0).Select(count => count.Key));

    /// <summary>What was asked for and not done.</summary>
    public IReadOnlyList<Fallback> Fallbacks => _fallbacks;

    /// <summary>Adds an inference.</summary>
    public void Add(RunCounts counts)
    {
        Isa = counts.Isa;
        Sum(_devices, counts.Devices);
        Sum(_kernels, counts.Kernels);
        Sum(_precisions, counts.Precisions);
        foreach (Fallback fallback in counts.Fallbacks)
            if (!_fallbacks.Contains(fallback)) _fallbacks.Add(fallback);
    }

    private static void Sum(SortedDictionary<string, long> sums, IReadOnlyDictionary<string, int> counts)
    {
        foreach ((string key, int count) in counts) sums[key] = sums.GetValueOrDefault(key) + count;
    }
}
