using System.Globalization;
using System.Text.RegularExpressions;
using Lathe.Runtime;
using Lathe.Runtime.Plans;

namespace Lathe.Kernels.Targets.CSharp;

/// <summary>The functions that emitted kernels call, printed once for a file and only where they are called.</summary>
internal static class Functions
{
    /// <summary>The class of all functions that are called, those that they call included; empty if there are none.</summary>
    public static string Print(Machine machine, IEnumerable<string> used)
    {
        SortedDictionary<string, string> printed = new(StringComparer.Ordinal);
        Stack<string> open = new(used);
        while (open.TryPop(out string? name))
        {
            if (printed.ContainsKey(name)) continue;
            string text = Of(name, machine);
            printed[name] = text;
            foreach (Match match in Regex.Matches(text, @"\bSimd\.(\w+)")) open.Push(match.Groups[1].Value);
        }

        if (printed.Count == 0) return "";
        CodeWriter writer = new();
        writer.Line("/// <summary>What the kernels above call.</summary>");
        writer.Open("file static unsafe class Simd");
        bool isFirst = true;
        foreach (string text in printed.Values)
        {
            if (!isFirst) writer.Line();
            isFirst = false;
            writer.Line(text);
        }

        writer.Close();
        return writer.ToString().TrimEnd('\n');
    }

    private static string Of(string name, Machine machine)
    {
        string text = (machine.Isa switch { Isa.Avx512 => Avx512(name), Isa.Avx2 => Avx2(name), _ => Vector128(name) }) ?? NarrowVectors.Of(name, machine) ?? Common(name, machine)
            ?? throw new NotSupportedException($"There is no function '{name}' for {machine.Isa}.");
        // A transposed block is worth its call and would crowd the registers of its caller.
        bool isCalled = name.StartsWith("Transpose", StringComparison.Ordinal);
        return $"[MethodImpl(MethodImplOptions.{(isCalled ? "AggressiveOptimization | MethodImplOptions.NoInlining" : "AggressiveInlining")})]\n" + text;
    }

    private static string? Avx512(string name) => name switch
    {
        // Two halves: a single masked load is not in .NET 8.
        "MaskLoad" => """
            public static VecF MaskLoad(float* from, VecI mask) =>
                Avx.MaskLoad(from, mask.GetLower().AsSingle()).ToVector512().WithUpper(Avx.MaskLoad(from + 8, mask.GetUpper().AsSingle()));

            [MethodImpl(MethodImplOptions.AggressiveInlining)]
            public static VecI MaskLoad(int* from, VecI mask) =>
                Avx2.MaskLoad(from, mask.GetLower()).ToVector512().WithUpper(Avx2.MaskLoad(from + 8, mask.GetUpper()));
            """,
        "MaskStore" => """
            public static void MaskStore(float* to, VecI mask, VecF value)
            {
                Avx.MaskStore(to, mask.GetLower().AsSingle(), value.GetLower());
                Avx.MaskStore(to + 8, mask.GetUpper().AsSingle(), value.GetUpper());
            }

            [MethodImpl(MethodImplOptions.AggressiveInlining)]
            public static void MaskStore(int* to, VecI mask, VecI value)
            {
                Avx2.MaskStore(to, mask.GetLower(), value.GetLower());
                Avx2.MaskStore(to + 8, mask.GetUpper(), value.GetUpper());
            }
            """,
        "Round" => "public static VecF Round(VecF a) => Avx512F.RoundScale(a, 0x08);",
        "Truncate" => "public static VecF Truncate(VecF a) => Avx512F.RoundScale(a, 0x0B);",
        "ToInt32" => "public static VecI ToInt32(VecF a) => Avx512F.ConvertToVector512Int32(a);",
        "WidenUInt8" => "public static VecI WidenUInt8(byte* from) => Avx512F.ConvertToVector512Int32(*(Vector128<byte>*)from);",
        "WidenInt8" => "public static VecI WidenInt8(sbyte* from) => Avx512F.ConvertToVector512Int32(*(Vector128<sbyte>*)from);",
        "WidenUInt16" => "public static VecI WidenUInt16(ushort* from) => Avx512F.ConvertToVector512Int32(*(Vector256<ushort>*)from);",
        "WidenInt16" => "public static VecI WidenInt16(short* from) => Avx512F.ConvertToVector512Int32(*(Vector256<short>*)from);",
        "Sum" or "Product" or "Smallest" or "Largest" => $$"""
            public static float {{name}}(VecF a)
            {
                Vector256<float> b = {{Combine(name, "Avx", "a.GetLower()", "a.GetUpper()")}};
                Vector128<float> c = {{Combine(name, "Sse", "b.GetLower()", "b.GetUpper()")}};
                c = {{Combine(name, "Sse", "c", "Sse.MoveHighToLow(c, c)")}};
                return {{Combine(name, "Sse", "c", "Sse.Shuffle(c, c, 0x55)")}}.ToScalar();
            }
            """,
        _ => null,
    };

