using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Pooling;

namespace Lathe.Compiler.Operators.Quantization.OnnxRuntime;

/// <summary>The means of windows of a quantised image.</summary>
public sealed class QLinearAveragePool : IComposite<QLinearAveragePool>
{
    private QLinearAveragePool()
    {
    }

    /// <inheritdoc/>
    public static OpSchema Schema => new("QLinearAveragePool", 4, 5, Domain: Quantized.Domain);

    /// <inheritdoc/>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder) =>
        Quantized.MapImage(node, builder, x => builder.Add(AttributeReader.Read<AveragePool>(node), x));
}
