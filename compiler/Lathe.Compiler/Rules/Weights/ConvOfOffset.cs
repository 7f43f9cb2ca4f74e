using Lathe.Compiler.Graph;

namespace Lathe.Compiler.Rules.Weights;

/// <summary>
/// conv(x + c, w, b) → conv(x, w, b + Σ w · c) for one c per channel of x. At a padded border, where the window reads 0 and not x + c, x is read as -c,
/// so that the result is the same there: that is the optional input pad_value of <see cref="Operators.Linear.Conv"/>. Such a border costs a
/// kernel something, so a padded convolution takes the offset only of what comes from outside the graph, and that for each of its readers: there is nothing to compute twice.
/// </summary>
public static class ConvOfOffset
{
    /// <summary>Applies the rule.</summary>
    public static Value? TryRewrite(Node node, Rewriting g)
    {
        if (Filters.Of(node) is not { } filters) return null;
        if (ChannelArithmetic.Offset(filters.Input.Node, _ => 1) is not var (x, offset)) return null;
        if (!InputArithmetic.IsFromOutside(x) && (filters.IsPadded || !g.IsReadOnce(filters.Input))) return null;
        double[] sums = filters.Applied(offset);
        return (filters with
        {
            Input = x,
            Bias = [.. sums.Select((s, o) => s + (filters.Bias?[o] ?? 0))],
            Outside = filters.IsPadded ? [.. offset.Select((c, i) => (filters.Outside?[i] ?? 0) - c)] : null,
        }).Build(g);
    }
}
