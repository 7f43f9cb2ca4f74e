using System.Globalization;
using System.Text.RegularExpressions;
using Lathe.Kernels.Loops;
using Lathe.Runtime;
using Lathe.Runtime.Plans;

namespace Lathe.Kernels.Targets.CSharp;

/// <summary>
/// Functions of vectors of integers of 8 and 16 bits. In registers each lies in a lane of 32 bits at its value, so that reading it widens and only storing it
/// narrows.
/// </summary>
internal static partial class NarrowVectors
{
    /// <summary>A function by its name; null for others.</summary>
    public static string? Of(string name, Machine machine)
    {
        Match parts = Name().Match(name);
        if (!parts.Success) return null;
        ElementType element = ElementTypes.Parse(parts.Groups["type"].Value.ToLowerInvariant());
        return parts.Groups["what"].Value switch
        {
            "Wrap" => $"public static VecI {name}(VecI a) => {Wrap(element)};",
            "Saturate" => $"public static VecI {name}(VecI a) => Vec.Min(Vec.Max(a, Vec.Create({Low(element)})), Vec.Create({High(element)}));",
            "RoundTo" or "TruncateTo" => Convert(name, element, machine),
            "Pack" => Pack(name, element, machine),
            "MaskStore" => MaskStore(name, element, machine),
            "Widen" => Widen(name, element, int.Parse(parts.Groups["count"].Value, CultureInfo.InvariantCulture), machine),
            _ => Store(name, element, parts.Groups["count"] is { Success: true } count ? int.Parse(count.Value, CultureInfo.InvariantCulture) : machine.Lanes, machine),
        };
    }

    /// <summary>What bytes are read as, the largest first.</summary>
    private static readonly (int Size, string Type)[] Parts = [(8, "ulong"), (4, "uint"), (2, "ushort"), (1, "byte")];

    [GeneratedRegex("^(?<what>Wrap|Saturate|RoundTo|TruncateTo|Pack|MaskStore|Store)(?<type>U?Int(8|16|32))(First(?<count>[0-9]+))?$|^(?<what>Widen)(?<type>U?Int8)First(?<count>[0-9]+)$")]
    private static partial Regex Name();

    private static string Wrap(ElementType element) => element switch
    {
        ElementType.UInt8 => "a & Vec.Create(255)",
        ElementType.UInt16 => "a & Vec.Create(65535)",
        ElementType.Int8 => "(a << 24) >> 24",
        _ => "(a << 16) >> 16",
    };

    /// <summary>A float as the integer next to it or towards zero; what is beyond the type is its bound, a NaN 0.</summary>
    private static string Convert(string name, ElementType element, Machine machine)
    {
        string unit = machine.Isa switch { Isa.Avx512 => "Avx512F", Isa.Avx2 => "Avx", _ => "Simd" };
        string convert = name.StartsWith("Round", StringComparison.Ordinal) ? "Simd.ToInt32" : "Vec.ConvertToInt32";
        // Of a NaN, the second operand of the greater one results, and of unsigned types that is the 0 it should be.
        string ordered = element.IsUnsigned() ? "" : " & Vec.Equals(a, a).AsInt32()";
        // The greatest int32 is no float.
        string high = element == ElementType.Int32 ? "2147483520f" : High(element) + "f";
        string result = $"{convert}({unit}.Min({unit}.Max(a, Vec.Create({Low(element)}f)), Vec.Create({high}))){ordered}";
        if (element == ElementType.Int32) result = $"Vec.ConditionalSelect(Vec.GreaterThanOrEqual(a, Vec.Create(2147483648f)).AsInt32(), Vec.Create(int.MaxValue), {result})";
        return $"public static VecI {name}(VecF a) => {result};";
    }

