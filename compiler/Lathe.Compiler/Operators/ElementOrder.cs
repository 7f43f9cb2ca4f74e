using Lathe.Compiler.Graph;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators;

/// <summary>The order of elements for what sorts them: a NaN is above all else, as for NumPy, and equal to another; 0 and -0 are equal.</summary>
internal static class ElementOrder
{
    /// <summary>Negative if one element of a tensor comes before another, positive if after, 0 if they are equal.</summary>
    public static int Compare(TensorData x, long first, long second)
    {
        if (!x.Element.IsFloat()) return x.GetInteger((int)first).CompareTo(x.GetInteger((int)second));
        double a = x.GetDouble((int)first), b = x.GetDouble((int)second);
        return a < b ? -1 : a > b ? 1 : double.IsNaN(a).CompareTo(double.IsNaN(b));
    }
}
