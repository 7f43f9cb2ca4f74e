using System.Globalization;
using System.Text;
using Lathe.Runtime;

namespace Lathe.Kernels.Loops.Text;

/// <summary>The words of the text form that printer and parser share.</summary>
internal static class Words
{
    /// <summary>Infix operators with their precedence; a higher one binds tighter.</summary>
    public static readonly (BinaryOp Op, string Symbol, int Precedence)[] Infix =
    [
        (BinaryOp.Or, "|", 1),
        (BinaryOp.Xor, "^", 2),
        (BinaryOp.And, "&", 3),
        (BinaryOp.Equal, "==", 4),
        (BinaryOp.NotEqual, "!=", 4),
        (BinaryOp.Less, "<", 4),
        (BinaryOp.LessOrEqual, "<=", 4),
        (BinaryOp.ShiftLeft, "<<", 5),
        (BinaryOp.ShiftRight, ">>", 5),
        (BinaryOp.Add, "+", 6),
        (BinaryOp.Subtract, "-", 6),
        (BinaryOp.Multiply, "*", 7),
        (BinaryOp.Divide, "/", 7),
        (BinaryOp.Remainder, "%", 7),
    ];

    /// <summary>Binary operators written as functions.</summary>
    public static readonly BinaryOp[] Functions = [BinaryOp.Min, BinaryOp.Max, BinaryOp.Power];

    /// <summary>What a reduction over lanes may combine them with.</summary>
    public static readonly BinaryOp[] Reductions =
        [BinaryOp.Add, BinaryOp.Multiply, BinaryOp.Min, BinaryOp.Max, BinaryOp.And, BinaryOp.Or, BinaryOp.Xor];

    private static readonly HashSet<string> Reserved =
    [
        "kernel", "computation", "summary", "dims", "out", "block", "if", "else", "let", "index", "local", "pointer", "alloc", "table", "stream", "prefetch",
        "barrier", "fail", "note", "in", "step", "div", "mod", "min", "max", "select", "fma", "cast", "bits", "splat", "first", "shuffle", "reduce",
        "gather", "input", "output", "temporary", "constant", "layout", "stage", "writes", "over", "reducing", "then", "result", "saturate", "round",
        .. Enum.GetNames<LoopKind>().Select(n => n.ToLowerInvariant()),
        .. Enum.GetNames<MemoryScope>().Select(n => n.ToLowerInvariant()),
        .. Enum.GetNames<UnaryOp>().Select(n => n.ToLowerInvariant()),
        .. Functions.Select(NameOf),
        .. from a in "us" from b in "us" select $"dot4{a}{b}",
        "dot2_bfloat16", "dot2_int16",
    ];

    public static string NameOf(BinaryOp op) => op.ToString().ToLowerInvariant();

    public static string NameOf(Dot4 dot) => $"dot4{(dot.SignedA ? 's' : 'u')}{(dot.SignedB ? 's' : 'u')}";

    /// <summary>A name as it is written: in backticks if it would be read as something else.</summary>
    public static string Quoted(string name) => IsPlain(name) ? name : $"`{name}`";

    /// <summary>The type of a name such as <c>float32x16</c>, or null.</summary>
    public static VectorType? TypeOf(string name)
    {
        int x = name.LastIndexOf('x');
        ElementType element = ElementTypes.Parse(x < 0 ? name : name[..x]);
        if (element != ElementType.Undefined && x > 0 && int.TryParse(name[(x + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out int lanes) && lanes > 1)
            return new VectorType(element, lanes);
        element = ElementTypes.Parse(name);
        return element == ElementType.Undefined ? null : new VectorType(element);
    }

    /// <summary>The shortest text that reads back as the same value of the type.</summary>
    public static string Number(ElementType type, double value) => type switch
    {
        _ when double.IsNaN(value) => "nan",
        _ when double.IsInfinity(value) => value > 0 ? "inf" : "-inf",
        ElementType.Float16 => ((Half)value).ToString("R", CultureInfo.InvariantCulture),
        ElementType.Float32 or ElementType.BFloat16 => ((float)value).ToString("R", CultureInfo.InvariantCulture),
        _ => value.ToString("R", CultureInfo.InvariantCulture),
    };

    /// <summary>A string in quotes.</summary>
    public static string Quote(string text)
    {
        StringBuilder quoted = new("\"");
        foreach (char c in text)
        {
            quoted.Append(c switch
            {
                '"' => "\\\"",
                '\\' => "\\\\",
                '\n' => "\\n",
                < ' ' => $"\\u{(int)c:x4}",
                _ => c.ToString(),
            });
        }

        return quoted.Append('"').ToString();
    }

    private static bool IsPlain(string name) =>
        name.Length > 0
        && (char.IsAsciiLetter(name[0]) || name[0] == '_')
        && name.All(c => char.IsAsciiLetterOrDigit(c) || c == '_')
        && !Reserved.Contains(name)
        && TypeOf(name) is null;
}
