using Lathe.Compiler.Graph;
using Lathe.Kernels;

namespace Lathe.Compiler.Operators.Movement;

/// <summary>The input scaled up by the nearest element or linear interpolation: what resizing was before opset 10.</summary>
public sealed class Upsample : IComposite<Upsample>
{
    private Upsample()
    {
    }

    /// <inheritdoc/>
    public static OpSchema Schema => new("Upsample", 1, 2);

    /// <inheritdoc/>
    /// <remarks>Up to opset 8 the scales are an attribute. The linear mode was once called bilinear.</remarks>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder)
    {
        string mode = AttributeReader.Get(node, "mode", "nearest");
        Resize form = new([], [], CoordinateTransformationMode: "asymmetric", Mode: mode == "bilinear" ? "linear" : mode, NearestMode: "floor");
        if (!node.IsKnown(1)) return [new ResizeOfData(node, builder, form, [.. Enumerable.Range(0, node.Inputs[0].Type.Rank)], 1).Import()];
        EquatableArray<float> scales = node.Has(1) ? OnnxInputs.Floats(node, 1, "its scales") : AttributeReader.Get<float[]>(node, "scales", []);
        return [builder.Add(form with { Scales = scales }, node.Inputs[0])];
    }
}
