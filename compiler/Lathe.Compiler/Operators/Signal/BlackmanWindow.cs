using Lathe.Compiler.Graph;

namespace Lathe.Compiler.Operators.Signal;

/// <summary>Blackman's window.</summary>
public sealed class BlackmanWindow : IComposite<BlackmanWindow>
{
    private BlackmanWindow()
    {
    }

    /// <inheritdoc/>
    public static OpSchema Schema => new("BlackmanWindow", 1, 1);

    /// <inheritdoc/>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder) => CosineWindow.Import(node, builder, 0.42, 0.5, 0.08);
}