    private static string? Avx2(string name) => name switch
    {
        "MaskLoad" => """
            public static VecF MaskLoad(float* from, VecI mask) => Avx.MaskLoad(from, mask.AsSingle());

            [MethodImpl(MethodImplOptions.AggressiveInlining)]
            public static VecI MaskLoad(int* from, VecI mask) => System.Runtime.Intrinsics.X86.Avx2.MaskLoad(from, mask);
            """,
        "MaskStore" => """
            public static void MaskStore(float* to, VecI mask, VecF value) => Avx.MaskStore(to, mask.AsSingle(), value);

            [MethodImpl(MethodImplOptions.AggressiveInlining)]
            public static void MaskStore(int* to, VecI mask, VecI value) => System.Runtime.Intrinsics.X86.Avx2.MaskStore(to, mask, value);
            """,
        "Round" => "public static VecF Round(VecF a) => Avx.RoundToNearestInteger(a);",
        "Truncate" => "public static VecF Truncate(VecF a) => Avx.RoundToZero(a);",
        "ToInt32" => "public static VecI ToInt32(VecF a) => Avx.ConvertToVector256Int32(a);",
        "WidenUInt8" => "public static VecI WidenUInt8(byte* from) => Avx2.ConvertToVector256Int32(from);",
        "WidenInt8" => "public static VecI WidenInt8(sbyte* from) => Avx2.ConvertToVector256Int32(from);",
        "WidenUInt16" => "public static VecI WidenUInt16(ushort* from) => Avx2.ConvertToVector256Int32(from);",
        "WidenInt16" => "public static VecI WidenInt16(short* from) => Avx2.ConvertToVector256Int32(from);",
        "Sum" or "Product" or "Smallest" or "Largest" => $$"""
            public static float {{name}}(VecF a)
            {
                Vector128<float> c = {{Combine(name, "Sse", "a.GetLower()", "a.GetUpper()")}};
                c = {{Combine(name, "Sse", "c", "Sse.MoveHighToLow(c, c)")}};
                return {{Combine(name, "Sse", "c", "Sse.Shuffle(c, c, 0x55)")}}.ToScalar();
            }
            """,
        _ => null,
    };

