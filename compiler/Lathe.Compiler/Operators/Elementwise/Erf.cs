using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Elementwise;

/// <summary>The error function, 2/√π ∫ e^-t² dt from 0 to x.</summary>
public sealed record Erf : UnaryOperator, IOp<Erf>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("Erf", 1, 1);

    /// <inheritdoc/>
    protected override double Apply(double x) => SpecialFunctions.Erf(x);

    /// <inheritdoc/>
    protected override Expr Apply(Expr x) => x.Of(UnaryOp.Erf);
}
