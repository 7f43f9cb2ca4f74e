using Lathe.Compiler.Graph;
using Lathe.Kernels.Loops;
using Lathe.Runtime;
using Cast = Lathe.Compiler.Operators.Shapes.Cast;

namespace Lathe.Compiler.Operators.Elementwise;

/// <summary>a to the power b. Integers go through float64; negative powers of them are 0 but for 1 and -1.</summary>
public sealed record Pow : BinaryOperator, IOp<Pow>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("Pow", 2, 2);

    /// <inheritdoc/>
    /// <remarks>From opset 12 on the exponent may have another type than the base, of which the result is.</remarks>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder)
    {
        Value a = node.Inputs[0], b = node.Inputs[1];
        if (a.Type.Element == b.Type.Element) return [builder.Add(new Pow(), a, b)];
        if (a.Type.Element.IsFloat() || b.Type.Element.IsInteger()) return [builder.Add(new Pow(), a, builder.Add(new Cast(a.Type.Element), b))];
        Value power = builder.Add(new Pow(), builder.Add(new Cast(ElementType.Float64), a), builder.Add(new Cast(ElementType.Float64), b));
        return [builder.Add(new Cast(a.Type.Element), power)];
    }

    /// <inheritdoc/>
    protected override double Apply(double a, double b) => Math.Pow(a, b);

    /// <inheritdoc/>
    protected override Int128 Apply(Int128 a, Int128 b)
    {
        if (b < 0) return a == 1 ? 1 : a == -1 ? (b % 2 == 0 ? 1 : -1) : 0;
        Int128 power = 1;
        for (; b > 0; b >>= 1, a = unchecked(a * a))
            if ((b & 1) == 1) power = unchecked(power * a);
        return power;
    }

    /// <inheritdoc/>
    protected override Expr Apply(Expr a, Expr b)
    {
        ElementType element = a.Type.Element;
        if (!element.IsFloat()) return new Binary(BinaryOp.Power, a.To(ElementType.Float64), b.To(ElementType.Float64)).To(element);
        return b switch
        {
            Const { Float: 1 } => a,
            Const { Float: 2 } => a * a,
            Const { Float: 3 } => a * a * a,
            Const { Float: -1 } => 1 / a,
            _ => new Binary(BinaryOp.Power, a, b),
        };
    }
}
