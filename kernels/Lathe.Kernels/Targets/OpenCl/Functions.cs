using System.Globalization;
using System.Text.RegularExpressions;
using Lathe.Runtime;

namespace Lathe.Kernels.Targets.OpenCl;

/// <summary>The functions that emitted kernels call, printed once for a program and only where they are called, each before those that call it.</summary>
internal static partial class Functions
{
    /// <summary>All functions that are called, those that they call included; empty if there are none.</summary>
    public static string Print(int width, IEnumerable<string> used)
    {
        CodeWriter writer = new();
        HashSet<string> printed = new(StringComparer.Ordinal);
        foreach (string name in used.Order(StringComparer.Ordinal)) Print(name);
        return writer.ToString();

        void Print(string name)
        {
            if (!printed.Add(name)) return;
            foreach (string needed in Needs(name)) Print(needed);
            writer.Line(Of(name, width)).Line();
        }
    }

    private static IEnumerable<string> Needs(string name) => name switch
    {
        "RoundFloat16" => ["NarrowFloat16", "WidenFloat16"],
        "RoundBFloat16" => ["NarrowBFloat16", "WidenBFloat16"],
        "RoundDoubleToHalf" => ["RoundToOdd", "NarrowFloat16", "WidenFloat16"],
        _ => [],
    };

    private static string Of(string name, int width)
    {
        string n = width.ToString(CultureInfo.InvariantCulture);
        string text = Fixed(name, n) ?? ByType(name.Split('_'), name, width) ?? throw new NotSupportedException($"There is no function '{name}'.");
        return text.Replace("$N", n, StringComparison.Ordinal).TrimEnd('\n');
    }

    private static string? Fixed(string name, string n) => name switch
    {
        // Through the bits, so that neither an extension nor the treatment of denormal numbers matters.
        "WidenFloat16" => Twice(n, """
            static inline float@ WidenFloat16#(ushort@ a)
            {
                uint@ bits = (convert_uint@(a) & 0x7fff) << 13, exponent = bits & 0x0f800000;
                float@ normal = as_float@(bits + 0x38000000), special = as_float@(bits + 0x70000000), small = as_float@(bits + 0x38800000) - as_float@((uint@)(0x38800000));
                float@ value = exponent == (uint@)(0x0f800000) ? special : exponent == (uint@)(0) ? small : normal;
                return as_float@(as_uint@(value) | ((convert_uint@(a) & 0x8000) << 16));
            }
            """),
        "NarrowFloat16" => Twice(n, """
            static inline ushort@ NarrowFloat16#(float@ a)
            {
                uint@ bits = as_uint@(a) & 0x7fffffff, sign = (as_uint@(a) >> 16) & 0x8000;
                uint@ special = bits > (uint@)(0x7f800000) ? (uint@)(0x7e00) : (uint@)(0x7c00);
                uint@ small = as_uint@(as_float@(bits) + 0.5f) - 0x3f000000;
                uint@ normal = (bits + 0xc8000fff + ((bits >> 13) & 1)) >> 13;
                return convert_ushort@((bits >= (uint@)(0x47800000) ? special : bits < (uint@)(0x38800000) ? small : normal) | sign);
            }
            """),
        "WidenBFloat16" => Twice(n, "static inline float@ WidenBFloat16#(ushort@ a) { return as_float@(convert_uint@(a) << 16); }"),
        "NarrowBFloat16" => Twice(n, """
            static inline ushort@ NarrowBFloat16#(float@ a)
            {
                uint@ bits = as_uint@(a), rounded = bits + 0x7fff + ((bits >> 16) & 1);
                return convert_ushort@(((bits & 0x7fffffff) > (uint@)(0x7f800000) ? (bits | 0x400000) : rounded) >> 16);
            }
            """),
        "RoundFloat16" => Twice(n, "static inline float@ RoundFloat16#(float@ a) { return WidenFloat16#(NarrowFloat16#(a)); }"),
        "RoundBFloat16" => Twice(n, "static inline float@ RoundBFloat16#(float@ a) { return WidenBFloat16#(NarrowBFloat16#(a)); }"),
        "RoundToOdd" => """
            static inline float RoundToOdd(double a)
            {
                float near = (float)a;
                if (near == a || isnan(near) || isinf(near) || (as_int(near) & 1) != 0) return near;
                return as_float(as_int(near) + (fabs(a) > fabs((double)near) ? 1 : -1));
            }
            """,
        "RoundDoubleToHalf" => "static inline float RoundDoubleToHalf(double a) { return WidenFloat16(NarrowFloat16(RoundToOdd(a))); }",
        "IsNaN" => """
            static inline bool IsNaN_float(float a) { return a != a; }
            static inline bool IsNaN_double(double a) { return a != a; }
            static inline int$N IsNaN_float$N(float$N a) { return a != a; }
            """,
        "Sigmoid" => """
            static inline double Sigmoid_double(double a) { return 1.0 / (1.0 + exp(-a)); }
            static inline double$N Sigmoid_double$N(double$N a) { return 1.0 / (1.0 + exp(-a)); }
            """,
        // Lane by lane: PoCL 3.1 gives wrong powers of vectors of which one lane is 0.
        "Power" => $"static inline float$N Power_float$N(float$N a, float$N b) {{ return (float$N)({string.Join(", ", Enumerable.Range(0, int.Parse(n, CultureInfo.InvariantCulture)).Select(i => $"(float)pow((double)a.s{Digit(i)}, (double)b.s{Digit(i)})"))}); }}",
        "Min" or "Max" => $"static inline float$N {name}_float$N(float$N a, float$N b) {{ return a {(name == "Min" ? '<' : '>')} b ? a : b; }}",
        "Sum" or "Product" or "Smallest" or "Largest" => Reduction(name, int.Parse(n, CultureInfo.InvariantCulture)),
        "Dot4OfSignedSigned" or "Dot4OfSignedUnsigned" or "Dot4OfUnsignedSigned" or "Dot4OfUnsignedUnsigned" => Dot4(name, n),
        _ => name.StartsWith("Transpose", StringComparison.Ordinal) ? TransposePrinter.Print(name) : null,
    };

