namespace Lathe.Cli.Verification;

/// <summary>
/// When a result counts as right. An element y passes against its reference r if |y - r| ≤ atol + rtol·|r|; integers, bools and strings must be
/// equal; NaN equals NaN.
/// </summary>
/// <param name="Relative">rtol.</param>
/// <param name="Absolute">atol; null for 1e-4·max|r| over the output's finite elements.</param>
/// <param name="Allow">The share of an output's elements that may fail.</param>
/// <param name="Top">Compares the order of this many largest elements too; 0 for no such comparison.</param>
internal sealed record Tolerance(double Relative = 1e-3, double? Absolute = null, double Allow = 0, int Top = 0)
{
    /// <summary>True judges shapes and types alone: what is random has no reference.</summary>
    public bool FormOnly { get; init; }

    /// <summary>What ONNX's own runner of its backend tests uses.</summary>
    public static Tolerance OfBackendTests { get; } = new(1e-3, 1e-7);

    /// <summary>The absolute part for an output whose largest finite element is given.</summary>
    public double AbsoluteFor(double largest) => Absolute ?? (1e-4 * largest);
}
