namespace Lathe.Compiler.Operators.Linear;

/// <summary>
/// An equation of labelled axes such as <c>bij,bjk->bik</c>: letters, and <c>...</c> for any number of axes that broadcast. Without an arrow the result
/// has the axes of the ellipsis and then every letter that stands once, in alphabetical order (capitals first).
/// </summary>
internal sealed class EinsumEquation
{
    private const string Ellipsis = "...";

    private readonly string[] _terms;
    private readonly string? _result;

    private EinsumEquation(string[] terms, string? result)
    {
        _terms = terms;
        _result = result;
    }

    /// <summary>The number of operands.</summary>
    public int Count => _terms.Length;

    /// <summary>Reads an equation.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    public static EinsumEquation Parse(string text)
    {
        string[] sides = text.Replace(" ", "").Split("->");
        if (sides.Length > 2) throw new FormatException($"'{text}' has more than one arrow");
        string[] terms = sides[0].Split(',');
        foreach (string term in terms.Concat(sides.Skip(1)))
        {
            string letters = Letters(term);
            if (!letters.All(char.IsAsciiLetter)) throw new FormatException($"'{term}' is no list of axes");
        }

        if (sides.Length == 2 && Letters(sides[1]) is var result && (result.Distinct().Count() < result.Length || !result.All(c => sides[0].Contains(c))))
            throw new FormatException($"'{sides[1]}' is no choice of the axes of '{sides[0]}'");
        return new EinsumEquation(terms, sides.Length == 2 ? sides[1] : null);
    }

    /// <summary>
    /// The labels of every operand's axes and, last, of the result's. A letter is its own label; axes of the ellipsis count from its end: -1, -2, ….
    /// </summary>
    /// <exception cref="FormatException">A term does not fit its operand's rank.</exception>
    public int[][] Labels(IReadOnlyList<int> ranks)
    {
        int[] open = [.. _terms.Select((term, i) => Open(term, ranks[i]))];
        int widest = open.Append(0).Max();
        string result = _result ?? Ellipsis + string.Concat(_terms.SelectMany(Letters).GroupBy(c => c).Where(g => g.Count() == 1).Select(g => g.Key).Order());
        return [.. _terms.Select((term, i) => Spread(term, open[i])), Spread(result, result.Contains(Ellipsis) ? widest : 0)];
    }

    private static string Letters(string term)
    {
        int dots = term.IndexOf(Ellipsis, StringComparison.Ordinal);
        return dots < 0 ? term : term.Remove(dots, Ellipsis.Length);
    }

    private static int Open(string term, int rank)
    {
        int open = rank - Letters(term).Length;
        return open == 0 || (open > 0 && term.Contains(Ellipsis)) ? open : throw new FormatException($"'{term}' does not fit an operand of rank {rank}");
    }

    private static int[] Spread(string term, int open)
    {
        int dots = term.IndexOf(Ellipsis, StringComparison.Ordinal);
        if (dots < 0) return [.. term.Select(c => (int)c)];
        return [.. term[..dots].Select(c => (int)c), .. Enumerable.Range(0, open).Select(i => i - open), .. term[(dots + Ellipsis.Length)..].Select(c => (int)c)];
    }
}
