using Lathe.Compiler.Graph;

namespace Lathe.Compiler.Tests;

/// <summary>Comparisons of tensors.</summary>
internal static class Tensors
{
    /// <summary>Asserts equal types and shapes, and elements within a tolerance relative to the largest element.</summary>
    public static void AssertClose(TensorData actual, TensorData expected, double tolerance)
    {
        Assert.That(actual.Element, Is.EqualTo(expected.Element));
        Assert.That(actual.Dims, Is.EqualTo(expected.Dims));
        if (expected.Strings is not null)
        {
            Assert.That(actual.Strings, Is.EqualTo(expected.Strings));
            return;
        }

        double largest = 1e-30;
        for (int i = 0; i < expected.Count; i++)
            if (double.IsFinite(expected.GetDouble(i))) largest = Math.Max(largest, Math.Abs(expected.GetDouble(i)));
        for (int i = 0; i < expected.Count; i++)
        {
            double a = actual.GetDouble(i), e = expected.GetDouble(i);
            if (a.Equals(e)) continue;
            if (!(Math.Abs(a - e) <= tolerance * largest)) Assert.Fail($"Element {i} is {a}, not {e} (largest {largest}).");
        }
    }
}
