using Lathe.Compiler.Graph;

namespace Lathe.Compiler.Rules.Weights;

/// <summary>conv(x, w, b) · c → conv(x, w · c, b · c) for one c per filter.</summary>
public static class ScaleOfConv
{
    /// <summary>Applies the rule.</summary>
    public static Value? TryRewrite(Node node, Rewriting g)
    {
        if (ChannelArithmetic.Scale(node, _ => 1) is not var (x, factor) || !g.IsReadOnce(x) || Filters.Of(x.Node) is not { } filters) return null;
        Filters scaled = filters.Scaled((o, _) => factor[o]);
        return (scaled with { Bias = filters.Bias?.Select((b, o) => b * factor[o]).ToArray() }).Build(g);
    }
}
