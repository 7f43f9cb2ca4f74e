using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Elementwise;

namespace Lathe.Compiler.Operators.Quantization.OnnxRuntime;

/// <summary>x where x ≥ 0, otherwise αx, of a quantised tensor.</summary>
public sealed class QLinearLeakyRelu : IComposite<QLinearLeakyRelu>
{
    private QLinearLeakyRelu()
    {
    }

    /// <inheritdoc/>
    public static OpSchema Schema => new("QLinearLeakyRelu", 4, 5, Domain: Quantized.Domain);

    /// <inheritdoc/>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder) =>
        Quantized.Map(node, builder, x => builder.Add(AttributeReader.Read<LeakyRelu>(node), x));
}
