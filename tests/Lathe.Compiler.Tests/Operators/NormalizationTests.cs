using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Graph;
using static Lathe.Compiler.Tests.Operators.OperatorCase;

namespace Lathe.Compiler.Tests.Operators;

/// <summary>Normalisations that stand for others, and gated units, against values worked out by hand.</summary>
internal sealed class NormalizationTests
{
    private static readonly TensorData Image = TensorData.OfFloats([1, 3, 2, 6], 1, 2, 2);

    [Test]
    public void GroupNormalization_ScalesByChannel() => Assert.That(
        Import("GroupNormalization", 21, [Image, Floats(2, 3), Floats(0, 1)], ("num_groups", 2L), ("epsilon", 0f))[0].Span<float>().ToArray(),
        Is.EqualTo(new float[] { -2, 2, -2, 4 }).Within(1e-5));

    [Test]
    public void GroupNormalization_BeforeOpset21_ScalesByGroup()
    {
        float unit = 2 / MathF.Sqrt(3.5f);
        Assert.That(
            Import("GroupNormalization", 18, [Image, Floats(2), Floats(1)], ("num_groups", 1L), ("epsilon", 0f))[0].Span<float>().ToArray(),
            Is.EqualTo(new[] { 1 - (2 * unit), 1, 1 - unit, 1 + (3 * unit) }).Within(1e-5));
        Assert.That(() => Import("GroupNormalization", 21, [Image, Floats(2), Floats(1)], ("num_groups", 3L)), Throws.TypeOf<DiagnosticException>());
    }

    [TestCase(1L, new[] { 3f / 7, -4f / 7, 0, 0 })]
    [TestCase(2L, new[] { 0.6f, -0.8f, 0, 0 })]
    public void LpNormalization_OfNothing_IsNothing(long p, float[] expected) => Assert.That(
        Import("LpNormalization", 22, [TensorData.OfFloats([3, -4, 0, 0], 2, 2)], ("p", p))[0].Span<float>().ToArray(), Is.EqualTo(expected).Within(1e-6));

    [Test]
    public void MeanVarianceNormalization_OfTwo() => Assert.That(
        Import("MeanVarianceNormalization", 13, [TensorData.OfFloats([1, 3], 1, 1, 1, 2)])[0].Span<float>().ToArray(), Is.EqualTo(new float[] { -1, 1 }).Within(1e-6));

    [Test]
    public void SwiGLU_GatesTheSecondInput()
    {
        Assert.That(Import("SwiGLU", 28, [Floats(0, 1), Floats(5, 2)])[0].Span<float>().ToArray(), Is.EqualTo(new[] { 0, 1.4621172f }).Within(1e-6));
        Assert.That(() => Import("SwiGLU", 28, [Floats(0, 1), Floats(5)]), Throws.TypeOf<DiagnosticException>());
    }
}
