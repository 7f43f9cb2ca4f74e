using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Reductions;

namespace Lathe.Compiler.Operators.Quantization.OnnxRuntime;

/// <summary>The mean of a quantised tensor over axes.</summary>
public sealed class QLinearReduceMean : IComposite<QLinearReduceMean>
{
    private QLinearReduceMean()
    {
    }

    /// <inheritdoc/>
    public static OpSchema Schema => new("QLinearReduceMean", 4, 5, Domain: Quantized.Domain);

    /// <inheritdoc/>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder) =>
        Quantized.Map(node, builder, x => builder.Add(AttributeReader.Read<ReduceMean>(node), x));
}
