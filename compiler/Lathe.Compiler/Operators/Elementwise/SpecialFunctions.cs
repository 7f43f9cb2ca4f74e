using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Elementwise;

/// <summary>Functions that .NET's Math lacks.</summary>
internal static class SpecialFunctions
{
    /// <summary>2/√π ∫ e^-t² dt from 0 to x, by 2/√π e^-x² Σ 2ⁿ x²ⁿ⁺¹ / (1·3·…·(2n+1)), whose terms all have one sign.</summary>
    public static double Erf(double x)
    {
        // From here on the difference to 1 is below float64's resolution.
        if (Math.Abs(x) > 6) return Math.Sign(x);
        double term = x, sum = x;
        for (int n = 1; Math.Abs(term) > Math.Abs(sum) * 1e-17; n++)
        {
            term *= 2 * x * x / ((2 * n) + 1);
            sum += term;
        }

        return 2 / Math.Sqrt(Math.PI) * Math.Exp(-x * x) * sum;
    }

    /// <summary>log(1 + x), also where x is small beside 1: the rounding of 1 + x is in both factors of log(u) / (u - 1) · x alike.</summary>
    public static double LogPlusOne(double x)
    {
        double u = 1 + x;
        return u == 1 ? x : Math.Log(u) * (x / (u - 1));
    }

    /// <summary>log(1 + x), as <see cref="LogPlusOne(double)"/>.</summary>
    public static Expr LogPlusOne(Expr x)
    {
        Expr u = 1 + x;
        return u.EqualTo(1).Choose(x, u.Of(UnaryOp.Log) * (x / (u - 1)));
    }
}
