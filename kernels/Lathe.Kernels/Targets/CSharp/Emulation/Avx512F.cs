#nullable enable

using System;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

/// <summary>
/// The instructions of AVX-512F that emitted kernels call, in software and bit for bit: by halves, since AVX2 and FMA round once, order zeros and NaN,
/// and give 0x80000000 for what does not fit as the instructions of 512 bits do. It stands in the global namespace, where emitted code finds it
/// before the class of the same name that a using directive imports.
/// </summary>
internal static class Avx512F
{
    /// <summary>a * b + c with one rounding.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> FusedMultiplyAdd(Vector512<float> a, Vector512<float> b, Vector512<float> c) => Vector512.Create(
        Fma.MultiplyAdd(a.GetLower(), b.GetLower(), c.GetLower()), Fma.MultiplyAdd(a.GetUpper(), b.GetUpper(), c.GetUpper()));

    /// <summary>a &lt; b ? a : b, so that b results from a NaN and from two zeros.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Min(Vector512<float> a, Vector512<float> b) =>
        Vector512.Create(Avx.Min(a.GetLower(), b.GetLower()), Avx.Min(a.GetUpper(), b.GetUpper()));

    /// <summary>a &gt; b ? a : b, so that b results from a NaN and from two zeros.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Max(Vector512<float> a, Vector512<float> b) =>
        Vector512.Create(Avx.Max(a.GetLower(), b.GetLower()), Avx.Max(a.GetUpper(), b.GetUpper()));

    /// <summary>Rounds to an integral value: to the nearest, ties to even (0x08), or towards zero (0x0B). Emitted kernels ask for no other.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The control byte is another.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> RoundScale(Vector512<float> a, byte control) => control switch
    {
        0x08 => Vector512.Create(Avx.RoundToNearestInteger(a.GetLower()), Avx.RoundToNearestInteger(a.GetUpper())),
        0x0B => Vector512.Create(Avx.RoundToZero(a.GetLower()), Avx.RoundToZero(a.GetUpper())),
        _ => throw new ArgumentOutOfRangeException(nameof(control)),
    };

    /// <summary>Rounds to the nearest integer, ties to even; a NaN and what does not fit become 0x80000000.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> ConvertToVector512Int32(Vector512<float> a) =>
        Vector512.Create(Avx.ConvertToVector256Int32(a.GetLower()), Avx.ConvertToVector256Int32(a.GetUpper()));

    /// <summary>Widens with zeros.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> ConvertToVector512Int32(Vector128<byte> a) =>
        Vector512.Create(Avx2.ConvertToVector256Int32(a), Avx2.ConvertToVector256Int32(Sse2.ShiftRightLogical128BitLane(a, 8)));

    /// <summary>Widens with the sign.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> ConvertToVector512Int32(Vector128<sbyte> a) =>
        Vector512.Create(Avx2.ConvertToVector256Int32(a), Avx2.ConvertToVector256Int32(Sse2.ShiftRightLogical128BitLane(a, 8)));

    /// <summary>Widens with zeros.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> ConvertToVector512Int32(Vector256<ushort> a) =>
        Vector512.Create(Avx2.ConvertToVector256Int32(a.GetLower()), Avx2.ConvertToVector256Int32(a.GetUpper()));

    /// <summary>Widens with the sign.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> ConvertToVector512Int32(Vector256<short> a) =>
        Vector512.Create(Avx2.ConvertToVector256Int32(a.GetLower()), Avx2.ConvertToVector256Int32(a.GetUpper()));

    /// <summary>The lower 8 bits of each lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> ConvertToVector128Byte(Vector512<int> a) => Vector128.Narrow(ConvertToVector256UInt16(a).GetLower(), ConvertToVector256UInt16(a).GetUpper());

    /// <summary>The lower 8 bits of each lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<sbyte> ConvertToVector128SByte(Vector512<int> a) => ConvertToVector128Byte(a).AsSByte();

    /// <summary>The lower 16 bits of each lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<ushort> ConvertToVector256UInt16(Vector512<int> a) => Vector256.Narrow(a.GetLower().AsUInt32(), a.GetUpper().AsUInt32());

    /// <summary>The lower 16 bits of each lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<short> ConvertToVector256Int16(Vector512<int> a) => ConvertToVector256UInt16(a).AsInt16();

    /// <summary>The lower two elements of each 128 bits, interleaved.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> UnpackLow(Vector512<float> a, Vector512<float> b) =>
        Vector512.Create(Avx.UnpackLow(a.GetLower(), b.GetLower()), Avx.UnpackLow(a.GetUpper(), b.GetUpper()));

    /// <summary>The upper two elements of each 128 bits, interleaved.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> UnpackHigh(Vector512<float> a, Vector512<float> b) =>
        Vector512.Create(Avx.UnpackHigh(a.GetLower(), b.GetLower()), Avx.UnpackHigh(a.GetUpper(), b.GetUpper()));

    /// <summary>The lower element of each 128 bits, side by side.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<double> UnpackLow(Vector512<double> a, Vector512<double> b) =>
        Vector512.Create(Avx.UnpackLow(a.GetLower(), b.GetLower()), Avx.UnpackLow(a.GetUpper(), b.GetUpper()));

    /// <summary>The upper element of each 128 bits, side by side.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<double> UnpackHigh(Vector512<double> a, Vector512<double> b) =>
        Vector512.Create(Avx.UnpackHigh(a.GetLower(), b.GetLower()), Avx.UnpackHigh(a.GetUpper(), b.GetUpper()));

    /// <summary>The even quarters of both (0x88), or the odd ones (0xDD). Emitted kernels ask for no other.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The control byte is another.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Shuffle4x128(Vector512<float> a, Vector512<float> b, byte control) => control switch
    {
        0x88 => Vector512.Create(Avx.Permute2x128(a.GetLower(), a.GetUpper(), 0x20), Avx.Permute2x128(b.GetLower(), b.GetUpper(), 0x20)),
        0xDD => Vector512.Create(Avx.Permute2x128(a.GetLower(), a.GetUpper(), 0x31), Avx.Permute2x128(b.GetLower(), b.GetUpper(), 0x31)),
        _ => throw new ArgumentOutOfRangeException(nameof(control)),
    };
}
