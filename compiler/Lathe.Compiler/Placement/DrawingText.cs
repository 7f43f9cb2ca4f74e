using System.Globalization;
using System.Text;

namespace Lathe.Compiler.Placement;

/// <summary>
/// Drawings as Graphviz's dot and, without Graphviz, as SVG: boxes in layers by the longest way from the start, in each of them ordered by where their neighbours above stand (Sugiyama, Tagawa and Toda,
/// "Methods for Visual Understanding of Hierarchical System Structures", 1981).
/// </summary>
public static class DrawingText
{
    private const int MaxText = 60, BoxWidth = 220, LineHeight = 14, GapX = 20, GapY = 34, Margin = 20;

    /// <summary>The text of a drawing for Graphviz.</summary>
    public static string Dot(Drawing drawing)
    {
        StringBuilder text = new();
        text.Append(CultureInfo.InvariantCulture, $"digraph {Quote(Short(drawing.Title))} {{\n    node [shape=box, style=filled, fontname=\"sans-serif\", fontsize=10];\n");
        for (int i = 0; i < drawing.Nodes.Count; i++)
            text.Append(CultureInfo.InvariantCulture, $"    n{i} [label={Quote(string.Join('\n', drawing.Nodes[i].Lines.Select(Short)))}, fillcolor=\"#{drawing.Nodes[i].Colour}\"];\n");
        foreach (DrawnEdge edge in drawing.Edges) text.Append(CultureInfo.InvariantCulture, $"    n{edge.From} -> n{edge.To}{(edge.IsCopy ? " [color=\"#c03030\", penwidth=2]" : "")};\n");
        return text.Append("}\n").ToString();
    }

    /// <summary>The text of a drawing as a vector graphic.</summary>
    public static string Svg(Drawing drawing)
    {
        int lines = drawing.Nodes.Select(n => n.Lines.Count).DefaultIfEmpty(1).Max(), height = (lines * LineHeight) + 8;
        (int Layer, int Place)[] at = Layers(drawing);
        int layers = at.Select(a => a.Layer + 1).DefaultIfEmpty(1).Max();
        int[] lengths = new int[layers];
        foreach ((int layer, int place) in at) lengths[layer] = Math.Max(lengths[layer], place + 1);
        int width = (2 * Margin) + (lengths.Max() * (BoxWidth + GapX)) - GapX;
        StringBuilder text = new();
        text.Append(CultureInfo.InvariantCulture, $"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{(2 * Margin) + (layers * (height + GapY)) - GapY}\" font-family=\"sans-serif\" font-size=\"10\">\n");
        text.Append(CultureInfo.InvariantCulture, $"<title>{Escape(Short(drawing.Title))}</title>\n");
        foreach (DrawnEdge edge in drawing.Edges)
        {
            int x1 = X(edge.From) + (BoxWidth / 2), y1 = Y(edge.From) + height, x2 = X(edge.To) + (BoxWidth / 2), y2 = Y(edge.To), bend = Math.Max(GapY, (y2 - y1) / 2);
            text.Append(
                CultureInfo.InvariantCulture,
                $"<path d=\"M{x1} {y1}C{x1} {y1 + bend} {x2} {y2 - bend} {x2} {y2}\" fill=\"none\" stroke=\"{(edge.IsCopy ? "#c03030\" stroke-width=\"2" : "#808080")}\"/>\n");
        }

        for (int i = 0; i < drawing.Nodes.Count; i++)
        {
            text.Append(CultureInfo.InvariantCulture, $"<rect x=\"{X(i)}\" y=\"{Y(i)}\" width=\"{BoxWidth}\" height=\"{height}\" fill=\"#{drawing.Nodes[i].Colour}\" stroke=\"#404040\"/>\n");
            for (int line = 0; line < drawing.Nodes[i].Lines.Count; line++)
            {
                text.Append(
                    CultureInfo.InvariantCulture,
                    $"<text x=\"{X(i) + (BoxWidth / 2)}\" y=\"{Y(i) + ((line + 1) * LineHeight)}\" text-anchor=\"middle\">{Escape(Short(drawing.Nodes[i].Lines[line]))}</text>\n");
            }
        }

        return text.Append("</svg>\n").ToString();

        // Each layer in the middle.
        int X(int node) => Margin + ((lengths.Max() - lengths[at[node].Layer]) * (BoxWidth + GapX) / 2) + (at[node].Place * (BoxWidth + GapX));
        int Y(int node) => Margin + (at[node].Layer * (height + GapY));
    }

    private static (int Layer, int Place)[] Layers(Drawing drawing)
    {
        int[] layer = new int[drawing.Nodes.Count];
        List<int>[] above = [.. drawing.Nodes.Select(_ => new List<int>())];
        foreach (DrawnEdge edge in drawing.Edges) above[edge.To].Add(edge.From);
        for (int i = 0; i < layer.Length; i++) layer[i] = above[i].Select(a => layer[a] + 1).DefaultIfEmpty(0).Max();
        (int Layer, int Place)[] at = new (int, int)[layer.Length];
        foreach (IGrouping<int, int> row in Enumerable.Range(0, layer.Length).GroupBy(i => layer[i]).OrderBy(g => g.Key))
        {
            int place = 0;
            foreach (int node in row.OrderBy(i => above[i].Select(a => (double)at[a].Place).DefaultIfEmpty(0).Average()).ThenBy(i => i)) at[node] = (row.Key, place++);
        }

        return at;
    }

    private static string Short(string text)
    {
        string clean = string.Concat(text.Select(c => char.IsControl(c) || char.IsSurrogate(c) ? ' ' : c));
        return clean.Length <= MaxText ? clean : $"{clean[..(MaxText / 2)]}…{clean[^(MaxText / 2)..]}";
    }

    private static string Quote(string text) => $"\"{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal)}\"";

    private static string Escape(string text) => System.Security.SecurityElement.Escape(string.Concat(text.Select(c => c is '\uFFFE' or '\uFFFF' ? ' ' : c)))!;
}
