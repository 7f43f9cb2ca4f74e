namespace Lathe.Cli.Output;

/// <summary>A table as plain text: columns padded to their widest cell, lines never broken, so that it reads and greps well. Only the last column is of any width.</summary>
internal static class TextTable
{
    private const string Gap = "  ";
    private const int WidestCell = 72;

    /// <summary>Writes a table. Cells lose their line breaks: names come from models.</summary>
    public static void Write(TextWriter to, IReadOnlyList<string> columns, IEnumerable<IReadOnlyList<string>> rows)
    {
        List<IReadOnlyList<string>> lines = [columns, .. rows.Select(row => (IReadOnlyList<string>)[.. row.SkipLast(1).Select(Cell), Terminal.Clean(row[^1])])];
        int[] widths = [.. columns.Select((_, i) => lines.Max(line => line[i].Length))];
        lines.Insert(1, [.. widths.Select(width => new string('-', width))]);
        foreach (IReadOnlyList<string> line in lines) to.WriteLine(string.Join(Gap, line.Select((cell, i) => cell.PadRight(widths[i]))).TrimEnd());
    }

    private static string Cell(string text)
    {
        string clean = Terminal.Clean(text);
        return clean.Length <= WidestCell ? clean : string.Concat(clean.AsSpan(0, WidestCell - 1), "…");
    }
}
