using System.Globalization;
using Lathe.Runtime;

namespace Lathe.Kernels.Loops.Text;

/// <summary>Writes expressions.</summary>
internal static class ExprPrinter
{
    private const int Atom = 9, Prefix = 8;

    /// <summary>An expression without outer parentheses.</summary>
    public static string Print(Expr expression) => Write(expression, 0);

    /// <summary>An index expression.</summary>
    public static string Print(IndexExpr index) => index.ToString();

    /// <summary>The place of a load or a store: <c>X[index : lanes step s if mask]</c>.</summary>
    public static string Place(string buffer, IndexExpr index, int lanes, long stride, Expr? mask) => string.Create(
        CultureInfo.InvariantCulture,
        $"{Words.Quoted(buffer)}[{Print(index)}{(lanes == 1 ? "" : $" : {lanes}")}{(stride == 1 ? "" : $" step {stride}")}{(mask is null ? "" : $" if {Print(mask)}")}]");

    private static string Write(Expr expression, int precedence)
    {
        (string text, int own) = Parts(expression);
        return own < precedence ? $"({text})" : text;
    }

    private static (string Text, int Precedence) Parts(Expr expression) => expression switch
    {
        Const c => ($"{c.Type}({(c.Type.Element.IsFloat() ? Words.Number(c.Type.Element, c.Float) : c.Integer.ToString(CultureInfo.InvariantCulture))})", Atom),
        Var v => (Words.Quoted(v.Name), Atom),
        IndexValue i => ($"{i.Type}[{Print(i.Index)}{(i.Stride == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $" step {i.Stride}"))}]", Atom),
        Unary { Op: UnaryOp.Negate } u => ($"-{Write(u.A, Prefix)}", Prefix),
        Unary { Op: UnaryOp.Not } u => ($"!{Write(u.A, Prefix)}", Prefix),
        Unary u => (Call(u.Op.ToString().ToLowerInvariant(), u.A), Atom),
        Binary b => OfBinary(b),
        Select s => (Call("select", s.Condition, s.Then, s.Else), Atom),
        Fma f => (Call("fma", f.A, f.B, f.C), Atom),
        Dot4 d => (Call(Words.NameOf(d), d.Accumulator, d.A, d.B), Atom),
        Dot2 d => (Call($"dot2_{d.Halves.Name()}", d.Accumulator, d.A, d.B), Atom),
        Cast c => ($"cast({Print(c.A)}, {c.To}{(c.Round ? " round" : "")}{(c.Saturate ? " saturate" : "")})", Atom),
        Bits b => ($"bits({Print(b.A)}, {b.To})", Atom),
        Splat s => (string.Create(CultureInfo.InvariantCulture, $"splat({Print(s.A)}, {s.Lanes})"), Atom),
        FirstLanes f => (string.Create(CultureInfo.InvariantCulture, $"first({Print(f.Count)}, {f.Lanes})"), Atom),
        Shuffle s => ($"shuffle({Print(s.A)}, {Print(s.B)}, [{string.Join(", ", s.Pattern.Items.Select(p => p.ToString(CultureInfo.InvariantCulture)))}])", Atom),
        Reduce r => ($"reduce({Words.NameOf(r.Op)}, {Print(r.A)})", Atom),
        Access a => ($"{Words.Quoted(a.Tensor.Name)}({string.Join(", ", a.Indices.Items.Select(Print))})", Atom),
        Load l => (Place(l.Buffer, l.Index, l.Type.Lanes, l.Stride, l.Mask), Atom),
        Gather g => ($"gather({Words.Quoted(g.Buffer)}, {Print(g.Index)}{(g.Mask is null ? "" : $", {Print(g.Mask)}")})", Atom),
        _ => throw new ArgumentOutOfRangeException(nameof(expression), expression, "No expression."),
    };

    private static (string, int) OfBinary(Binary binary)
    {
        foreach ((BinaryOp op, string symbol, int precedence) in Words.Infix)
            if (op == binary.Op) return ($"{Write(binary.A, precedence)} {symbol} {Write(binary.B, precedence + 1)}", precedence);
        return (Call(Words.NameOf(binary.Op), binary.A, binary.B), Atom);
    }

    private static string Call(string name, params Expr[] operands) => $"{name}({string.Join(", ", operands.Select(Print))})";
}