    private static string? Vector128(string name) => name switch
    {
        "MultiplyAdd" => """
            public static VecF MultiplyAdd(VecF a, VecF b, VecF c) =>
                Fma.IsSupported ? Fma.MultiplyAdd(a, b, c)
                : AdvSimd.IsSupported ? AdvSimd.FusedMultiplyAdd(c, a, b)
                : (a * b) + c;
            """,
        "Min" => """
            public static VecF Min(VecF a, VecF b) => Sse.IsSupported ? Sse.Min(a, b) : Vec.ConditionalSelect(Vec.LessThan(a, b), a, b);
            """,
        "Max" => """
            public static VecF Max(VecF a, VecF b) => Sse.IsSupported ? Sse.Max(a, b) : Vec.ConditionalSelect(Vec.GreaterThan(a, b), a, b);
            """,
        "MaskLoad" => """
            public static VecF MaskLoad(float* from, VecI mask) => Vec.Create(
                mask[0] != 0 ? from[0] : 0f, mask[1] != 0 ? from[1] : 0f, mask[2] != 0 ? from[2] : 0f, mask[3] != 0 ? from[3] : 0f);

            public static VecI MaskLoad(int* from, VecI mask) => Vec.Create(
                mask[0] != 0 ? from[0] : 0, mask[1] != 0 ? from[1] : 0, mask[2] != 0 ? from[2] : 0, mask[3] != 0 ? from[3] : 0);
            """,
        "MaskStore" => """
            public static void MaskStore(float* to, VecI mask, VecF value)
            {
                for (int i = 0; i < 4; i++)
                    if (mask[i] != 0) to[i] = value[i];
            }

            public static void MaskStore(int* to, VecI mask, VecI value)
            {
                for (int i = 0; i < 4; i++)
                    if (mask[i] != 0) to[i] = value[i];
            }
            """,
        "Round" => """
            public static VecF Round(VecF a) =>
                Sse41.IsSupported ? Sse41.RoundToNearestInteger(a)
                : AdvSimd.IsSupported ? AdvSimd.RoundToNearest(a)
                : Vec.Create(MathF.Round(a[0]), MathF.Round(a[1]), MathF.Round(a[2]), MathF.Round(a[3]));
            """,
        "Truncate" => """
            public static VecF Truncate(VecF a) =>
                Sse41.IsSupported ? Sse41.RoundToZero(a)
                : AdvSimd.IsSupported ? AdvSimd.RoundToZero(a)
                : Vec.Create(MathF.Truncate(a[0]), MathF.Truncate(a[1]), MathF.Truncate(a[2]), MathF.Truncate(a[3]));
            """,
        "ToInt32" => "public static VecI ToInt32(VecF a) => Sse2.IsSupported ? Sse2.ConvertToVector128Int32(a) : Vec.ConvertToInt32(Simd.Round(a));",
        "PairsOf" => DotProducts.PairsOf,
        "WidenUInt8" => "public static VecI WidenUInt8(byte* from) => Vec.WidenLower(Vec.WidenLower(Vec.CreateScalar(Unsafe.ReadUnaligned<uint>(from)).AsByte())).AsInt32();",
        "WidenInt8" => "public static VecI WidenInt8(sbyte* from) => Vec.WidenLower(Vec.WidenLower(Vec.CreateScalar(Unsafe.ReadUnaligned<uint>(from)).AsSByte()));",
        "WidenUInt16" => "public static VecI WidenUInt16(ushort* from) => Vec.WidenLower(Vec.CreateScalar(Unsafe.ReadUnaligned<ulong>(from)).AsUInt16()).AsInt32();",
        "WidenInt16" => "public static VecI WidenInt16(short* from) => Vec.WidenLower(Vec.CreateScalar(Unsafe.ReadUnaligned<ulong>(from)).AsInt16());",
        // Halves with halves, as on wider machines.
        "Sum" => "public static float Sum(VecF a) => (a[0] + a[2]) + (a[1] + a[3]);",
        "Product" => "public static float Product(VecF a) => (a[0] * a[2]) * (a[1] * a[3]);",
        "Smallest" => "public static float Smallest(VecF a) => Simd.MinFloat(Simd.MinFloat(a[0], a[2]), Simd.MinFloat(a[1], a[3]));",
        "Largest" => "public static float Largest(VecF a) => Simd.MaxFloat(Simd.MaxFloat(a[0], a[2]), Simd.MaxFloat(a[1], a[3]));",
        _ => null,
    };

    private static string Combine(string name, string unit, string a, string b) => name switch
    {
        "Sum" => $"({a} + {b})",
        "Product" => $"({a} * {b})",
        "Smallest" => $"{unit}.Min({a}, {b})",
        _ => $"{unit}.Max({a}, {b})",
    };

