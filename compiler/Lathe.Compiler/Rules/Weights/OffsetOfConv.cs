using Lathe.Compiler.Graph;

namespace Lathe.Compiler.Rules.Weights;

/// <summary>conv(x, w, b) + c → conv(x, w, b + c) for one c per filter.</summary>
public static class OffsetOfConv
{
    /// <summary>Applies the rule.</summary>
    public static Value? TryRewrite(Node node, Rewriting g)
    {
        if (ChannelArithmetic.Offset(node, _ => 1) is not var (x, offset) || !g.IsReadOnce(x) || Filters.Of(x.Node) is not { } filters) return null;
        return (filters with { Bias = [.. offset.Select((c, o) => c + (filters.Bias?[o] ?? 0))] }).Build(g);
    }
}
