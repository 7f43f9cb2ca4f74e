using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Placement;
using Lathe.Compiler.Tuning;

namespace Lathe.Compiler.Passes;

/// <summary>What passes read beside the graph, and where they leave what they have to tell.</summary>
/// <param name="options">What the user asked for.</param>
/// <param name="cancellation">Ends the compilation between passes.</param>
public sealed class PassContext(CompileOptions options, CancellationToken cancellation = default)
{
    private readonly Dictionary<string, int> _applied = new(StringComparer.Ordinal);
    private readonly List<Diagnostic> _diagnostics = [];

    /// <summary>What the user asked for.</summary>
    public CompileOptions Options => options;

    /// <summary>What was chosen out of what, by the model or by a tuning record.</summary>
    public Decisions Decisions { get; } = new(options.Tuning);

    /// <summary>Where nodes may run; null for a model of one device.</summary>
    internal Permissions? Permissions { get; set; }

    /// <summary>Where steps run and why; null for a model of one device, and before that is decided.</summary>
    internal PlacementResult? Placement { get; set; }

    /// <summary>What rules say of the precision of nodes.</summary>
    public NodePrecisions Precisions { get; set; } = NodePrecisions.None;

    /// <summary>Ends the compilation between passes.</summary>
    public CancellationToken Cancellation => cancellation;

    /// <summary>What to tell the user.</summary>
    public IReadOnlyList<Diagnostic> Diagnostics => _diagnostics;

    /// <summary>How often each rule was applied, by name.</summary>
    public IReadOnlyDictionary<string, int> Applied => _applied;

    /// <summary>How many rewrites were made in all.</summary>
    public int Rewrites { get; private set; }

    /// <summary>True while rules may still be applied: <see cref="CompileOptions.StopAfter"/> ends that.</summary>
    public bool MayRewrite => options.StopAfter is not { } limit || Rewrites < limit;

    /// <summary>Tells the user something.</summary>
    public void Report(Diagnostic diagnostic) => _diagnostics.Add(diagnostic);

    /// <summary>Counts an application of a rule.</summary>
    public void Count(string rule)
    {
        Rewrites++;
        _applied[rule] = _applied.GetValueOrDefault(rule) + 1;
    }
}
