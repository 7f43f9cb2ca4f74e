using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Normalization;
using Lathe.Compiler.Operators.Pooling;
using Lathe.Compiler.Operators.Reductions;
using static Lathe.Compiler.Tests.Operators.OperatorCase;

namespace Lathe.Compiler.Tests.Operators;

/// <summary>Reductions, pools and normalisations against values worked out by hand.</summary>
internal sealed class ReductionTests
{
    private static readonly TensorData Matrix = TensorData.OfFloats([1, 2, 3, -4, 5, 6], 2, 3);

    private static IEnumerable<TestCaseData> Reductions()
    {
        (Op Op, float[] Expected)[] cases =
        [
            (new ReduceSum([1]), [6, 7]), (new ReduceSum([0], false), [-3, 7, 9]), (new ReduceSum(), [13]), (new ReduceSum([]), [1, 2, 3, -4, 5, 6]),
            (new ReduceMean([-1]), [2, 7f / 3]), (new ReduceMax([0]), [1, 5, 6]), (new ReduceMin([1]), [1, -4]), (new ReduceProd([1]), [6, -120]),
            (new ReduceL1([1]), [6, 15]), (new ReduceL2([0]), [MathF.Sqrt(17), MathF.Sqrt(29), MathF.Sqrt(45)]), (new ReduceSumSquare([1]), [14, 77]),
            (new ReduceSumSquare([]), [1, 4, 9, 16, 25, 36]), (new ReduceLogSum([1]), [MathF.Log(6), MathF.Log(7)]), (new ReduceLogSumExp([0]), [1.0067153f, 5.0485873f, 6.0485873f]),
        ];
        return cases.Select(c => new TestCaseData(c.Op, c.Expected).SetArgDisplayNames(c.Op.ToString()));
    }

    [TestCaseSource(nameof(Reductions))]
    public void Reduction_OfAMatrix(Op op, float[] expected) => Assert.That(Floats(op, Matrix), Is.EqualTo(expected).Within(1e-6));

    [Test]
    public void LogSumExp_DoesNotOverflow()
    {
        Assert.That(Floats(new ReduceLogSumExp(), Floats(1000, 1000))[0], Is.EqualTo(1000.6931f).Within(1e-4));
        Assert.That(Floats(new ReduceLogSumExp(), Floats(float.NegativeInfinity, float.NegativeInfinity))[0], Is.EqualTo(float.NegativeInfinity));
    }

    [Test]
    public void Nothing_ReducesToTheNeutralElement()
    {
        TensorData none = TensorData.OfFloats([], 0, 2);
        Assert.That(Floats(new ReduceSum([0]), none), Is.EqualTo(new float[] { 0, 0 }));
        Assert.That(Floats(new ReduceProd([0]), none), Is.EqualTo(new float[] { 1, 1 }));
        Assert.That(Floats(new ReduceMax([0]), none), Is.EqualTo(new[] { float.NegativeInfinity, float.NegativeInfinity }));
        Assert.That(Floats(new ReduceMin([0]), none), Is.EqualTo(new[] { float.PositiveInfinity, float.PositiveInfinity }));
    }

    [TestCase(false, new long[] { 1, 0 })]
    [TestCase(true, new long[] { 2, 2 })]
    public void ArgMax_OfTies_IsTheFirstOrTheLast(bool last, long[] expected)
    {
        TensorData x = TensorData.OfFloats([1, 3, 3, 2, 1, 2], 2, 3);
        Assert.That(Evaluate(new ArgMax(1, false, last), x).Span<long>().ToArray(), Is.EqualTo(expected));
    }

    [Test]
    public void ArgMin_AlongAnyAxis() =>
        Assert.That(Evaluate(new ArgMin(0), Matrix).Span<long>().ToArray(), Is.EqualTo(new long[] { 1, 0, 0 }));

