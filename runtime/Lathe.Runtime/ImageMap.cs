namespace Lathe.Runtime;

/// <summary>
/// Where an image lies in a model's input to which it was resized, as <c>--resize</c> has it, and the way back: from boxes and points of the model's to those
/// of the image. Coordinates count from the outer edge of the first pixel, whose centre is at 0.5, so that a box around all of the image is
/// 0, 0, <see cref="SourceWidth"/>, <see cref="SourceHeight"/>.
/// </summary>
public readonly record struct ImageMap
{
    private readonly double _scaleX;
    private readonly double _scaleY;
    private readonly bool _alignCorners;

    private ImageMap(int sourceWidth, int sourceHeight, int left, int top, int width, int height, bool alignCorners = false)
    {
        (SourceWidth, SourceHeight, Left, Top, Width, Height, _alignCorners) = (sourceWidth, sourceHeight, left, top, width, height, alignCorners);
        (_scaleX, _scaleY) = (Scale(sourceWidth, width), Scale(sourceHeight, height));

        // Between the centres of the outermost pixels, or between their outer edges.
        double Scale(int from, int to) => !alignCorners ? (double)from / to : to == 1 ? 0 : (from - 1.0) / (to - 1);
    }

    /// <summary>The width of the image.</summary>
    public int SourceWidth { get; }

    /// <summary>The height of the image.</summary>
    public int SourceHeight { get; }

    /// <summary>Where the image begins in the model's input; negative where its left side is cut off.</summary>
    public int Left { get; }

    /// <summary>Where the image begins in the model's input; negative where its top is cut off.</summary>
    public int Top { get; }

    /// <summary>The width of the image in the model's input.</summary>
    public int Width { get; }

    /// <summary>The height of the image in the model's input.</summary>
    public int Height { get; }

    /// <summary>The whole image fills the whole input, its aspect ratio lost.</summary>
    /// <param name="sourceWidth">The width of the image.</param>
    /// <param name="sourceHeight">The height of the image.</param>
    /// <param name="width">The width of the model's input.</param>
    /// <param name="height">The height of the model's input.</param>
    /// <param name="alignCorners">True if the centres of the corner pixels meet, not their outer edges.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size is not positive.</exception>
    public static ImageMap Stretch(int sourceWidth, int sourceHeight, int width, int height, bool alignCorners = false)
    {
        Check(sourceWidth, sourceHeight, width, height);
        return new(sourceWidth, sourceHeight, 0, 0, width, height, alignCorners);
    }

    /// <summary>The whole image in the middle of the input, its aspect ratio kept; the rest of the input is filled.</summary>
    /// <inheritdoc cref="Stretch"/>
    public static ImageMap Letterbox(int sourceWidth, int sourceHeight, int width, int height)
    {
        Check(sourceWidth, sourceHeight, width, height);
        bool isWide = (long)width * sourceHeight <= (long)height * sourceWidth;
        return Centred(sourceWidth, sourceHeight, width, height, byWidth: isWide);
    }

    /// <summary>The middle of the image fills the input, its aspect ratio kept; the rest of the image is cut off.</summary>
    /// <inheritdoc cref="Stretch"/>
    public static ImageMap Crop(int sourceWidth, int sourceHeight, int width, int height)
    {
        Check(sourceWidth, sourceHeight, width, height);
        bool isWide = (long)width * sourceHeight <= (long)height * sourceWidth;
        return Centred(sourceWidth, sourceHeight, width, height, byWidth: !isWide);
    }

    /// <summary>Where a point of the model's input lies in the image; outside of it where the point does not show it.</summary>
    public (double X, double Y) ToSource(double x, double y) => (Source(x - Left, _scaleX), Source(y - Top, _scaleY));

    /// <summary>Where a point of the image lies in the model's input.</summary>
    public (double X, double Y) FromSource(double x, double y) => (Left + Input(x, _scaleX), Top + Input(y, _scaleY));

    /// <summary>Where a box of the model's input lies in the image, cut off at the image's edges.</summary>
    public (double Left, double Top, double Right, double Bottom) ToSource(double left, double top, double right, double bottom)
    {
        (double x1, double y1) = ToSource(left, top);
        (double x2, double y2) = ToSource(right, bottom);
        return (Math.Clamp(x1, 0, SourceWidth), Math.Clamp(y1, 0, SourceHeight), Math.Clamp(x2, 0, SourceWidth), Math.Clamp(y2, 0, SourceHeight));
    }

    private double Source(double x, double scale) => _alignCorners ? ((x - 0.5) * scale) + 0.5 : x * scale;

    private double Input(double x, double scale) => _alignCorners ? scale == 0 ? 0.5 : ((x - 0.5) / scale) + 0.5 : x / scale;

    private static ImageMap Centred(int sourceWidth, int sourceHeight, int width, int height, bool byWidth)
    {
        int fittedWidth = byWidth ? width : Fitted(sourceWidth, height, sourceHeight), fittedHeight = byWidth ? Fitted(sourceHeight, width, sourceWidth) : height;
        return new(sourceWidth, sourceHeight, Start(width, fittedWidth), Start(height, fittedHeight), fittedWidth, fittedHeight);
    }

    /// <summary>length · to / from, rounded, and at least a pixel.</summary>
    private static int Fitted(int length, int to, int from) => (int)Math.Clamp(((2L * length * to) + from) / (2L * from), 1, int.MaxValue);

    /// <summary>An odd rest is greater behind.</summary>
    private static int Start(int whole, int part) => part <= whole ? (whole - part) / 2 : -((part - whole) / 2);

    private static void Check(int sourceWidth, int sourceHeight, int width, int height)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(sourceWidth);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(sourceHeight);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
    }
}