    /// <summary>A text as the function of a scalar and as that of a vector: at <c>@</c> stands the number of lanes, at <c>#</c> what the vector's name ends in.</summary>
    private static string Twice(string n, string text) =>
        $"{text.Replace("@", "", StringComparison.Ordinal).Replace("#", "", StringComparison.Ordinal)}\n{text.Replace("@", n, StringComparison.Ordinal).Replace("#", "_float" + n, StringComparison.Ordinal)}";

    /// <summary>Halves with halves.</summary>
    private static string Reduction(string name, int width)
    {
        CodeWriter writer = new();
        foreach (string type in (string[])["float", "int"])
        {
            string V(int lanes) => lanes == 1 ? type : type + lanes.ToString(CultureInfo.InvariantCulture);
            writer.Open($"static inline {type} {name}_{V(width)}({V(width)} a{width.ToString(CultureInfo.InvariantCulture)})");
            for (int lanes = width / 2; lanes >= 1; lanes /= 2)
            {
                string from = "a" + (2 * lanes).ToString(CultureInfo.InvariantCulture), low = lanes == 1 ? $"{from}.s0" : $"{from}.lo", high = lanes == 1 ? $"{from}.s1" : $"{from}.hi";
                string unsigned = V(lanes).Replace("int", "uint", StringComparison.Ordinal);
                string combined = (name, type) switch
                {
                    ("Smallest", _) => $"{low} < {high} ? {low} : {high}",
                    ("Largest", _) => $"{low} > {high} ? {low} : {high}",
                    (_, "float") => $"{low} {(name == "Sum" ? '+' : '*')} {high}",
                    _ => $"as_{V(lanes)}(as_{unsigned}({low}) {(name == "Sum" ? '+' : '*')} as_{unsigned}({high}))",
                };
                writer.Line($"{V(lanes)} a{lanes.ToString(CultureInfo.InvariantCulture)} = {combined};");
            }

            writer.Line("return a1;");
            writer.Close();
        }

        return writer.ToString();
    }

