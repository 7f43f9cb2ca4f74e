using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Linear;
using Lathe.Compiler.Operators.Sampling;
using Lathe.Runtime;
using static Lathe.Compiler.Tests.Operators.OperatorCase;

namespace Lathe.Compiler.Tests.Operators;

/// <summary>Operators that read their input at coordinates from data, against values worked out by hand.</summary>
internal sealed class SamplingTests
{
    private static readonly TensorData Pair = TensorData.OfFloats([10, 20], 1, 1, 1, 2), Square = TensorData.OfFloats([1, 2, 3, 4], 1, 1, 2, 2);

    [TestCase("linear", "zeros", 0f, 15f)]
    [TestCase("linear", "zeros", -1f, 5f)]
    [TestCase("linear", "border", -1f, 10f)]
    [TestCase("linear", "reflection", 3f, 10f)]
    [TestCase("linear", "zeros", -3f, 0f)]
    [TestCase("linear", "border", float.NegativeInfinity, 10f)]
    [TestCase("linear", "zeros", float.NaN, 0f)]
    [TestCase("linear", "zeros", float.PositiveInfinity, 0f)]
    [TestCase("nearest", "zeros", -1f, 10f)]
    [TestCase("nearest", "reflection", 2f, 20f)]
    [TestCase("nearest", "zeros", 2f, 0f)]
    [TestCase("cubic", "border", 0.5f, 20f)]
    public void GridSample_OfTwoElements(string mode, string padding, float at, float expected) =>
        Assert.That(Floats(new GridSample(false, mode, padding), Pair, TensorData.OfFloats([at, 0], 1, 1, 1, 2))[0], Is.EqualTo(expected));

    [TestCase(1f, 20f)]
    [TestCase(0f, 15f)]
    [TestCase(1.5f, 17.5f)]
    public void GridSample_WithAlignedCorners_ReflectsAtTheirCentres(float at, float expected) =>
        Assert.That(Floats(new GridSample(true, "linear", "reflection"), Pair, TensorData.OfFloats([at, 5], 1, 1, 1, 2))[0], Is.EqualTo(expected));

    [Test]
    public void GridSample_HadOtherNamesForItsModes()
    {
        TensorData grid = TensorData.OfFloats([0, 0], 1, 1, 1, 2);
        Assert.That(Import("GridSample", 16, [Pair, grid], ("mode", "bilinear"))[0].GetDouble(0), Is.EqualTo(15));
        Assert.That(() => Import("GridSample", 16, [Pair, grid], ("mode", "fractal")), Throws.TypeOf<DiagnosticException>());
        Assert.That(Refusal(new GridSample(), Float32("1", "1", "4", "4"), Float32("1", "3", "3", "3")), Does.Contain("2 coordinates"));
    }

    [TestCase(0L, new float[] { -0.5f, 0, 0.5f, 0 })]
    [TestCase(1L, new float[] { -1, 0, 1, 0 })]
    public void AffineGrid_OfTheIdentity(long alignCorners, float[] expected)
    {
        TensorData identity = TensorData.OfFloats([1, 0, 0, 0, 1, 0], 1, 2, 3);
        TensorData y = Import("AffineGrid", 20, [identity, TensorData.OfInt64s(1, 1, 1, 2)], ("align_corners", alignCorners))[0];
        Assert.That(y.Dims, Is.EqualTo(new long[] { 1, 1, 2, 2 }));
        Assert.That(y.Span<float>().ToArray(), Is.EqualTo(expected));
    }

    [TestCase("output_half_pixel", "avg", 1, 4f)]
    [TestCase("half_pixel", "avg", 1, 2.5f)]
    [TestCase("half_pixel", "max", 1, 1f)]
    [TestCase("half_pixel", "avg", 0, 2.5f)]
    [TestCase("half_pixel", "max", 0, 4f)]
    public void RoiAlign_OfTheWholeImage(string coordinates, string mode, int ratio, float expected)
    {
        TensorData region = TensorData.OfFloats([0, 0, 2, 2], 1, 4);
        Assert.That(Floats(new RoiAlign(coordinates, mode, 1, 1, ratio), Square, region, TensorData.OfInt64s(0))[0], Is.EqualTo(expected));
    }

    [Test]
    public void RoiAlign_OfRegionsWithoutArea_IsZero_AndReadsNoOtherImage()
    {
        TensorData regions = TensorData.OfFloats([1, 1, 1, 1, 2, 2, 0, 0, -1e9f, -1e9f, 1e9f, 1e9f], 3, 4);
        float[] y = Floats(new RoiAlign(SamplingRatio: 0), Square, regions, TensorData.OfInt64s(0, 7, -9));
        Assert.That(y[..2], Is.EqualTo(new float[] { 0, 0 }));
        Assert.That(y[2], Is.EqualTo(0).Within(1e-6));
    }

    [Test]
    public void RoiAlign_BeforeOpset16_DoesNotMoveRegions()
    {
        TensorData region = TensorData.OfFloats([0, 0, 2, 2], 1, 4);
        Assert.That(Import("RoiAlign", 10, [Square, region, TensorData.OfInt64s(0)], ("sampling_ratio", 1L))[0].GetDouble(0), Is.EqualTo(4));
    }

    [Test]
    public void DeformConv_MovesWhatItReads()
    {
        TensorData weight = TensorData.OfFloats([1], 1, 1, 1, 1), offset = TensorData.OfFloats([0.5f, 0.5f, 0.5f, 0.5f, 0, 0, 0, 0], 1, 2, 2, 2);
        Assert.That(Floats(new DeformConv(), Square, weight, offset), Is.EqualTo(new[] { 2, 3, 1.5f, 2 }));
        TensorData mask = TensorData.OfFloats([2, 2, 2, 2], 1, 1, 2, 2);
        Assert.That(Floats(new DeformConv(), Square, weight, offset, Floats(1), mask), Is.EqualTo(new[] { 5, 7, 4, 5f }));
        TensorData far = TensorData.OfFloats([float.NaN, float.PositiveInfinity, -1e30f, 9, 0, 0, 0, 0], 1, 2, 2, 2);
        Assert.That(Floats(new DeformConv(), Square, weight, far), Is.EqualTo(new float[] { 0, 0, 0, 0 }));
        Assert.That(Refusal(new DeformConv(OffsetGroup: 2), Float32("1", "4", "5", "5"), Float32("4", "4", "3", "3"), Float32("1", "18", "3", "3")), Does.Contain("offsets"));
    }

    [Test]
    public void Col2Im_AddsWhatOverlaps()
    {
        TensorData blocks = TensorData.OfFloats([1, 2, 3, 4], 1, 2, 2);
        TensorData y = Import("Col2Im", 18, [blocks, TensorData.OfInt64s(3), TensorData.OfInt64s(2)])[0];
        Assert.That(y.Dims, Is.EqualTo(new long[] { 1, 1, 3 }));
        Assert.That(y.Span<float>().ToArray(), Is.EqualTo(new float[] { 1, 5, 4 }));
        Assert.That(Refusal(new Col2Im([4], [2]), Float32("1", "2", "2")), Does.Contain("3 blocks"));
    }
}
