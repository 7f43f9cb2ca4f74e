using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Quantization;
using Lathe.Compiler.Operators.Shapes;
using Lathe.Runtime;

namespace Lathe.Compiler.Rules.Quantization;

/// <summary>float(int(x)) → x for sums that are whole numbers in float32.</summary>
public static class CastOfWhole
{
    /// <summary>Applies the rule.</summary>
    public static Value? TryRewrite(Node node, Rewriting g) =>
        node is { Op: Cast { To: ElementType.Float32 }, Inputs: [{ Node: { Op: Cast { To: ElementType.Int32 }, Inputs: [{ Op: DepthwiseConvOfBytes } sums] } }] } ? sums : null;
}