    /// <summary>Stores of whole parts: a store under a mask takes many times as long on some processors.</summary>
    private static string StoreFirst(int count, Machine machine)
    {
        return Of("float", "VecF") + "\n\n[MethodImpl(MethodImplOptions.AggressiveInlining)]\n" + Of("int", "VecI");

        string Of(string element, string vector)
        {
            CodeWriter writer = new();
            writer.Open($"public static void StoreFirst{count.ToString(CultureInfo.InvariantCulture)}({element}* to, {vector} value)");
            string part = "value";
            for (int lanes = machine.Lanes, at = 0, rest = count; rest > 0; lanes /= 2)
            {
                string to = at == 0 ? "to" : $"to + {at.ToString(CultureInfo.InvariantCulture)}";
                if (rest >= lanes)
                {
                    writer.Line($"*({Vector(lanes)}*)({to}) = {part};");
                    break;
                }

                int half = lanes / 2;
                if (half == 2)
                {
                    // No vectors of 64 bits: with them, code is not compiled ahead of time.
                    if (rest > 1) writer.Line($"*(double*)({to}) = {part}.AsDouble().ToScalar();");
                    if (rest == 1) writer.Line($"*({to}) = {part}.ToScalar();");
                    if (rest == 3) writer.Line($"*({to} + 2) = {part}.GetElement(2);");
                    break;
                }

                if (rest < half)
                {
                    part = $"{part}.GetLower()";
                    continue;
                }

                writer.Line($"*({Vector(half)}*)({to}) = {part}.GetLower();");
                (part, at, rest) = ($"{part}.GetUpper()", at + half, rest - half);
            }

            writer.Close();
            return writer.ToString().TrimEnd('\n');

            string Vector(int lanes) => $"Vector{(lanes * 32).ToString(CultureInfo.InvariantCulture)}<{element}>";
        }
    }

    /// <summary>All lanes by halves; sums and products wrap, so that any order gives the same.</summary>
    private static string OfIntegers(string name, Machine machine)
    {
        string Both(string unit, string a, string b) => name switch
        {
            "SumOfIntegers" => $"{a} + {b}",
            "ProductOfIntegers" => $"{a} * {b}",
            "SmallestOfIntegers" => $"{unit}.Min({a}, {b})",
            _ => $"{unit}.Max({a}, {b})",
        };
        CodeWriter writer = new();
        writer.Open($"public static int {name}(VecI a)");
        string vector = "a";
        for (int bits = machine.VectorBytes * 4; bits >= 128; bits /= 2)
        {
            string half = $"Vector{bits.ToString(CultureInfo.InvariantCulture)}", next = $"a{bits.ToString(CultureInfo.InvariantCulture)}";
            writer.Line($"{half}<int> {next} = {Both(half, $"{vector}.GetLower()", $"{vector}.GetUpper()")};");
            vector = next;
        }

        writer.Line($"{(vector == "a" ? "VecI" : "Vector128<int>")} pairs = {Both("Vector128", vector, $"Vector128.Shuffle({vector}, Vector128.Create(2, 3, 0, 1))")};");
        writer.Line($"return unchecked({Both("Math", "pairs.ToScalar()", "pairs.GetElement(1)")});");
        writer.Close();
        return writer.ToString().TrimEnd('\n');
    }

