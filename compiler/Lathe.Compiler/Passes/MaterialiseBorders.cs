using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Linear;
using Lathe.Compiler.Operators.Movement;
using Lathe.Compiler.Rules;

namespace Lathe.Compiler.Passes;

/// <summary>conv(x, w, b, values) with padding → conv(pad(x, values), w, b) without: a halo in memory holds zeros only, other borders are written.</summary>
public sealed class MaterialiseBorders : IPass
{
    /// <summary>The rules.</summary>
    public static RuleSet Rules { get; } = new(nameof(MaterialiseBorders), TryRewrite);

    /// <inheritdoc/>
    public Graph.Graph Run(Graph.Graph graph, PassContext context) => Rewriter.Run(graph, Rules, context);

    /// <summary>The rule.</summary>
    public static Value? TryRewrite(Node node, Rewriting g)
    {
        if (node is not { Op: Conv conv, Inputs: [var x, var w, var bias, var values] } || values.IsNone) return null;
        Window window = conv.WindowOf(x.Type, w.Type);
        if (!window.PadLow.Concat(window.PadHigh).All(p => p.IsConstant && p.Value >= 0)) return null;
        long[] low = [.. window.PadLow.Select(p => p.Value)], high = [.. window.PadHigh.Select(p => p.Value)];
        Value padded = low.Concat(high).All(p => p == 0) ? x : g.Add(new PadChannels(low, high), x, values);
        Conv plain = conv with { AutoPad = "NOTSET", Pads = default };
        return bias.IsNone ? g.Add(plain, padded, w) : g.Add(plain, padded, w, bias);
    }
}
