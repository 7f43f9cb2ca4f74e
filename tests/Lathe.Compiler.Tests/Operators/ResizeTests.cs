using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Movement;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;
using static Lathe.Compiler.Tests.Operators.OperatorCase;

namespace Lathe.Compiler.Tests.Operators;

/// <summary>Resizing against values worked out by hand, and what each opset states it by.</summary>
internal sealed class ResizeTests
{
    private static readonly EquatableArray<float> NoScales = [];

    private static readonly TensorData Four = Floats(1, 2, 3, 4);

    [TestCase("half_pixel", "round_prefer_floor", new float[] { 1, 1, 2, 2, 3, 3, 4, 4 })]
    [TestCase("asymmetric", "floor", new float[] { 1, 1, 2, 2, 3, 3, 4, 4 })]
    [TestCase("asymmetric", "ceil", new float[] { 1, 2, 2, 3, 3, 4, 4, 4 })]
    [TestCase("asymmetric", "round_prefer_ceil", new float[] { 1, 2, 2, 3, 3, 4, 4, 4 })]
    [TestCase("align_corners", "round_prefer_floor", new float[] { 1, 1, 2, 2, 3, 3, 4, 4 })]
    [TestCase("tf_half_pixel_for_nn", "floor", new float[] { 1, 1, 2, 2, 3, 3, 4, 4 })]
    public void Nearest_TwiceAsLong(string coordinates, string nearest, float[] expected) =>
        Assert.That(Floats(new Resize([2f], [], CoordinateTransformationMode: coordinates, NearestMode: nearest), Four), Is.EqualTo(expected));

    [TestCase("half_pixel", new[] { 1, 1.25f, 1.75f, 2.25f, 2.75f, 3.25f, 3.75f, 4 })]
    [TestCase("asymmetric", new[] { 1, 1.5f, 2, 2.5f, 3, 3.5f, 4, 4 })]
    [TestCase("align_corners", new[] { 1, 10 / 7f, 13 / 7f, 16 / 7f, 19 / 7f, 22 / 7f, 25 / 7f, 4 })]
    public void Linear_TwiceAsLong(string coordinates, float[] expected) =>
        Assert.That(Floats(new Resize([2f], [], CoordinateTransformationMode: coordinates, Mode: "linear"), Four), Is.EqualTo(expected).Within(1e-6));

    [Test]
    public void Cubic_PassesThroughItsElements()
    {
        float[] y = Floats(new Resize([2f], [], CoordinateTransformationMode: "asymmetric", Mode: "cubic"), Four);
        Assert.That(y.Where((_, i) => i % 2 == 0), Is.EqualTo(new float[] { 1, 2, 3, 4 }).Within(1e-6));
        Assert.That(y[3], Is.EqualTo(2.5f).Within(1e-6), "symmetric neighbours give their mean");
    }

    [Test]
    public void Antialiasing_WeighsAllElements() =>
        Assert.That(Floats(new Resize([0.5f], [], true, Mode: "linear"), Four), Is.EqualTo(new[] { 1.625f, 3.375f }).Within(1e-6));

    [Test]
    public void Crop_ExtrapolatesOutside()
    {
        Resize crop = new(NoScales, [3], CoordinateTransformationMode: "tf_crop_and_resize", ExtrapolationValue: -9, Mode: "linear", Roi: [0.5f, 1.5f]);
        Assert.That(Floats(crop, Four), Is.EqualTo(new[] { 2.5f, 4, -9 }).Within(1e-6));
    }

    [TestCase("not_larger", new long[] { 1, 4 })]
    [TestCase("not_smaller", new long[] { 2, 8 })]
    [TestCase("stretch", new long[] { 1, 8 })]
    public void AspectRatio_IsKeptIfAsked(string policy, long[] expected)
    {
        TensorData x = TensorData.OfFloats([1, 2, 3, 4], 1, 4);
        TensorData y = Import("Resize", 18, [x, null, null, TensorData.OfInt64s(1, 8)], ("keep_aspect_ratio_policy", policy))[0];
        Assert.That(y.Dims, Is.EqualTo(expected));
    }

