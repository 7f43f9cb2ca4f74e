using Lathe.Compiler.Graph;
using Lathe.Kernels;
using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Movement;

/// <summary>Reads <see cref="Resize"/> from what each opset states it by.</summary>
internal static class ResizeImport
{
    /// <summary>
    /// The operator of a node. In opset 10 the inputs are x and scales, coordinates are asymmetric, and the nearest element is the one before where the
    /// input grows, else the one behind. From opset 11 on the inputs are x, roi, scales, sizes, and from opset 18 on these may speak of some axes only.
    /// </summary>
    public static Resize Read(OnnxNode node)
    {
        TensorType x = node.Inputs[0].Type;
        Resize form = Form(node);
        if (node.Opset < 11) return form with { Scales = OnnxInputs.Floats(node, 1, "its scales") };

        int[] axes = Axes(node);
        float[] scales = Given(node, 2) ? Spread([.. OnnxInputs.Floats(node, 2, "its scales")], 1f) : [];
        IndexExpr[] sizes = [];
        if (scales.Length == 0)
        {
            if (!Given(node, 3)) throw node.Bad("it has neither scales nor sizes");
            EquatableArray<IndexExpr> asked = OnnxInputs.Known(node, 3, "its sizes");
            if (asked.Length != axes.Length) throw node.Bad($"{asked.Length} sizes do not fit {axes.Length} axes");
            sizes = [.. x.Dims];
            for (int i = 0; i < axes.Length; i++) sizes[axes[i]] = asked[i];
            KeepAspect(node, x, axes, ref scales, sizes);
        }

        float[] roi = [];
        if (form.CoordinateTransformationMode == "tf_crop_and_resize")
        {
            float[] region = node.Has(1) ? [.. OnnxInputs.Floats(node, 1, "its region of interest")] : [];
            if (region.Length != 2 * axes.Length) throw node.Bad($"a region of interest of {region.Length} values does not fit {axes.Length} axes");
            roi = [.. Spread(region[..axes.Length], 0f), .. Spread(region[axes.Length..], 1f)];
        }

        return form with { Scales = scales, Sizes = sizes, Roi = roi };

        float[] Spread(float[] values, float otherwise)
        {
            if (values.Length != axes.Length) throw node.Bad($"{values.Length} values do not fit {axes.Length} axes");
            float[] all = [.. Enumerable.Repeat(otherwise, x.Rank)];
            for (int i = 0; i < axes.Length; i++) all[axes[i]] = values[i];
            return all;
        }
    }

    /// <summary>True if <see cref="Read"/> can state the operator: its inputs are known as far as they matter.</summary>
    public static bool IsStatic(OnnxNode node)
    {
        if (node.Opset < 11) return node.IsKnown(1);
        if (Form(node).CoordinateTransformationMode == "tf_crop_and_resize" && !node.IsKnown(1)) return false;
        if (Given(node, 2) || !Given(node, 3)) return node.IsKnown(2);
        if (!node.IsKnown(3)) return false;
        // Of a length that data determine it has to be seen when the model runs that there is something to resize.
        if (node.Inputs[0].Type.Dims.Any(d => !d.IsConstant && d.Range.Min <= 0)) return false;
        return AspectPolicy(node) == "stretch" || OnnxInputs.Known(node, 3, "its sizes").All(s => s.IsConstant);
    }

    /// <summary>The operator without its scales, sizes and region of interest.</summary>
    public static Resize Form(OnnxNode node)
    {
        string mode = AttributeReader.Get(node, "mode", "nearest");
        if (node.Opset < 11) return new Resize([], [], CoordinateTransformationMode: "asymmetric", Mode: mode, NearestMode: "simple");
        return new Resize(
            [],
            [],
            AttributeReader.Get(node, "antialias", 0L) != 0,
            AttributeReader.Get(node, "coordinate_transformation_mode", "half_pixel"),
            AttributeReader.Get(node, "cubic_coeff_a", -0.75f),
            AttributeReader.Get(node, "exclude_outside", 0L) != 0,
            AttributeReader.Get(node, "extrapolation_value", 0f),
            mode,
            AttributeReader.Get(node, "nearest_mode", "round_prefer_floor"));
    }

    /// <summary>The axes that scales, sizes and region speak of.</summary>
    public static int[] Axes(OnnxNode node) => node.Attributes.ContainsKey("axes")
        ? [.. AttributeReader.Get<long[]>(node, "axes", []).Select(a => node.Axis(a, node.Inputs[0].Type.Rank))]
        : [.. Enumerable.Range(0, node.Inputs[0].Type.Rank)];

    /// <summary>Whether one scale is to hold for all axes.</summary>
    public static string AspectPolicy(OnnxNode node)
    {
        string policy = AttributeReader.Get(node, "keep_aspect_ratio_policy", "stretch");
        return policy is "stretch" or "not_larger" or "not_smaller" ? policy : throw AttributeReader.Wrong(node, "keep_aspect_ratio_policy", $"'{policy}' is unknown");
    }

    /// <summary>Scales and sizes that are not used are given as empty tensors up to opset 12.</summary>
    public static bool Given(OnnxNode node, int input) => node.Has(input) && node.Inputs[input].Type.Count != IndexExpr.Zero;

    /// <summary>Where one scale is to hold for all axes, the sizes are only bounds for it.</summary>
    private static void KeepAspect(OnnxNode node, TensorType x, int[] axes, ref float[] scales, IndexExpr[] sizes)
    {
        string policy = AspectPolicy(node);
        if (policy == "stretch") return;
        if (axes.Any(a => !x.Dims[a].IsConstant || x.Dims[a] == IndexExpr.Zero || !sizes[a].IsConstant)) throw node.Bad($"the aspect ratio of {x} is not known");
        IEnumerable<double> ratios = axes.Select(a => (double)sizes[a].Value / x.Dims[a].Value);
        double scale = policy == "not_larger" ? ratios.Min() : ratios.Max();
        scales = [.. Enumerable.Repeat(1f, x.Rank)];
        foreach (int axis in axes)
        {
            scales[axis] = (float)scale;
            sizes[axis] = (long)Math.Floor((scale * x.Dims[axis].Value) + 0.5);
        }
    }
}
