namespace Lathe.Compiler.Quantization;

/// <summary>An unsigned byte q stands for (q - zero) · scale: the 256 steps that lie over the range of a tensor. 0 is one of them, so that borders are exact.</summary>
/// <param name="Scale">The step.</param>
/// <param name="Zero">The byte that stands for 0.</param>
public readonly record struct QuantizedRange(float Scale, byte Zero)
{
    private const int Steps = 255;

    /// <summary>The least float that is no denormal, which processors may take for 0.</summary>
    private const float LeastNormal = 1.17549435e-38f;

    /// <summary>The steps that lie over a range.</summary>
    public static QuantizedRange Of(double min, double max)
    {
        (min, max) = (Math.Min(min, 0), Math.Max(max, 0));
        float scale = (float)((max - min) / Steps);
        // Nothing but zeros, or numbers that a float could not be divided by: any scale does.
        if (!(scale >= LeastNormal)) return new(1, 0);
        return new(scale, (byte)Math.Clamp(Math.Round(-min / scale), 0, Steps));
    }

    /// <summary>What is left of a number after quantisation.</summary>
    public double Rounded(double value) => (Math.Clamp(Math.Round(value / Scale) + Zero, 0, Steps) - Zero) * Scale;
}
