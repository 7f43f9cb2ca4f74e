using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Linear;
using Lathe.Kernels.Loops;
using static Lathe.Compiler.Tests.Operators.OperatorCase;

namespace Lathe.Compiler.Tests.Operators;

/// <summary>Convolutions and matrix products against values worked out by hand.</summary>
internal sealed class ContractionTests
{
    private static readonly TensorData Image = TensorData.OfFloats([1, 2, 3, 4, 5, 6, 7, 8, 9], 1, 1, 3, 3);

    [Test]
    public void Conv_SumsWindows()
    {
        TensorData w = TensorData.OfFloats([1, 2, 3, 4], 1, 1, 2, 2);
        Assert.That(Floats(new Conv(), Image, w), Is.EqualTo(new[] { 37f, 47, 67, 77 }));
        Assert.That(Floats(new Conv(), Image, w, Floats(0.5f)), Is.EqualTo(new[] { 37.5f, 47.5f, 67.5f, 77.5f }));
        Assert.That(Floats(new Conv(Strides: [2, 2], Pads: [1, 1, 0, 0]), Image, w), Is.EqualTo(new[] { 4f, 18, 36, 77 }));
        Assert.That(Floats(new Conv(Dilations: [2, 2]), Image, w), Is.EqualTo(new[] { 1f + 6 + 21 + 36 }));
    }

    [TestCase("SAME_UPPER", new[] { 37f, 47, 21, 67, 77, 33, 23, 26, 9 })]
    [TestCase("SAME_LOWER", new[] { 4f, 11, 18, 18, 37, 47, 36, 67, 77 })]
    [TestCase("VALID", new[] { 37f, 47, 67, 77 })]
    public void Conv_AutoPad(string autoPad, float[] expected) =>
        Assert.That(Floats(new Conv(autoPad), Image, TensorData.OfFloats([1, 2, 3, 4], 1, 1, 2, 2)), Is.EqualTo(expected));

    [Test]
    public void Conv_GroupsReadTheirOwnChannels()
    {
        TensorData x = TensorData.OfFloats([1, 2, 3, 4], 1, 4, 1), w = TensorData.OfFloats([1, 10, 100, 1000], 2, 2, 1);
        Assert.That(Floats(new Conv(Group: 2), x, w), Is.EqualTo(new[] { 21f, 4300 }));
        Assert.That(Floats(new Conv(Group: 4), x, TensorData.OfFloats([1, 10, 100, 1000], 4, 1, 1)), Is.EqualTo(new[] { 1f, 20, 300, 4000 }));
    }

    [Test]
    public void Conv_OfAnOffsetInput_EqualsItsPadValue()
    {
        // With the mean as pad value, convolving x equals convolving x - mean with zeros around it and adding the mean's share.
        TensorData w = TensorData.OfFloats([1, 2, 3, 4], 1, 1, 2, 2);
        TensorData shifted = TensorData.OfFloats([.. Image.Span<float>().ToArray().Select(v => v + 100)], 1, 1, 3, 3);
        float[] plain = Floats(new Conv(Pads: [1, 1, 1, 1]), Image, w);
        float[] folded = Floats(new Conv(Pads: [1, 1, 1, 1]), shifted, w, Floats(-1000), Floats(100));
        Assert.That(folded, Is.EqualTo(plain));
    }

    [Test]
    public void Conv_KeepsNamedDims()
    {
        TensorType y = Infer(new Conv(Pads: [1, 1, 1, 1], Strides: [2, 1]), Float32("N", "3", "H", "W"), Float32("8", "3", "3", "3"));
        Assert.That(y.Dims[2].Substitute(_ => 7), Is.EqualTo((IndexExpr)4));
        Assert.That(y.Dims[2].Substitute(_ => 8), Is.EqualTo((IndexExpr)4));
        Assert.That((y.Dims[0].ToString(), y.Dims[3].ToString()), Is.EqualTo(("N", "W")));
        Assert.That(Infer(new Conv(AutoPad: "SAME_UPPER"), Float32("N", "3", "H", "W"), Float32("8", "3", "5", "5")).ToString(), Is.EqualTo("float32[N, 8, H, W]"));
    }

    [Test]
    public void Conv_CountsItsProducts()
    {
        Conv conv = new(Group: 2);
        TensorType x = Float32("N", "4", "5", "5"), w = Float32("6", "2", "3", "3"), y = Infer(conv, x, w);
        Assert.That(conv.Macs([x, w], [y]).ToString(), Is.EqualTo($"{6 * 9 * 2 * 9}*N"));
    }

    [Test]
    public void ConvTranspose_SpreadsElements()
    {
        TensorData x = TensorData.OfFloats([1, 2], 1, 1, 2), w = TensorData.OfFloats([1, 10, 100], 1, 1, 3);
        Assert.That(Floats(new ConvTranspose(), x, w), Is.EqualTo(new[] { 1f, 12, 120, 200 }));
        Assert.That(Floats(new ConvTranspose(Strides: [2]), x, w, Floats(5)), Is.EqualTo(new[] { 6f, 15, 107, 25, 205 }));
        Assert.That(Floats(new ConvTranspose(Strides: [2], Pads: [1, 0], OutputPadding: [1]), x, w), Is.EqualTo(new[] { 10f, 102, 20, 200, 0 }));
    }

