using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Movement;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Rules.Sampling;

/// <summary>
/// A linear interpolation → the same of the axes before the last, then that of the last: its elements are made of two in place of four. The last axis is the one that is interpolated last in any case,
/// so that results have the same bits.
/// </summary>
public static class ResizeByAxes
{
    /// <summary>How many times as long the last axis is to become: what is written and read once more is that share of the result.</summary>
    private const double LeastGrowth = 8;

    /// <summary>Applies the rule.</summary>
    public static Value? TryRewrite(Node node, Rewriting g)
    {
        if (node is not { Op: Resize { Mode: "linear", Antialias: false, Fractions.Length: 0, Region.Length: 0, Roi.Length: 0 } resize, Inputs: [var x] }) return null;
        if (x.Type.Element is not (ElementType.Float32 or ElementType.Float64) || resize.CoordinateTransformationMode == "tf_crop_and_resize") return null;
        TensorType y = node.OutputTypes[0];
        ResizeAxis[] axes = resize.Axes(x.Type, y.Dims);
        int last = axes.Length - 1;
        if (axes.Length == 0 || axes[last].IsIdentity || axes.Take(last).All(a => a.IsIdentity)) return null;
        if (!y.Dims[last].IsConstant || !x.Type.Dims[last].IsConstant || y.Dims[last].Value < LeastGrowth * x.Type.Dims[last].Value) return null;
        Value before = g.Add(Of([.. y.Dims.Take(last), x.Type.Dims[last]], i => i != last), x);
        return g.Add(Of([.. y.Dims], i => i == last), before);

        Resize Of(IndexExpr[] sizes, Func<int, bool> isResized) =>
            resize with { Sizes = sizes, Scales = resize.Scales.Length == 0 ? resize.Scales : (float[])[.. resize.Scales.Items.Select((s, i) => isResized(i) ? s : 1f)] };
    }
}
