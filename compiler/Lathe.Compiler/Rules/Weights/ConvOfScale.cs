using Lathe.Compiler.Graph;

namespace Lathe.Compiler.Rules.Weights;

/// <summary>conv(x · c, w) → conv(x, w · c) for one c per channel of x. What stood outside of x · c stands as its quotient by c outside of x.</summary>
public static class ConvOfScale
{
    /// <summary>Applies the rule.</summary>
    public static Value? TryRewrite(Node node, Rewriting g)
    {
        if (Filters.Of(node) is not { } filters) return null;
        if (ChannelArithmetic.Scale(filters.Input.Node, _ => 1) is not var (x, factor)) return null;
        if (!InputArithmetic.IsFromOutside(x) && !g.IsReadOnce(filters.Input)) return null;
        if (filters.Outside is not null && factor.Contains(0)) return null;
        Filters scaled = filters.Scaled((_, i) => factor[i]);
        return (scaled with { Input = x, Outside = filters.Outside?.Select((v, i) => v / factor[i]).ToArray() }).Build(g);
    }
}
