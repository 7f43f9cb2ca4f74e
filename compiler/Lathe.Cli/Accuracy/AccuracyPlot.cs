using System.Globalization;
using System.Security;
using System.Text;
using Lathe.Cli.Output;

namespace Lathe.Cli.Accuracy;

/// <summary>Draws a comparison: for each layer in the order of computation, and each output, the ratio of signal to error as a bar. An SVG, or a page with it in; nothing is loaded from elsewhere.</summary>
internal static class AccuracyPlot
{
    private const int RowHeight = 16, Left = 320, Wide = 560, Top = 56;

    /// <summary>The longest name that is drawn whole.</summary>
    private const int LongestName = 48;

    /// <summary>A page for a path that ends in .html, otherwise the SVG.</summary>
    public static string For(string path, AccuracyReport report)
    {
        string svg = Svg(report);
        return !path.EndsWith(".html", StringComparison.OrdinalIgnoreCase) ? svg
            : $"<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>{Escaped(Title(report))}</title></head>\n<body>\n{svg}</body>\n</html>\n";
    }

    private static string Title(AccuracyReport report) => $"{report.Model}, {report.Precision}, against {report.Reference}";

    private static string Svg(AccuracyReport report)
    {
        (string Name, double Sqnr, bool IsOutput)[] rows =
            [.. report.Layers.OrderBy(l => l.Position).Select(l => (l.Name, l.SqnrDb, false)), .. report.Outputs.Select(o => (o.Name, o.IsEqual ? double.PositiveInfinity : o.SqnrDb, true))];
        double[] finite = [.. rows.Select(r => r.Sqnr).Where(double.IsFinite)];
        // To the next 20 dB, so that plots of one model can be laid side by side.
        double most = Math.Max(20, Math.Ceiling(finite.DefaultIfEmpty(0).Max() / 20) * 20);
        int height = Top + (rows.Length * RowHeight) + 24;
        StringBuilder svg = new();
        svg.Append(CultureInfo.InvariantCulture, $"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{Left + Wide + 90}\" height=\"{height}\" font-family=\"sans-serif\" font-size=\"11\">\n");
        svg.Append(CultureInfo.InvariantCulture, $"<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n<text x=\"8\" y=\"20\" font-size=\"14\">{Escaped(Title(report))}</text>\n");
        svg.Append(CultureInfo.InvariantCulture, $"<text x=\"8\" y=\"38\" fill=\"#555\">signal to error in dB; {report.Samples} samples, layers over {report.LayerSamples}</text>\n");
        for (double mark = 0; mark <= most; mark += 20)
        {
            double x = Left + (Wide * mark / most);
            svg.Append(CultureInfo.InvariantCulture, $"<line x1=\"{x:F1}\" y1=\"{Top - 4}\" x2=\"{x:F1}\" y2=\"{height - 20}\" stroke=\"#ddd\"/><text x=\"{x:F1}\" y=\"{height - 6}\" text-anchor=\"middle\" fill=\"#555\">{mark:F0}</text>\n");
        }

        for (int i = 0; i < rows.Length; i++)
        {
            (string name, double sqnr, bool isOutput) = rows[i];
            int y = Top + (i * RowHeight);
            double length = double.IsPositiveInfinity(sqnr) ? Wide : double.IsFinite(sqnr) ? Wide * Math.Clamp(sqnr / most, 0, 1) : 0;
            string shown = name.Length > LongestName ? "…" + name[^(LongestName - 1)..] : name, value = double.IsPositiveInfinity(sqnr) ? "equal" : double.IsNaN(sqnr) ? "no number" : sqnr.ToString("F1", CultureInfo.InvariantCulture);
            svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{Left - 6}\" y=\"{y + 11}\" text-anchor=\"end\">{Escaped(shown)}</text>");
            svg.Append(CultureInfo.InvariantCulture, $"<rect x=\"{Left}\" y=\"{y + 2}\" width=\"{length:F1}\" height=\"{RowHeight - 4}\" fill=\"{(isOutput ? "#d07020" : "#4078b0")}\"><title>{Escaped(name)}: {value}</title></rect>");
            svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{Left + length + 4:F1}\" y=\"{y + 11}\" fill=\"#555\">{value}</text>\n");
        }

        return svg.Append("</svg>\n").ToString();
    }

    /// <summary>Names come from the model.</summary>
    private static string Escaped(string text) => SecurityElement.Escape(Terminal.Clean(text));
}
