using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Linear;
using Lathe.Compiler.Operators.Movement;
using Lathe.Compiler.Rules;
using Lathe.Kernels;
using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Passes;

/// <summary>
/// conv(x, w, b, values) with padding → conv(border(x, values), w, b) without: a halo in memory holds zeros only, other borders are written. So are those of images
/// that the convolution converts itself (see <see cref="ReadImages"/>), whose memory has no halo.
/// </summary>
public sealed class MaterialiseBorders : IPass
{
    /// <summary>The rules.</summary>
    public static RuleSet Rules { get; } = new(nameof(MaterialiseBorders), TryRewrite);

    /// <inheritdoc/>
    public Graph.Graph Run(Graph.Graph graph, PassContext context) => Rewriter.Run(graph, Rules, context);

    /// <summary>The rule.</summary>
    public static Value? TryRewrite(Node node, Rewriting g)
    {
        if (node is not { Op: Conv conv, Inputs: [var x, var w, .. var rest] }) return null;
        Value bias = rest.Length > 0 ? rest[0] : Value.None, values = rest.Length > 1 ? rest[1] : Value.None;
        if (values.IsNone && SourceImage.Of(x) is null) return null;
        Window window = conv.WindowOf(x.Type, w.Type);
        if (!window.PadLow.Concat(window.PadHigh).All(p => p.IsConstant && p.Value >= 0)) return null;
        long[] low = [.. window.PadLow.Select(p => p.Value)], high = [.. window.PadHigh.Select(p => p.Value)];
        bool isPadded = low.Concat(high).Any(p => p != 0);
        if (!isPadded && values.IsNone) return null;

        long[] perChannel = [.. x.Type.Dims.Items.Skip(1).Select((d, axis) => axis == 0 && !values.IsNone ? d.Value : 1)];
        Value outside = values.IsNone ? g.Constant(TensorData.Zeros(x.Type.Element, perChannel))
            : values.Constant is { } data ? g.Constant(data.Reshape(perChannel)) : g.Add(new Reshape(perChannel.Select(d => (IndexExpr)d).ToEquatableArray()), values);
        Value padded = isPadded ? g.Add(new Border(low, high), x, outside) : x;
        Conv plain = conv with { AutoPad = "NOTSET", Pads = default };
        return bias.IsNone ? g.Add(plain, padded, w) : g.Add(plain, padded, w, bias);
    }
}
