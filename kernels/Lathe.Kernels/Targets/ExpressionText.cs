using System.Globalization;
using System.Text;
using Lathe.Kernels.Loops;

namespace Lathe.Kernels.Targets;

/// <summary>What expressions have in common in languages like C: parentheses, addresses, indices as sums.</summary>
internal abstract class ExpressionText
{
    /// <summary>An expression that nothing is written beside: without its outer parentheses.</summary>
    public string Top(Expr expression)
    {
        string text = Print(expression);
        if (text[0] != '(' || text[^1] != ')') return text;
        int depth = 0;
        for (int i = 0; i < text.Length - 1; i++)
        {
            if (text[i] == '(') depth++;
            else if (text[i] == ')') depth--;
            if (depth == 0) return text;
        }

        return text[1..^1];
    }

    /// <summary>The address of an element.</summary>
    public string Address(string buffer, IndexExpr offset)
    {
        string name = NameOf(buffer);
        if (offset == IndexExpr.Zero) return name;
        return offset.IsConstant && offset.Value < 0 ? $"{name} - {Number(-offset.Value)}" : $"{name} + {Index(offset, offset.Terms.Length > 1 && offset.Terms[0].Coefficient < 0)}";
    }

    /// <summary>An index as an expression of the type that indices have.</summary>
    public string Index(IndexExpr index, bool parenthesise = false)
    {
        if (index.Terms.Length == 0) return "0";
        StringBuilder text = new();
        // A positive term first, so that no sum starts with a minus where it need not.
        foreach (IndexTerm term in index.Terms.OrderBy(t => t.Coefficient < 0))
        {
            long magnitude = Math.Abs(term.Coefficient);
            if (text.Length > 0) text.Append(term.Coefficient < 0 ? " - " : " + ");
            else if (term.Coefficient < 0) text.Append('-');
            if (term.Atoms.Length == 0 || magnitude != 1) text.Append(magnitude <= int.MaxValue ? Number(magnitude) : Wide(magnitude));
            for (int i = 0; i < term.Atoms.Length; i++) text.Append(i > 0 || magnitude != 1 ? " * " : "").Append(Atom(term.Atoms[i]));
        }

        return parenthesise && !(index.IsConstant && index.Value >= 0) && index.Terms is not [{ Coefficient: 1, Atoms.Length: 1 }] ? $"({text})" : text.ToString();
    }

    /// <summary>An expression, in parentheses where something may stand beside it.</summary>
    protected abstract string Print(Expr expression);

    /// <summary>A part of an index.</summary>
    protected abstract string Atom(IndexAtom atom);

    /// <summary>A positive number of more than 31 bits in the type that indices have.</summary>
    protected abstract string Wide(long number);

    /// <summary>The identifier of a buffer, a value or a variable.</summary>
    protected abstract string NameOf(string name);

    /// <summary>A number as it is written everywhere.</summary>
    protected static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);
}