    [Test]
    public void EachOpset_StatesItItsWay()
    {
        float[] twice = [1, 1, 2, 2, 3, 3, 4, 4], half = [1, 3];
        Assert.That(Import("Upsample", 7, [Four], ("scales", new[] { 2f }))[0].Span<float>().ToArray(), Is.EqualTo(twice));
        Assert.That(Import("Upsample", 9, [Four, Floats(2)])[0].Span<float>().ToArray(), Is.EqualTo(twice));
        Assert.That(Import("Resize", 10, [Four, Floats(2)])[0].Span<float>().ToArray(), Is.EqualTo(twice));
        Assert.That(Import("Resize", 10, [Four, Floats(0.5f)])[0].Span<float>().ToArray(), Is.EqualTo(half));
        Assert.That(Import("Resize", 11, [Four, Floats(), Floats(2)])[0].Span<float>().ToArray(), Is.EqualTo(twice));
        Assert.That(Import("Resize", 13, [Four, null, null, TensorData.OfInt64s(8)])[0].Span<float>().ToArray(), Is.EqualTo(twice));
        TensorData row = TensorData.OfFloats([1, 2, 3, 4], 1, 4);
        Assert.That(Import("Resize", 18, [row, null, Floats(2)], ("axes", new long[] { -1 }))[0].Dims, Is.EqualTo(new long[] { 1, 8 }));
    }

    [TestCase(2f, 2, 1)]
    [TestCase(0.6f, 3, 5)]
    [TestCase(1f / 3, 1, 3)]
    [TestCase(1.3333334f, 4, 3)]
    [TestCase(416f / 13, 32, 1)]
    [TestCase(0.1f, 1, 10)]
    public void Scale_IsTheFractionThatItIsMeantToBe(float scale, long p, long q)
    {
        List<IndexExpr[]> read = Reads(new Resize([scale], [], CoordinateTransformationMode: "asymmetric", Mode: "linear"), Float32("1000000"));
        Assert.That(read[0][0].Substitute(_ => 1000 * p).Value, Is.EqualTo(1000 * q));
        Assert.That(read[0][0].Substitute(_ => (1000 * p) - 1).Value, Is.EqualTo(((1000 * p) - 1) * q / p));
    }

    [Test]
    public void Repeating_HasTheSimplestIndex()
    {
        foreach (string coordinates in (string[])["half_pixel", "asymmetric"])
        {
            Resize resize = new([1f, 2f], [], CoordinateTransformationMode: coordinates, NearestMode: coordinates == "asymmetric" ? "floor" : "round_prefer_floor");
            List<IndexExpr[]> read = Reads(resize, Float32("N", "W"));
            Assert.That(read.Single().Select(i => i.ToString()), Is.EqualTo(new[] { "o0", "(o1 div 2)" }));
        }
    }

    [Test]
    public void WhatDoesNotFit_IsRefused()
    {
        Assert.That(Refusal(new Resize([2f], []), Float32("2", "2")), Does.Contain("scales"));
        Assert.That(Refusal(new Resize([float.NaN], []), Float32("2")), Does.Contain("not positive"));
        Assert.That(Refusal(new Resize([2f], [], Mode: "area"), Float32("2")), Does.Contain("'area'"));
        Assert.That(Refusal(new Resize([2f, 2f, 2f, 2f], [], Mode: "cubic"), Float32("2", "2", "2", "2")), Does.Contain("more than 3"));
        Assert.That(() => Import("Resize", 13, [Four]), Throws.TypeOf<DiagnosticException>().With.Message.Contain("neither scales nor sizes"));
    }

    /// <summary>The indices that a lowering reads its input at.</summary>
    private static List<IndexExpr[]> Reads(Resize resize, TensorType type)
    {
        GraphBuilder builder = new();
        Node node = builder.AddNode(resize, builder.Add(new Input("x", type)));
        List<IndexExpr[]> read = [];
        resize.Lower(new LowerContext([type], node.OutputTypes, 0, "", null, (_, index) =>
        {
            read.Add([.. index]);
            return Const.Of(ElementType.Float32, 0);
        }));
        return read;
    }
}
