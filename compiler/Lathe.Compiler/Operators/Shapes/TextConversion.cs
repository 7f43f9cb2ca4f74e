using System.Globalization;
using Lathe.Compiler.Graph;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Shapes;

/// <summary>Numbers as text and back, as ONNX's Cast defines them.</summary>
internal static class TextConversion
{
    /// <summary>A number from plain or scientific notation, or one of INF, +INF, -INF and NaN in any case.</summary>
    /// <exception cref="OverflowException">It is no number.</exception>
    public static double Parse(string text) => text.Trim().ToUpperInvariant() switch
    {
        "INF" or "+INF" or "INFINITY" => double.PositiveInfinity,
        "-INF" or "-INFINITY" => double.NegativeInfinity,
        "NAN" => double.NaN,
        string number when double.TryParse(number, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) => value,
        _ => throw new OverflowException("a string is no number"),
    };

    /// <summary>The shortest text that gives the element back.</summary>
    public static string Format(TensorData tensor, int index) => tensor.Element switch
    {
        _ when tensor.Element.IsFloat() && double.IsNaN(tensor.GetDouble(index)) => "NaN",
        _ when tensor.Element.IsFloat() && double.IsInfinity(tensor.GetDouble(index)) => tensor.GetDouble(index) > 0 ? "INF" : "-INF",
        ElementType.Float64 => tensor.GetDouble(index).ToString("R", CultureInfo.InvariantCulture),
        ElementType.Float16 => ((Half)tensor.GetDouble(index)).ToString(CultureInfo.InvariantCulture),
        ElementType.Float32 or ElementType.BFloat16 => ((float)tensor.GetDouble(index)).ToString("R", CultureInfo.InvariantCulture),
        ElementType.Bool => tensor.GetInt64(index) != 0 ? "True" : "False",
        _ => tensor.GetInteger(index).ToString(CultureInfo.InvariantCulture),
    };
}
