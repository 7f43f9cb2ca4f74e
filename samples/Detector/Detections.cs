using Lathe.Runtime;

namespace Detector;

/// <summary>What was found, in pixels of the frame.</summary>
internal readonly record struct Detection(int Class, double Score, double Left, double Top, double Right, double Bottom);

/// <summary>Boxes from the output of YOLOX: for each cell of three grids a centre, a size, whether there is something, and what.</summary>
internal static class Detections
{
    /// <summary>The side of the model's input.</summary>
    private const int Size = 416;

    private const int Classes = 80;
    private const double LeastScore = 0.3, GreatestOverlap = 0.45;

    /// <summary>What was found, best first.</summary>
    /// <param name="output">The model's output, 3549 x 85.</param>
    /// <param name="map">Where the frame lies in the model's input.</param>
    public static IReadOnlyList<Detection> Of(ReadOnlySpan<float> output, ImageMap map)
    {
        List<Detection> all = [];
        ReadOnlySpan<float> cells = output;
        foreach (int stride in (int[])[8, 16, 32])
        {
            for (int cell = 0; cell < Size / stride * (Size / stride); cell++)
            {
                Add(cells[..(5 + Classes)], cell % (Size / stride), cell / (Size / stride), stride);
                cells = cells[(5 + Classes)..];
            }
        }

        // Of boxes that overlap, the best.
        List<Detection> chosen = [];
        foreach (Detection next in all.OrderByDescending(d => d.Score))
            if (chosen.TrueForAll(better => better.Class != next.Class || Overlap(better, next) <= GreatestOverlap)) chosen.Add(next);
        return chosen;

        void Add(ReadOnlySpan<float> cell, int column, int row, int stride)
        {
            int best = 0;
            for (int i = 1; i < Classes; i++)
                if (cell[5 + i] > cell[5 + best]) best = i;
            double score = (double)cell[4] * cell[5 + best];
            if (score < LeastScore) return;
            (double x, double y) = ((cell[0] + column) * stride, (cell[1] + row) * stride);
            (double width, double height) = (Math.Exp(cell[2]) * stride, Math.Exp(cell[3]) * stride);
            (double left, double top, double right, double bottom) = map.ToSource(x - (width / 2), y - (height / 2), x + (width / 2), y + (height / 2));
            all.Add(new(best, score, left, top, right, bottom));
        }
    }

    /// <summary>Intersection over union.</summary>
    private static double Overlap(Detection a, Detection b)
    {
        double width = Math.Max(0, Math.Min(a.Right, b.Right) - Math.Max(a.Left, b.Left)), height = Math.Max(0, Math.Min(a.Bottom, b.Bottom) - Math.Max(a.Top, b.Top));
        return width * height / (Area(a) + Area(b) - (width * height));

        static double Area(Detection d) => (d.Right - d.Left) * (d.Bottom - d.Top);
    }
}