    /// <summary>All lanes side by side in the lower part of a register. Those of AVX2 saturate, and are given what fits; the others cut.</summary>
    private static string Pack(string name, ElementType element, Machine machine)
    {
        string type = Types.Memory(element), narrow = element is ElementType.UInt8 or ElementType.UInt16 ? "PackUnsignedSaturate" : "PackSignedSaturate";
        if (machine.Isa == Isa.Avx512)
        {
            int bits = 16 * 8 * element.Size();
            return $"public static Vector{bits}<{type}> {name}(VecI a) => Avx512F.ConvertToVector{bits}{DotNet(element)}(a);";
        }

        string body = (machine.Isa, element.Size()) switch
        {
            (Isa.Avx2, 2) => $"{(element == ElementType.UInt16 ? "Sse41" : "Sse2")}.{narrow}(a.GetLower(), a.GetUpper())",
            (Isa.Avx2, _) => $"Sse2.{narrow}(Sse2.PackSignedSaturate(a.GetLower(), a.GetUpper()), Vector128<short>.Zero)",
            (_, 2) => $"Vec.Narrow(a, a).As{DotNet(element)}()",
            _ => $"Vec.Narrow(Vec.Narrow(a, a), Vec.Narrow(a, a)).As{DotNet(element)}()",
        };
        return $"public static Vector128<{type}> {name}(VecI a) => {body};";
    }

    /// <summary>Stores the first lanes, in parts as large as there are.</summary>
    private static string Store(string name, ElementType element, int count, Machine machine)
    {
        CodeWriter writer = new();
        writer.Open($"public static void {name}({Types.Memory(element)}* to, VecI value)");
        writer.Line($"var packed = Simd.Pack{element}(value);");
        bool isWide = machine.Lanes * element.Size() > 16;
        for (int at = 0, rest = count * element.Size(); rest > 0;)
        {
            int part = isWide && rest == 32 ? 32 : new[] { 16, 8, 4, 2, 1 }.First(size => size <= rest);
            string half = !isWide || part == 32 ? "packed" : at < 16 ? "packed.GetLower()" : "packed.GetUpper()";
            string address = at == 0 ? "to" : $"((byte*)to + {Number(at)})", index = Number(at % 16 / part);
            writer.Line(part switch
            {
                32 => $"*(Vector256<{Types.Memory(element)}>*){address} = {half};",
                16 => $"*(Vector128<{Types.Memory(element)}>*){address} = {half};",
                8 => $"*(long*){address} = {half}.AsInt64().GetElement({index});",
                4 => $"*(int*){address} = {half}.AsInt32().GetElement({index});",
                2 => $"*(short*){address} = {half}.AsInt16().GetElement({index});",
                _ => $"*(byte*){address} = {half}.AsByte().GetElement({index});",
            });
            (at, rest) = (at + part, rest - part);
        }

        writer.Close();
        return writer.ToString().TrimEnd('\n');
    }

    /// <summary>Reads the first lanes, in parts as large as there are, and 0 for the others.</summary>
    private static string Widen(string name, ElementType element, int count, Machine machine)
    {
        string Half(int from, int length)
        {
            List<string> parts = [];
            for (int at = 0; at < length;)
            {
                (int size, string type) = Parts.First(p => p.Size <= length - at);
                string read = $"*({type}*)({(from + at == 0 ? "from" : $"from + {Number(from + at)}")})";
                parts.Add(at == 0 ? $"(ulong){read}" : $"((ulong){read} << {Number(8 * at)})");
                at += size;
            }

            return parts.Count == 0 ? "0UL" : string.Join(" | ", parts);
        }

        string bytes = $"Vector128.Create({Half(0, Math.Min(count, 8))}, {Half(8, Math.Max(0, count - 8))}).As{DotNet(element)}()";
        string widened = machine.Isa switch
        {
            Isa.Avx512 => $"Avx512F.ConvertToVector512Int32({bytes})",
            Isa.Avx2 => $"System.Runtime.Intrinsics.X86.Avx2.ConvertToVector256Int32({bytes})",
            _ => $"Vec.WidenLower(Vec.WidenLower({bytes})).AsInt32()",
        };
        return $"public static VecI {name}({Types.Memory(element)}* from) => {widened};";
    }

    private static string MaskStore(string name, ElementType element, Machine machine)
    {
        string type = Types.Memory(element);
        return $$"""
            public static void {{name}}({{type}}* to, VecI mask, VecI value)
            {
                for (int i = 0; i < {{Number(machine.Lanes)}}; i++)
                    if (mask[i] != 0) to[i] = unchecked(({{type}})value[i]);
            }
            """;
    }

    private static string DotNet(ElementType element) => element switch { ElementType.UInt8 => "Byte", ElementType.Int8 => "SByte", _ => $"{element}" };

    private static string Low(ElementType element) => Number(element.IsUnsigned() ? 0 : -1L << ((8 * element.Size()) - 1));

    private static string High(ElementType element) => Number((1L << ((8 * element.Size()) - (element.IsUnsigned() ? 0 : 1))) - 1);

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);
}
