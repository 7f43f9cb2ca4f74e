using Lathe.Compiler.Graph;

namespace Lathe.Compiler.Operators.Signal;

/// <summary>Hamming's window, with the coefficients that ONNX gives it.</summary>
public sealed class HammingWindow : IComposite<HammingWindow>
{
    private HammingWindow()
    {
    }

    /// <inheritdoc/>
    public static OpSchema Schema => new("HammingWindow", 1, 1);

    /// <inheritdoc/>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder) => CosineWindow.Import(node, builder, 25.0 / 46, 21.0 / 46);
}
