using Lathe.Compiler.Graph;

namespace Lathe.Compiler.Operators.Quantization.OnnxRuntime;

/// <summary>The operator of ai.onnx under the same name.</summary>
public sealed class QuantizeLinear : IComposite<QuantizeLinear>
{
    private QuantizeLinear()
    {
    }

    /// <inheritdoc/>
    public static OpSchema Schema => new("QuantizeLinear", 2, 3, Domain: Quantized.Domain);

    /// <inheritdoc/>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder) => Quantization.QuantizeLinear.Import(node, builder);
}
