using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Movement;
using Lathe.Compiler.Operators.Shapes;
using Lathe.Runtime;
using static Lathe.Compiler.Tests.Operators.OperatorCase;

namespace Lathe.Compiler.Tests.Operators;

/// <summary>Operators that place elements by data or by the middle, and the bits of elements, against values worked out by hand.</summary>
internal sealed class IndexingTests
{
    [Test]
    public void GatherND_TakesElementsAndSlices()
    {
        TensorData x = TensorData.OfFloats([0, 1, 2, 3], 2, 2);
        Assert.That(Floats(new GatherND(), x, TensorData.Of<long>(ElementType.Int64, [0, 0, 1, -1], 2, 2)), Is.EqualTo(new float[] { 0, 3 }));
        Assert.That(Floats(new GatherND(), x, TensorData.Of<long>(ElementType.Int64, [1, 0], 2, 1)), Is.EqualTo(new float[] { 2, 3, 0, 1 }));
        Assert.That(Floats(new GatherND(), x, TensorData.Of<long>(ElementType.Int64, [9, -9], 1, 2)), Is.EqualTo(new float[] { 2 }), "indices stay inside");
        Assert.That(Refusal(new GatherND(), Float32("2", "2"), Typed(ElementType.Int64, "1", "3")), Does.Contain("3 coordinates"));
    }

    [Test]
    public void GatherND_InABatch()
    {
        TensorData x = TensorData.OfFloats([0, 1, 2, 3, 4, 5, 6, 7], 2, 2, 2);
        TensorData y = Import("GatherND", 12, [x, TensorData.Of<long>(ElementType.Int64, [1, 0], 2, 1)], ("batch_dims", 1L))[0];
        Assert.That(y.Dims, Is.EqualTo(new long[] { 2, 2 }));
        Assert.That(y.Span<float>().ToArray(), Is.EqualTo(new float[] { 2, 3, 4, 5 }));
    }

    [Test]
    public void ReverseSequence_ReversesWhatCounts()
    {
        TensorData x = TensorData.OfFloats([0, 4, 1, 5, 2, 6], 3, 2);
        Assert.That(Floats(new ReverseSequence(), x, TensorData.OfInt64s(2, 9)), Is.EqualTo(new float[] { 1, 6, 0, 5, 2, 4 }), "a length stays inside");
        Assert.That(Floats(new ReverseSequence(0, 1), x, TensorData.OfInt64s(2, 0, -1)), Is.EqualTo(new float[] { 4, 0, 1, 5, 2, 6 }));
        Assert.That(Refusal(new ReverseSequence(1, 1), Float32("3", "2"), Typed(ElementType.Int64, "2")), Does.Contain("first two"));
    }

    [Test]
    public void OneHot_OfIndicesFromEitherEnd()
    {
        TensorData indices = TensorData.OfInt64s(1, -1, 3, -4), values = Floats(0, 5);
        Assert.That(Floats(new OneHot(3), indices, values), Is.EqualTo(new float[] { 0, 5, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0 }));
        Assert.That(Floats(new OneHot(3, 0), TensorData.OfInt64s(1, -1), values), Is.EqualTo(new float[] { 0, 0, 5, 0, 0, 5 }));
        TensorData y = Import("OneHot", 11, [Floats(1, 1e30f, float.NaN), TensorData.OfFloats([2]), values])[0];
        Assert.That(y.Span<float>().ToArray(), Is.EqualTo(new float[] { 0, 5, 0, 0, 0, 0 }));
        Assert.That(() => Import("OneHot", 11, [indices, TensorData.OfInt64s(1, 2), values]), Throws.TypeOf<DiagnosticException>().With.Message.Contain("scalar"));
    }

    [TestCase(2L, new float[] { 1, 2 })]
    [TestCase(8L, new float[] { 0, 0, 1, 2, 3, 4, 0, 0 })]
    [TestCase(5L, new float[] { 0, 1, 2, 3, 4 })]
    public void CenterCropPad_TakesTheMiddle(long length, float[] expected) =>
        Assert.That(Import("CenterCropPad", 18, [Floats(0, 1, 2, 3, 4), TensorData.OfInt64s(length)])[0].Span<float>().ToArray(), Is.EqualTo(expected));

    [Test]
    public void CenterCropPad_OfSomeAxes()
    {
        TensorData x = TensorData.OfFloats([0, 1, 2, 3, 4, 5], 2, 3);
        Assert.That(Import("CenterCropPad", 18, [x, TensorData.OfInt64s(1)], ("axes", new long[] { -1 }))[0].Span<float>().ToArray(), Is.EqualTo(new float[] { 1, 4 }));
        Assert.That(() => Import("CenterCropPad", 18, [x, TensorData.OfInt64s(1)]), Throws.TypeOf<DiagnosticException>());
    }

    [Test]
    public void BitCast_KeepsBits()
    {
        Assert.That(Evaluate(new BitCast(ElementType.Int32), Floats(1)).GetInt64(0), Is.EqualTo(0x3F800000));
        Assert.That(Evaluate(new BitCast(ElementType.Float32), TensorData.Of<int>(ElementType.Int32, [0x40000000], 1)).GetDouble(0), Is.EqualTo(2));
        Assert.That(Evaluate(new BitCast(ElementType.UInt8), TensorData.Of<sbyte>(ElementType.Int8, [-1], 1)).GetInt64(0), Is.EqualTo(255));
        Assert.That(Refusal(new BitCast(ElementType.Int64), Float32("2")), Does.Contain("size"));
    }
}
