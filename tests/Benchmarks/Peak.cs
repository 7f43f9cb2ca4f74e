using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Lathe.Kernels.Targets;

namespace Lathe.Benchmarks;

/// <summary>What the core can do at this moment: multiply-adds that wait for nothing.</summary>
internal static class Peak
{
    private const int Steps = 20_000;

    /// <summary>The multiply-adds of one call.</summary>
    public static double Flops(Machine machine) => 2.0 * Steps * (machine.Isa == Isa.Avx512 ? 24 : 12) * machine.Lanes;

    /// <summary>Runs the loop once.</summary>
    public static float Run(Machine machine) => machine.Isa switch { Isa.Avx512 => Wide(1e-8f), Isa.Avx2 => Middle(1e-8f), _ => Narrow(1e-8f) };

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static float Wide(float seed)
    {
        Vector512<float> x = Vector512.Create(seed), y = Vector512.Create(1f - seed);
        Vector512<float> a0 = x, a1 = x, a2 = x, a3 = x, a4 = x, a5 = x, a6 = x, a7 = x, a8 = x, a9 = x, b0 = x, b1 = x;
        Vector512<float> c0 = x, c1 = x, c2 = x, c3 = x, c4 = x, c5 = x, c6 = x, c7 = x, c8 = x, c9 = x, d0 = x, d1 = x;
        for (int i = 0; i < Steps; i++)
        {
            a0 = Avx512F.FusedMultiplyAdd(x, y, a0);
            a1 = Avx512F.FusedMultiplyAdd(x, y, a1);
            a2 = Avx512F.FusedMultiplyAdd(x, y, a2);
            a3 = Avx512F.FusedMultiplyAdd(x, y, a3);
            a4 = Avx512F.FusedMultiplyAdd(x, y, a4);
            a5 = Avx512F.FusedMultiplyAdd(x, y, a5);
            a6 = Avx512F.FusedMultiplyAdd(x, y, a6);
            a7 = Avx512F.FusedMultiplyAdd(x, y, a7);
            a8 = Avx512F.FusedMultiplyAdd(x, y, a8);
            a9 = Avx512F.FusedMultiplyAdd(x, y, a9);
            b0 = Avx512F.FusedMultiplyAdd(x, y, b0);
            b1 = Avx512F.FusedMultiplyAdd(x, y, b1);
            c0 = Avx512F.FusedMultiplyAdd(x, y, c0);
            c1 = Avx512F.FusedMultiplyAdd(x, y, c1);
            c2 = Avx512F.FusedMultiplyAdd(x, y, c2);
            c3 = Avx512F.FusedMultiplyAdd(x, y, c3);
            c4 = Avx512F.FusedMultiplyAdd(x, y, c4);
            c5 = Avx512F.FusedMultiplyAdd(x, y, c5);
            c6 = Avx512F.FusedMultiplyAdd(x, y, c6);
            c7 = Avx512F.FusedMultiplyAdd(x, y, c7);
            c8 = Avx512F.FusedMultiplyAdd(x, y, c8);
            c9 = Avx512F.FusedMultiplyAdd(x, y, c9);
            d0 = Avx512F.FusedMultiplyAdd(x, y, d0);
            d1 = Avx512F.FusedMultiplyAdd(x, y, d1);
        }

        return Vector512.Sum(a0 + a1 + a2 + a3 + a4 + a5 + a6 + a7 + a8 + a9 + b0 + b1 + c0 + c1 + c2 + c3 + c4 + c5 + c6 + c7 + c8 + c9 + d0 + d1);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static float Middle(float seed)
    {
        Vector256<float> x = Vector256.Create(seed), y = Vector256.Create(1f - seed);
        Vector256<float> a0 = x, a1 = x, a2 = x, a3 = x, a4 = x, a5 = x, a6 = x, a7 = x, a8 = x, a9 = x, b0 = x, b1 = x;
        for (int i = 0; i < Steps; i++)
        {
            a0 = Fma.MultiplyAdd(x, y, a0);
            a1 = Fma.MultiplyAdd(x, y, a1);
            a2 = Fma.MultiplyAdd(x, y, a2);
            a3 = Fma.MultiplyAdd(x, y, a3);
            a4 = Fma.MultiplyAdd(x, y, a4);
            a5 = Fma.MultiplyAdd(x, y, a5);
            a6 = Fma.MultiplyAdd(x, y, a6);
            a7 = Fma.MultiplyAdd(x, y, a7);
            a8 = Fma.MultiplyAdd(x, y, a8);
            a9 = Fma.MultiplyAdd(x, y, a9);
            b0 = Fma.MultiplyAdd(x, y, b0);
            b1 = Fma.MultiplyAdd(x, y, b1);
        }

        return Vector256.Sum(a0 + a1 + a2 + a3 + a4 + a5 + a6 + a7 + a8 + a9 + b0 + b1);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static float Narrow(float seed)
    {
        Vector128<float> x = Vector128.Create(seed), y = Vector128.Create(1f - seed);
        Vector128<float> a0 = x, a1 = x, a2 = x, a3 = x, a4 = x, a5 = x, a6 = x, a7 = x, a8 = x, a9 = x, b0 = x, b1 = x;
        for (int i = 0; i < Steps; i++)
        {
            a0 = Fma.MultiplyAdd(x, y, a0);
            a1 = Fma.MultiplyAdd(x, y, a1);
            a2 = Fma.MultiplyAdd(x, y, a2);
            a3 = Fma.MultiplyAdd(x, y, a3);
            a4 = Fma.MultiplyAdd(x, y, a4);
            a5 = Fma.MultiplyAdd(x, y, a5);
            a6 = Fma.MultiplyAdd(x, y, a6);
            a7 = Fma.MultiplyAdd(x, y, a7);
            a8 = Fma.MultiplyAdd(x, y, a8);
            a9 = Fma.MultiplyAdd(x, y, a9);
            b0 = Fma.MultiplyAdd(x, y, b0);
            b1 = Fma.MultiplyAdd(x, y, b1);
        }

        return Vector128.Sum(a0 + a1 + a2 + a3 + a4 + a5 + a6 + a7 + a8 + a9 + b0 + b1);
    }
}