    private static string? Common(string name, Machine machine)
    {
        string lanes = machine.Lanes.ToString(CultureInfo.InvariantCulture);
        if (name.StartsWith("MaskWiden", StringComparison.Ordinal))
        {
            string source = name[9..];
            ElementType element = ElementTypes.Parse(source.ToLowerInvariant());
            string type = Types.Memory(element), vector = element.IsFloat() ? "VecF" : "VecI";
            return $$"""
                public static {{vector}} {{name}}({{type}}* from, VecI mask)
                {
                    {{type}}* copy = stackalloc {{type}}[{{lanes}}];
                    for (int i = 0; i < {{lanes}}; i++) copy[i] = mask[i] != 0 ? from[i] : default;
                    return Simd.Widen{{source}}(copy);
                }
                """;
        }

        if (name.StartsWith("Dot4Of", StringComparison.Ordinal)) return DotProducts.Print(name, machine);
        if (name.StartsWith("Transpose", StringComparison.Ordinal)) return TransposePrinter.Print(name, machine);
        if (name.StartsWith("StoreFirst", StringComparison.Ordinal)) return StoreFirst(int.Parse(name[10..], CultureInfo.InvariantCulture), machine);
        return name switch
        {
            "WidenBool" => "public static VecI WidenBool(bool* from) => Simd.WidenUInt8((byte*)from);",
            "WidenBFloat16" => """
                public static float WidenBFloat16(ushort a) => BitConverter.UInt32BitsToSingle((uint)a << 16);

                [MethodImpl(MethodImplOptions.AggressiveInlining)]
                public static VecF WidenBFloat16(ushort* from) => (Simd.WidenUInt16(from) << 16).AsSingle();
                """,
            // A half's bits, moved to where a float's are and scaled by the difference of the exponents' biases; infinities and NaN put right.
            "WidenFloat16" => """
                public static VecF WidenFloat16(Half* from)
                {
                    VecI bits = Simd.WidenUInt16((ushort*)from);
                    VecI magnitude = (bits & Vec.Create(0x7FFF)) << 13;
                    // No denormal number of 32 bits on the way: those may count as zero.
                    VecI small = ((magnitude + Vec.Create(0x38800000)).AsSingle() - Vec.Create(6.1035156E-05f)).AsInt32();
                    VecI scaled = Vec.ConditionalSelect(Vec.LessThan(magnitude, Vec.Create(0x00800000)), small, magnitude + Vec.Create(0x38000000));
                    VecI special = Vec.GreaterThan(magnitude, Vec.Create(0x0F7FFFFF)) & Vec.Create(0x7F800000);
                    return (scaled | special | ((bits & Vec.Create(0x8000)) << 16)).AsSingle();
                }
                """,
            "RoundBFloat16" => """
                public static float RoundBFloat16(float a)
                {
                    uint bits = BitConverter.SingleToUInt32Bits(a);
                    if (float.IsNaN(a)) return BitConverter.UInt32BitsToSingle((bits | 0x400000) & 0xFFFF0000);
                    return BitConverter.UInt32BitsToSingle((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000);
                }
                """,
            "NarrowBFloat16" => "public static ushort NarrowBFloat16(float a) => (ushort)(BitConverter.SingleToUInt32Bits(Simd.RoundBFloat16(a)) >> 16);",
            "MinFloat" => "public static float MinFloat(float a, float b) => a < b ? a : b;",
            "MaxFloat" => "public static float MaxFloat(float a, float b) => a > b ? a : b;",
            "MinAny" => "public static T MinAny<T>(T a, T b) where T : System.Numerics.IComparisonOperators<T, T, bool> => a < b ? a : b;",
            "MaxAny" => "public static T MaxAny<T>(T a, T b) where T : System.Numerics.IComparisonOperators<T, T, bool> => a > b ? a : b;",
            "SumOfIntegers" or "ProductOfIntegers" or "SmallestOfIntegers" or "LargestOfIntegers" => OfIntegers(name, machine),
            "IsNaN" => "public static VecI IsNaN(VecF a) => (~Vec.Equals(a, a)).AsInt32();",
            "Magnitude" => """
                public static int Magnitude(int a) => unchecked(a < 0 ? -a : a);

                [MethodImpl(MethodImplOptions.AggressiveInlining)]
                public static long Magnitude(long a) => unchecked(a < 0 ? -a : a);
                """,
            "ShiftLeft" => """
                public static T ShiftLeft<T>(T a, T b, int bits) where T : System.Numerics.IBinaryInteger<T> =>
                    ulong.CreateTruncating(b) >= (ulong)bits ? T.Zero : a << int.CreateTruncating(b);
                """,
            "ShiftRight" => """
                public static T ShiftRight<T>(T a, T b, int bits) where T : System.Numerics.IBinaryInteger<T> =>
                    ulong.CreateTruncating(b) >= (ulong)bits ? (T.IsNegative(a) ? ~T.Zero : T.Zero) : a >> int.CreateTruncating(b);
                """,
            "Divide" => """
                public static int Divide(int a, int b) => b == -1 ? unchecked(-a) : a / b;

                [MethodImpl(MethodImplOptions.AggressiveInlining)]
                public static long Divide(long a, long b) => b == -1 ? unchecked(-a) : a / b;
                """,
            "Remainder" => """
                public static int Remainder(int a, int b) => b == -1 ? 0 : a % b;

                [MethodImpl(MethodImplOptions.AggressiveInlining)]
                public static long Remainder(long a, long b) => b == -1 ? 0 : a % b;
                """,
            "Power" => $$"""
                public static VecF Power(VecF a, VecF b)
                {
                    float* lanes = stackalloc float[{{lanes}}];
                    for (int i = 0; i < {{lanes}}; i++) lanes[i] = (float)Math.Pow(a[i], b[i]);
                    return *(VecF*)lanes;
                }

                public static T Power<T>(T a, T b) where T : System.Numerics.IBinaryInteger<T>
                {
                    if (b < T.Zero) return a == T.One ? T.One : a == -T.One ? (T.IsEvenInteger(b) ? T.One : a) : T.Zero;
                    T power = T.One;
                    for (; b > T.Zero; b >>= 1)
                    {
                        if (T.IsOddInteger(b)) power = unchecked(power * a);
                        a = unchecked(a * a);
                    }

                    return power;
                }
                """,
            "Sigmoid" => "public static double Sigmoid(double a) => 1 / (1 + Math.Exp(-a));",
            // The series of positive terms: 2/√π e^-x² Σ x (2x²)^n / (1·3·5…); 1e-15.
            "Erf" => """
                public static double Erf(double x)
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
                """,
            "Scatter" => $$"""
                public static void Scatter(float* to, nint stride, VecF value)
                {
                    for (int i = 0; i < {{lanes}}; i++) to[i * stride] = value[i];
                }

                public static void Scatter(int* to, nint stride, VecI value)
                {
                    for (int i = 0; i < {{lanes}}; i++) to[i * stride] = value[i];
                }
                """,
            "MaskScatter" => $$"""
                public static void MaskScatter(float* to, nint stride, VecI mask, VecF value)
                {
                    for (int i = 0; i < {{lanes}}; i++)
                        if (mask[i] != 0) to[i * stride] = value[i];
                }

                public static void MaskScatter(int* to, nint stride, VecI mask, VecI value)
                {
                    for (int i = 0; i < {{lanes}}; i++)
                        if (mask[i] != 0) to[i * stride] = value[i];
                }
                """,
            "MaskGather" => $$"""
                public static VecF MaskGather(float* from, nint stride, VecI mask)
                {
                    float* copy = stackalloc float[{{lanes}}];
                    for (int i = 0; i < {{lanes}}; i++) copy[i] = mask[i] != 0 ? from[i * stride] : 0f;
                    return *(VecF*)copy;
                }

                public static VecI MaskGather(int* from, nint stride, VecI mask)
                {
                    int* copy = stackalloc int[{{lanes}}];
                    for (int i = 0; i < {{lanes}}; i++) copy[i] = mask[i] != 0 ? from[i * stride] : 0;
                    return *(VecI*)copy;
                }

                public static VecI MaskGather(byte* from, nint stride, VecI mask)
                {
                    int* copy = stackalloc int[{{lanes}}];
                    for (int i = 0; i < {{lanes}}; i++) copy[i] = mask[i] != 0 ? from[i * stride] : 0;
                    return *(VecI*)copy;
                }

                public static VecI MaskGather(sbyte* from, nint stride, VecI mask)
                {
                    int* copy = stackalloc int[{{lanes}}];
                    for (int i = 0; i < {{lanes}}; i++) copy[i] = mask[i] != 0 ? from[i * stride] : 0;
                    return *(VecI*)copy;
                }
                """,
            "EachLane" => $$"""
                public static VecF EachLane(VecF a, delegate*<float, float> function)
                {
                    float* lanes = stackalloc float[{{lanes}}];
                    *(VecF*)lanes = a;
                    for (int i = 0; i < {{lanes}}; i++) lanes[i] = function(lanes[i]);
                    return *(VecF*)lanes;
                }
                """,
            _ when name.EndsWith("OfFloat", StringComparison.Ordinal) => $"public static float {name}(float a) => (float){(name is "SigmoidOfFloat" or "ErfOfFloat" ? "Simd" : "Math")}.{name[..^7]}(a);",
            _ => null,
        };
    }
}