    [Test]
    public void MatMul_AsNumPy()
    {
        TensorData a = TensorData.OfFloats([1, 2, 3, 4], 2, 2), b = TensorData.OfFloats([1, 0, 10, 100], 2, 2), v = Floats(1, 10);
        Assert.That(Floats(new MatMul(), a, b), Is.EqualTo(new[] { 21f, 200, 43, 400 }));
        Assert.That(Floats(new MatMul(), a, v), Is.EqualTo(new[] { 21f, 43 }));
        Assert.That(Floats(new MatMul(), v, a), Is.EqualTo(new[] { 31f, 42 }));
        TensorData dot = Evaluate(new MatMul(), v, v);
        Assert.That((dot.Dims.Length, dot.Span<float>()[0]), Is.EqualTo((0, 101f)));
    }

    [Test]
    public void MatMul_BroadcastsLeadingAxes()
    {
        TensorType c = Infer(new MatMul(), Float32("N", "1", "4", "5"), Float32("3", "5", "6"));
        Assert.That(c.ToString(), Is.EqualTo("float32[N, 3, 4, 6]"));
    }

    [Test]
    public void Gemm_ScalesAndTransposes()
    {
        TensorData a = TensorData.OfFloats([1, 2, 3, 4], 2, 2), b = TensorData.OfFloats([1, 0, 10, 100], 2, 2);
        Assert.That(Floats(new Gemm(), a, b, Floats(1, 2)), Is.EqualTo(new[] { 22f, 202, 44, 402 }));
        Assert.That(Floats(new Gemm(0.5f, 2f, true, false), a, b, Floats(1)), Is.EqualTo(new[] { 17.5f, 152, 23, 202 }));
        Assert.That(Floats(new Gemm(TransB: true), a, b), Is.EqualTo(new[] { 1f, 210, 3, 430 }));
    }

    [Test]
    public void CausalConvWithState_ContinuesTheCallBefore()
    {
        TensorData x = TensorData.OfFloats([1, 2, 3], 1, 1, 3), w = TensorData.OfFloats([10, 1], 1, 1, 2);
        TensorData[] first = Import("CausalConvWithState", 27, 2, [x, w]);
        Assert.That(first[0].Span<float>().ToArray(), Is.EqualTo(new float[] { 1, 12, 23 }));
        TensorData[] second = Import("CausalConvWithState", 27, 2, [x, w, Floats(100), first[1]]);
        Assert.That(second[0].Span<float>().ToArray(), Is.EqualTo(new float[] { 131, 112, 123 }));
        Assert.That(second[1].Span<float>().ToArray(), Is.EqualTo(new float[] { 3 }));
        Assert.That(() => Import("CausalConvWithState", 27, 2, [x, w, null, x]), Throws.TypeOf<Compiler.Diagnostics.DiagnosticException>().With.Message.Contain("state"));
    }

    [Test]
    public void WhatDoesNotFit_IsRefused()
    {
        Assert.That(Refusal(new Conv(), Float32("1", "3", "8", "8"), Float32("4", "2", "3", "3")), Does.Contain("do not fit input"));
        Assert.That(Refusal(new Conv(Group: 3), Float32("1", "3", "8", "8"), Float32("4", "1", "3", "3")), Does.Contain("do not divide into 3 groups"));
        Assert.That(Refusal(new Conv(), Float32("1", "3", "2", "2"), Float32("4", "3", "3", "3")), Does.Contain("does not fit spatial axis 0"));
        Assert.That(Refusal(new Conv(Strides: [0, 1]), Float32("1", "3", "8", "8"), Float32("4", "3", "3", "3")), Does.Contain("not positive"));
        Assert.That(Refusal(new Conv(Pads: [1]), Float32("1", "3", "8", "8"), Float32("4", "3", "3", "3")), Does.Contain("pads has 1 values"));
        Assert.That(Refusal(new Conv("FULL"), Float32("1", "3", "8", "8"), Float32("4", "3", "3", "3")), Does.Contain("'FULL' is unknown"));
        Assert.That(Refusal(new Conv(), Float32("1", "3", "8", "8"), Float32("4", "3", "3", "3"), Float32("5")), Does.Contain("not a vector of 4"));
        Assert.That(Refusal(new MatMul(), Float32("4", "5"), Float32("6", "5")), Does.Contain("do not multiply"));
        Assert.That(Refusal(new Gemm(), Float32("4", "5"), Float32("5", "6"), Float32("5")), Does.Contain("broadcast"));
        Assert.That(Refusal(new ConvTranspose(OutputPadding: [-1]), Float32("1", "2", "8"), Float32("2", "3", "3")), Does.Contain("output_padding"));
    }
}