    private static string Dot4(string name, string n)
    {
        bool isSignedA = name.StartsWith("Dot4OfSigned", StringComparison.Ordinal), isSignedB = name is "Dot4OfSignedSigned" or "Dot4OfUnsignedSigned";
        string Byte(string x, bool isSigned, int part, string type) => isSigned
            ? $"(as_{type}(as_u{type}({x}) << {24 - (8 * part)}) >> 24)"
            : $"({(part == 3 ? $"as_{type}(as_u{type}({x}) >> 24)" : $"(({x} >> {8 * part}) & 255)")})";
        string Of(string type) => $$"""
            static inline {{type}} {{name}}_{{type}}({{type}} sum, {{type}} a, {{type}} b)
            {
                return as_{{type}}(as_u{{type}}(sum) + as_u{{type}}({{string.Join(")\n        + as_u" + type + "(", Enumerable.Range(0, 4).Select(i => $"{Byte("a", isSignedA, i, type)} * {Byte("b", isSignedB, i, type)}"))}}));
            }
            """;
        return $"{Of("int")}\n{Of("int" + n)}";
    }

    // ── Functions of a type, which their names end in ──────────────────────────────────────────────────────────────────

    private static string? ByType(string[] parts, string name, int width)
    {
        string type = parts[^1];
        int count = int.TryParse(CountPattern().Match(parts[0]).Value, CultureInfo.InvariantCulture, out int first) ? first : width;
        string Lanes(Func<string, string> lane) => string.Join(", ", Enumerable.Range(0, width).Select(i => lane(Digit(i))));
        string Each(Func<int, string> statement) => string.Join(" ", Enumerable.Range(0, width).Select(statement));
        (string least, string greatest) = Enum.GetValues<ElementType>().Where(t => t.IsInteger()).Where(t => Types.Scalar(t) == type).Select(Types.Limits).FirstOrDefault();
        string bits = type is "char" or "uchar" ? "8" : type is "short" or "ushort" ? "16" : type is "int" or "uint" ? "32" : "64";
        bool isSigned = type is "char" or "short" or "int" or "long", isNarrow = bits is "8" or "16";
        return (parts[0].TrimEnd("0123456789".ToCharArray()), parts.Length) switch
        {
            ("Min", 2) => $"static inline {type} {name}({type} a, {type} b) {{ return a < b ? a : b; }}",
            ("Max", 2) => $"static inline {type} {name}({type} a, {type} b) {{ return a > b ? a : b; }}",
            ("Divide", 2) => $"static inline {type} {name}({type} a, {type} b) {{ return b == -1 ? ({type})(0 - (u{type})a) : ({type})(a / b); }}",
            ("Remainder", 2) => $"static inline {type} {name}({type} a, {type} b) {{ return b == -1 ? 0 : ({type})(a % b); }}",
            ("ShiftLeft", 2) => $"static inline {type} {name}({type} a, {type} b) {{ return (ulong)b >= {bits} ? 0 : ({type})((ulong)a << b); }}",
            ("ShiftRight", 2) => $"static inline {type} {name}({type} a, {type} b) {{ return (ulong)b >= {bits} ? {(isSigned ? "(a < 0 ? -1 : 0)" : "0")} : ({type})(a >> b); }}",
            ("Power", 2) => $$"""
                static inline {{type}} {{name}}({{type}} a, {{type}} b)
                {
                    {{(isSigned ? "if (b < 0) return a == 1 ? 1 : a == -1 ? ((b & 1) == 0 ? 1 : -1) : 0;" : "")}}
                    ulong power = 1, base = (ulong)a;
                    for (ulong left = (ulong)b; left != 0; left >>= 1, base *= base)
                        if ((left & 1) != 0) power *= base;
                    return ({{type}})power;
                }
                """,
            ("Wrap", 2) => isSigned
                ? $"static inline int$N {name}_int$N(int$N a) {{ return as_int$N(as_uint$N(a) << {(bits == "8" ? "24" : "16")}) >> {(bits == "8" ? "24" : "16")}; }}"
                : $"static inline int$N {name}_int$N(int$N a) {{ return a & {greatest}; }}",
            ("Saturate", 2) => $"static inline int$N {name}_int$N(int$N a) {{ return clamp(a, (int$N)({least}), (int$N)({greatest})); }}",
            // What is not a number is 0. Between the limits a conversion is exact: the value is whole or is cut.
            ("Saturate", 3) => $$"""
                static inline {{type}} {{name}}({{parts[1]}} a)
                {
                    if (!(a == a)) return 0;
                    if (a <= ({{parts[1]}}){{least}}) return {{least}};
                    return a >= ({{parts[1]}}){{greatest}} ? {{greatest}} : ({{type}})a;
                }
                """ + (parts[1] != "float" || bits is not ("8" or "16" or "32") || type == "uint" ? "" : $$"""

                static inline int$N {{name}}_int$N(float$N a)
                {
                    float$N number = a == a ? a : (float$N)(0.0f);
                    int$N inside = convert_int$N({{(isNarrow ? $"clamp(number, (float$N)({least}), (float$N)({greatest}))" : "clamp(number, (float$N)(-2147483648.0f), (float$N)(2147483520.0f))")}});
                    return {{(isNarrow ? "inside" : "number >= (float$N)(2147483648.0f) ? (int$N)(INT_MAX) : inside")}};
                }
                """),
            ("LoadFirst", 2) => $"static inline {type}$N {name}(__global const {type}* from) {{ return {Pieces(type, count, width)}; }}",
            ("StoreFirst", 2) => $"static inline void {name}(__global {type}* to, {type}$N value) {{ {StorePieces(count)} }}",
            ("MaskLoad", 2) => $"static inline {type}$N {name}(__global const {type}* from, int$N mask) {{ return ({type}$N)({Lanes(i => $"mask.s{i} ? from[0x{i}] : ({type})0")}); }}",
            ("MaskStore", 2) => $"static inline void {name}(__global {type}* to, int$N mask, {type}$N value) {{ {Each(i => $"if (mask.s{Digit(i)}) to[{i}] = value.s{Digit(i)};")} }}",
            ("MaskGather", 2) => $"static inline {type}$N {name}(__global const {type}* from, long stride, int$N mask) {{ return ({type}$N)({Lanes(i => $"mask.s{i} ? from[0x{i} * stride] : ({type})0")}); }}",
            ("Scatter", 2) => $"static inline void {name}(__global {type}* to, long stride, {type}$N value) {{ {Each(i => $"to[{i} * stride] = value.s{Digit(i)};")} }}",
            ("MaskScatter", 2) => $"static inline void {name}(__global {type}* to, long stride, int$N mask, {type}$N value) {{ {Each(i => $"if (mask.s{Digit(i)}) to[{i} * stride] = value.s{Digit(i)};")} }}",
            _ => null,
        };
    }

    [GeneratedRegex("[0-9]+$")]
    private static partial Regex CountPattern();

    private static string Digit(int lane) => lane.ToString("x", CultureInfo.InvariantCulture);

    /// <summary>The first lanes out of the largest vectors that fit, the others zero.</summary>
    private static string Pieces(string type, int count, int width)
    {
        List<string> pieces = [];
        int at = 0;
        for (int size = 8; size >= 2; size /= 2)
        {
            if (at + size > count) continue;
            pieces.Add($"vload{size}(0, from + {at})");
            at += size;
        }

        for (; at < width; at++) pieces.Add(at < count ? $"from[{at}]" : $"({type})0");
        return $"({type}$N)({string.Join(", ", pieces)})";
    }

    private static string StorePieces(int count)
    {
        List<string> pieces = [];
        int at = 0;
        for (int size = 8; size >= 2; size /= 2)
        {
            if (at + size > count) continue;
            pieces.Add($"vstore{size}(value.s{string.Concat(Enumerable.Range(at, size).Select(Digit))}, 0, to + {at});");
            at += size;
        }

        if (at < count) pieces.Add($"to[{at}] = value.s{Digit(at)};");
        return string.Join(" ", pieces);
    }
}
