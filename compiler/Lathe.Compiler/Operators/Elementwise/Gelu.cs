using Lathe.Compiler.Graph;
using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Elementwise;

/// <summary>x Φ(x): exactly, 0.5x (1 + erf(x/√2)), or with tanh, 0.5x (1 + tanh(√(2/π) (x + 0.044715x³))).</summary>
public sealed record Gelu(string Approximate = "none") : UnaryOperator, IOp<Gelu>
{
    private static readonly double TanhFactor = Math.Sqrt(2 / Math.PI);

    /// <inheritdoc/>
    public static OpSchema Schema => new("Gelu", 1, 1);

    /// <inheritdoc/>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder)
    {
        Gelu gelu = AttributeReader.Read<Gelu>(node);
        return gelu.Approximate is "none" or "tanh"
            ? [builder.Add(gelu, [.. node.Inputs])]
            : throw AttributeReader.Wrong(node, "approximate", "it is neither none nor tanh");
    }

    /// <inheritdoc/>
    protected override double Apply(double x) => Approximate == "tanh"
        ? 0.5 * x * (1 + Math.Tanh(TanhFactor * (x + (0.044715 * x * x * x))))
        : 0.5 * x * (1 + SpecialFunctions.Erf(x / Math.Sqrt(2)));

    /// <inheritdoc/>
    protected override Expr Apply(Expr x) => Approximate == "tanh"
        ? 0.5 * x * (1 + (TanhFactor * (x + (0.044715 * x * x * x))).Of(UnaryOp.Tanh))
        : 0.5 * x * (1 + (x * Math.Sqrt(0.5)).Of(UnaryOp.Erf));
}
