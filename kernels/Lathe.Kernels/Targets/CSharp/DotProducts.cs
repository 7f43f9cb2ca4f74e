using Lathe.Runtime.Plans;

namespace Lathe.Kernels.Targets.CSharp;

/// <summary>
/// Dot products of the four bytes of each lane. Where there is no instruction for them, bytes at even and at odd places are widened to 16 bits and multiplied by
/// themselves: the sum of two products fits 32 bits, whatever the bytes are, where the instruction that multiplies bytes (<c>vpmaddubsw</c>) would saturate.
/// .NET has the instruction for up to 256 bits: longer vectors go by halves.
/// </summary>
internal static class DotProducts
{
    private const string Inlined = "\n\n[MethodImpl(MethodImplOptions.AggressiveInlining)]\n";

    /// <summary>The functions for scalars and for vectors, by the name that a printer gives.</summary>
    public static string Print(string name, Machine machine)
    {
        bool isSignedA = name.StartsWith("Dot4OfSigned", StringComparison.Ordinal), isSignedB = name is "Dot4OfSignedSigned" or "Dot4OfUnsignedSigned";
        (string a, string b) = (isSignedA ? "sbyte" : "byte", isSignedB ? "sbyte" : "byte");
        string scalar = $"""
            public static int {name}(int sum, int a, int b) => unchecked(sum
                + (({a})a * ({b})b) + (({a})(a >> 8) * ({b})(b >> 8)) + (({a})(a >> 16) * ({b})(b >> 16)) + (({a})(a >> 24) * ({b})(b >> 24)));
            """;
        int bits = Math.Min(machine.VectorBytes * 8, 256);
        string vector = $"Vector{bits}", unit = bits == 256 ? "System.Runtime.Intrinsics.X86.Avx2" : "Sse2";
        string Pairs(string x, string y) => bits == 256 ? $"{unit}.MultiplyAddAdjacent({x}, {y})" : $"Simd.PairsOf({x}, {y})";
        string instruction = isSignedA || !isSignedB ? "" : "AvxVnni.IsSupported ? AvxVnni.MultiplyWideningAndAdd(sum, a.AsByte(), b.AsSByte()) :\n    ";
        string part = $"""
            public static {vector}<int> {name}({vector}<int> sum, {vector}<int> a, {vector}<int> b) =>
                {instruction}sum + {Pairs(Even("a", isSignedA), Even("b", isSignedB))} + {Pairs(Odd("a", isSignedA), Odd("b", isSignedB))};
            """;
        string halves = machine.Isa != Isa.Avx512 ? "" : Inlined + $"""
            public static VecI {name}(VecI sum, VecI a, VecI b) =>
                Vec.Create(Simd.{name}(sum.GetLower(), a.GetLower(), b.GetLower()), Simd.{name}(sum.GetUpper(), a.GetUpper(), b.GetUpper()));
            """;
        return scalar + Inlined + part + halves;

        string Even(string x, bool isSigned) => isSigned ? $"({x}.AsInt16() << 8) >> 8" : $"{x}.AsInt16() & {vector}.Create((short)0xFF)";

        string Odd(string x, bool isSigned) => $"{x}.AsInt16() {(isSigned ? ">>" : ">>>")} 8";
    }

    /// <summary>The sums of products of neighbouring elements of 16 bits, for 128-bit vectors.</summary>
    public const string PairsOf = """
        public static VecI PairsOf(Vector128<short> a, Vector128<short> b) => Sse2.IsSupported ? Sse2.MultiplyAddAdjacent(a, b)
            : (((a.AsInt32() << 16) >> 16) * ((b.AsInt32() << 16) >> 16)) + ((a.AsInt32() >> 16) * (b.AsInt32() >> 16));
        """;
}
