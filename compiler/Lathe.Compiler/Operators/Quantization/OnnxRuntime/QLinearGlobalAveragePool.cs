using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Pooling;

namespace Lathe.Compiler.Operators.Quantization.OnnxRuntime;

/// <summary>The mean of each channel of a quantised image.</summary>
public sealed class QLinearGlobalAveragePool : IComposite<QLinearGlobalAveragePool>
{
    private QLinearGlobalAveragePool()
    {
    }

    /// <inheritdoc/>
    public static OpSchema Schema => new("QLinearGlobalAveragePool", 5, 5, Domain: Quantized.Domain);

    /// <inheritdoc/>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder) =>
        Quantized.MapImage(node, builder, x => builder.Add(new GlobalAveragePool(), x));
}
