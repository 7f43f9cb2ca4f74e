using System.Globalization;
using Lathe.Runtime.Plans;

namespace Lathe.Runtime;

/// <summary>A dim of an input or output: a number, a named dim, or a formula of named dims.</summary>
/// <param name="Value">The dim where it does not depend on a named dim; null otherwise.</param>
/// <param name="Text">The dim as text, such as <c>224</c>, <c>N</c> or <c>N * 2 + 1</c>.</param>
public readonly record struct DimInfo(long? Value, string Text)
{
    internal static DimInfo Of(SizeExpression dim, IReadOnlyList<PlanSymbol> symbols)
    {
        if (!dim.IsConstant) return new(null, Infix(dim, symbols));
        long value = dim.Evaluate([]);
        return new(value, value.ToString(CultureInfo.InvariantCulture));
    }

    /// <inheritdoc/>
    public override string ToString() => Text;

    private static string Infix(SizeExpression expression, IReadOnlyList<PlanSymbol> symbols)
    {
        // The second of each pair is how tightly the text binds: 0 for a sum, 1 for a product, 2 for an atom.
        Stack<(string Text, int Binding)> stack = new();
        foreach ((SizeExpression.Code code, long operand) in expression.Instructions)
        {
            if (code == SizeExpression.Code.Constant)
            {
                stack.Push((operand.ToString(CultureInfo.InvariantCulture), operand < 0 ? 0 : 2));
                continue;
            }

            if (code == SizeExpression.Code.Dim)
            {
                stack.Push((symbols[(int)operand].Name, 2));
                continue;
            }

            (string Text, int Binding) b = stack.Pop(), a = stack.Pop();
            if (code == SizeExpression.Code.Select)
            {
                (string Text, int Binding) y = stack.Pop(), x = stack.Pop();
                stack.Push(($"({x.Text} < {y.Text} ? {a.Text} : {b.Text})", 2));
                continue;
            }

            string Operand((string Text, int Binding) side, int binding) => side.Binding < binding ? $"({side.Text})" : side.Text;
            stack.Push(code switch
            {
                SizeExpression.Code.Add => ($"{a.Text} + {b.Text}", 0),
                SizeExpression.Code.Multiply => ($"{Operand(a, 1)} * {Operand(b, 1)}", 1),
                SizeExpression.Code.Divide => ($"{Operand(a, 1)} / {Operand(b, 2)}", 1),
                SizeExpression.Code.Modulo => ($"{Operand(a, 1)} % {Operand(b, 2)}", 1),
                SizeExpression.Code.Min => ($"min({a.Text}, {b.Text})", 2),
                _ => ($"max({a.Text}, {b.Text})", 2),
            });
        }

        return stack.Pop().Text;
    }
}
