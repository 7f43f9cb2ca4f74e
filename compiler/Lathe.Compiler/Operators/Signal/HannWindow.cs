using Lathe.Compiler.Graph;

namespace Lathe.Compiler.Operators.Signal;

/// <summary>Hann's window: half a wave of a cosine, raised.</summary>
public sealed class HannWindow : IComposite<HannWindow>
{
    private HannWindow()
    {
    }

    /// <inheritdoc/>
    public static OpSchema Schema => new("HannWindow", 1, 1);

    /// <inheritdoc/>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder) => CosineWindow.Import(node, builder, 0.5, 0.5);
}