    [Test]
    public void Axes_ComeAsAttributeOrInput()
    {
        Assert.That(Import("ReduceSum", 11, [Matrix], ("axes", new long[] { 1 }), ("keepdims", 0L))[0].Dims, Is.EqualTo(new long[] { 2 }));
        Assert.That(Import("ReduceSum", 13, [Matrix, TensorData.OfInt64s(0)])[0].Dims, Is.EqualTo(new long[] { 1, 3 }));
        Assert.That(Import("ReduceSum", 13, [Matrix, TensorData.OfInt64s()])[0].Dims, Is.EqualTo(new long[] { 1, 1 }));
        Assert.That(Import("ReduceSum", 13, [Matrix, TensorData.OfInt64s()], ("noop_with_empty_axes", 1L))[0].Dims, Is.EqualTo(new long[] { 2, 3 }));
        Assert.That(Refusal(new ReduceSum([2]), Float32("2", "3")), Does.Contain("axis 2"));
        Assert.That(Refusal(new ReduceSum([0, -2]), Float32("2", "3")), Does.Contain("twice"));
    }

    [Test]
    public void Pools_OfARow()
    {
        TensorData x = TensorData.OfFloats([1, 2, 3, 4, 5], 1, 1, 5);
        Assert.That(Floats(new MaxPool(KernelShape: [2], Strides: [2]), x), Is.EqualTo(new float[] { 2, 4 }));
        Assert.That(Floats(new MaxPool(CeilMode: true, KernelShape: [2], Strides: [2]), x), Is.EqualTo(new float[] { 2, 4, 5 }));
        Assert.That(Floats(new MaxPool(KernelShape: [2], Dilations: [3]), x), Is.EqualTo(new float[] { 4, 5 }));
        Assert.That(Floats(new AveragePool(KernelShape: [3], Pads: [1, 1], Strides: [2]), x), Is.EqualTo(new[] { 1.5f, 3, 4.5f }));
        Assert.That(Floats(new AveragePool(CountIncludePad: true, KernelShape: [3], Pads: [1, 1], Strides: [2]), x), Is.EqualTo(new[] { 1f, 3, 3 }));
        Assert.That(Floats(new AveragePool(CeilMode: true, CountIncludePad: true, KernelShape: [3], Pads: [0, 1], Strides: [3]), x), Is.EqualTo(new[] { 2f, 3 }));
        Assert.That(Floats(new LpPool(KernelShape: [2], Strides: [3]), x), Is.EqualTo(new[] { MathF.Sqrt(5), MathF.Sqrt(41) }));
        Assert.That(Floats(new GlobalAveragePool(), x), Is.EqualTo(new[] { 3f }));
        Assert.That(Floats(new GlobalMaxPool(), x), Is.EqualTo(new[] { 5f }));
        Assert.That(Floats(new GlobalLpPool(1), x), Is.EqualTo(new[] { 15f }));
    }

    [Test]
    public void MaxPool_GivesWhereItsMaximaLie()
    {
        TensorData x = TensorData.OfFloats([5, 1, 2, 3, 4, 9, 0, 0], 1, 1, 2, 4);
        TensorData[] outputs = Import("MaxPool", 12, 2, [x], ("kernel_shape", new long[] { 2, 2 }), ("strides", new long[] { 1, 2 }));
        Assert.That(outputs[0].Span<float>().ToArray(), Is.EqualTo(new float[] { 9, 3 }));
        Assert.That(outputs[1].Span<long>().ToArray(), Is.EqualTo(new long[] { 5, 3 }));
        outputs = Import("MaxPool", 12, 2, [x], ("kernel_shape", new long[] { 2, 2 }), ("strides", new long[] { 1, 2 }), ("storage_order", 1L));
        Assert.That(outputs[1].Span<long>().ToArray(), Is.EqualTo(new long[] { 3, 6 }));
    }

