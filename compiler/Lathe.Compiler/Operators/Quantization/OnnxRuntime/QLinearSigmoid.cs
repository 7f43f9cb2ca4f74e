using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Elementwise;

namespace Lathe.Compiler.Operators.Quantization.OnnxRuntime;

/// <summary>1 / (1 + e^-x) of a quantised tensor.</summary>
public sealed class QLinearSigmoid : IComposite<QLinearSigmoid>
{
    private QLinearSigmoid()
    {
    }

    /// <inheritdoc/>
    public static OpSchema Schema => new("QLinearSigmoid", 4, 5, Domain: Quantized.Domain);

    /// <inheritdoc/>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder) =>
        Quantized.Map(node, builder, x => builder.Add(new Sigmoid(), x));
}
