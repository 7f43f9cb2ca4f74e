using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Lathe.Runtime.Native;

/// <summary>
/// The functions of float64 that native kernels call, so that they give the bits that kernels in C# give. Their addresses are put into a table of the
/// code when it is mapped: the code itself refers to nothing outside.
/// </summary>
public static unsafe class MathFunctions
{
    /// <summary>The names in the order of the table.</summary>
    public static IReadOnlyList<string> Names { get; } =
    [
        "Exp", "Log", "Sin", "Cos", "Tan", "Sinh", "Cosh", "Tanh", "Asin", "Acos", "Atan", "Asinh", "Acosh", "Atanh", "Erf", "Pow", "Remainder",
    ];

    /// <summary>The addresses in the order of the table.</summary>
    internal static nint[] Addresses() =>
    [
        (nint)(delegate* unmanaged[Cdecl]<double, double>)&Exp,
        (nint)(delegate* unmanaged[Cdecl]<double, double>)&Log,
        (nint)(delegate* unmanaged[Cdecl]<double, double>)&Sin,
        (nint)(delegate* unmanaged[Cdecl]<double, double>)&Cos,
        (nint)(delegate* unmanaged[Cdecl]<double, double>)&Tan,
        (nint)(delegate* unmanaged[Cdecl]<double, double>)&Sinh,
        (nint)(delegate* unmanaged[Cdecl]<double, double>)&Cosh,
        (nint)(delegate* unmanaged[Cdecl]<double, double>)&Tanh,
        (nint)(delegate* unmanaged[Cdecl]<double, double>)&Asin,
        (nint)(delegate* unmanaged[Cdecl]<double, double>)&Acos,
        (nint)(delegate* unmanaged[Cdecl]<double, double>)&Atan,
        (nint)(delegate* unmanaged[Cdecl]<double, double>)&Asinh,
        (nint)(delegate* unmanaged[Cdecl]<double, double>)&Acosh,
        (nint)(delegate* unmanaged[Cdecl]<double, double>)&Atanh,
        (nint)(delegate* unmanaged[Cdecl]<double, double>)&Erf,
        (nint)(delegate* unmanaged[Cdecl]<double, double, double>)&Pow,
        (nint)(delegate* unmanaged[Cdecl]<double, double, double>)&Remainder,
    ];

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static double Exp(double x) => Math.Exp(x);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static double Log(double x) => Math.Log(x);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static double Sin(double x) => Math.Sin(x);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static double Cos(double x) => Math.Cos(x);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static double Tan(double x) => Math.Tan(x);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static double Sinh(double x) => Math.Sinh(x);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static double Cosh(double x) => Math.Cosh(x);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static double Tanh(double x) => Math.Tanh(x);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static double Asin(double x) => Math.Asin(x);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static double Acos(double x) => Math.Acos(x);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static double Atan(double x) => Math.Atan(x);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static double Asinh(double x) => Math.Asinh(x);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static double Acosh(double x) => Math.Acosh(x);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static double Atanh(double x) => Math.Atanh(x);

    /// <summary>The error function, by the series of positive terms: 2/√π e^-x² Σ x (2x²)^n / (1·3·5…); 1e-15.</summary>
    public static double ErrorFunction(double x)
    {
        if (double.IsNaN(x) || x == 0) return x;
        if (Math.Abs(x) > 6) return Math.Sign(x);
        double term = x, sum = x;
        for (int n = 1; Math.Abs(term) > Math.Abs(sum) * 1e-18; n++)
        {
            term *= 2 * x * x / ((2 * n) + 1);
            sum += term;
        }

        return 2 / Math.Sqrt(Math.PI) * Math.Exp(-x * x) * sum;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static double Erf(double x) => ErrorFunction(x);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static double Pow(double x, double y) => Math.Pow(x, y);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static double Remainder(double x, double y) => x % y;
}