    [Test]
    public void Softmaxes_OfARow()
    {
        TensorData x = Floats(0, MathF.Log(2), MathF.Log(5));
        Assert.That(Floats(new Softmax(), x), Is.EqualTo(new[] { 0.125f, 0.25f, 0.625f }).Within(1e-6));
        Assert.That(Floats(new LogSoftmax(), x), Is.EqualTo(new[] { -2.0794415f, -1.3862944f, -0.4700036f }).Within(1e-6));
        Assert.That(Floats(new Hardmax(), Floats(1, 3, 3)), Is.EqualTo(new float[] { 0, 1, 0 }));
        Assert.That(Floats(new Softmax(), Floats(1000, 1000)), Is.EqualTo(new[] { 0.5f, 0.5f }));
    }

    [Test]
    public void Softmax_BeforeOpset13_FlattensWhatLiesBehindItsAxis()
    {
        TensorData x = TensorData.OfFloats([0, 0, 0, 0, 1, 1, 1, 1], 2, 2, 2);
        Assert.That(Import("Softmax", 11, [x])[0].Span<float>().ToArray(), Is.All.EqualTo(0.25f));
        Assert.That(Import("Softmax", 13, [x])[0].Span<float>().ToArray(), Is.All.EqualTo(0.5f));
        TensorData column = TensorData.OfFloats([0, 0, 0, 0], 1, 4, 1, 1);
        Assert.That(Import("Softmax", 7, [column])[0].Span<float>().ToArray(), Is.All.EqualTo(0.25f));
    }

    [Test]
    public void Normalisations_OfARow()
    {
        TensorData x = TensorData.OfFloats([1, 3, 10, 30], 1, 2, 2), two = Floats(2, 1), ten = Floats(10, 0);
        Assert.That(Floats(new InstanceNormalization(0f), x, two, ten), Is.EqualTo(new float[] { 8, 12, -1, 1 }));
        Assert.That(Floats(new LayerNormalization(-1, 0f), x, two, ten), Is.EqualTo(new float[] { 8, 1, 8, 1 }));
        Assert.That(Floats(new RMSNormalization(-1, 0f), TensorData.OfFloats([3, 4], 1, 2), Floats(5, 5)), Is.EqualTo(new[] { 3f / MathF.Sqrt(0.5f), 4f / MathF.Sqrt(0.5f) }).Within(1e-5));
        Assert.That(Floats(new LRN(3, 3f, 1f, 0f), TensorData.OfFloats([1, 2, 4], 1, 3)), Is.EqualTo(new[] { 1f / 5, 2f / 21, 4f / 20 }).Within(1e-6));
    }

    [Test]
    public void LayerNormalization_GivesItsStatistics()
    {
        TensorData x = TensorData.OfFloats([1, 3, 10, 30], 2, 2);
        TensorData[] outputs = Import("LayerNormalization", 17, 3, [x, Floats(1, 1)], ("epsilon", 0f));
        Assert.That(outputs[1].Span<float>().ToArray(), Is.EqualTo(new float[] { 2, 20 }));
        Assert.That(outputs[2].Span<float>().ToArray(), Is.EqualTo(new[] { 1f, 0.1f }).Within(1e-6));
    }

    [Test]
    public void BatchNormalization_InTraining_UsesTheBatch()
    {
        TensorData x = TensorData.OfFloats([1, 10, 3, 30], 2, 2), ones = Floats(1, 1), zeros = Floats(0, 0);
        TensorData[] outputs = Import("BatchNormalization", 15, 3, [x, ones, zeros, zeros, ones], ("training_mode", 1L), ("epsilon", 0f), ("momentum", 0.5f));
        Assert.That(outputs[0].Span<float>().ToArray(), Is.EqualTo(new float[] { -1, -1, 1, 1 }));
        Assert.That(outputs[1].Span<float>().ToArray(), Is.EqualTo(new float[] { 1, 10 }));
        Assert.That(outputs[2].Span<float>().ToArray(), Is.EqualTo(new[] { 1, 50.5f }));
    }
}
