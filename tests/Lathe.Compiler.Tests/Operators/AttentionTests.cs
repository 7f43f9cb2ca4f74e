using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Compiler.Operators.Movement;
using Lathe.Runtime;
using static Lathe.Compiler.Tests.Operators.OperatorCase;

namespace Lathe.Compiler.Tests.Operators;

/// <summary>Attention and rotary embeddings against values worked out by hand.</summary>
internal sealed class AttentionTests
{
    private static readonly float Log3 = (float)Math.Log(3);

    /// <summary>Two queries of 1; keys 0 and log 3, which share the weight 1 : 3; values 10 and 2.</summary>
    private static readonly TensorData Query = TensorData.OfFloats([1, 1], 1, 1, 2, 1), Key = TensorData.OfFloats([0, Log3], 1, 1, 2, 1), Value = TensorData.OfFloats([10, 2], 1, 1, 2, 1);

    [Test]
    public void Attention_WeighsValues() => Assert.That(Attend([Query, Key, Value]), Is.EqualTo(new float[] { 4, 4 }).Within(1e-5));

    [Test]
    public void Attention_OfTheCausalKind_SeesNoLaterKey() =>
        Assert.That(Attend([Query, Key, Value], ("is_causal", 1L)), Is.EqualTo(new float[] { 10, 4 }).Within(1e-5));

    [TestCase(-1L, 0L, new float[] { 10, 4 })]
    [TestCase(0L, 0L, new float[] { 10, 2 })]
    [TestCase(0L, -1L, new float[] { 4, 2 })]
    public void Attention_InAWindow(long left, long right, float[] expected) =>
        Assert.That(Attend([Query, Key, Value], ("left_window_size", left), ("right_window_size", right)), Is.EqualTo(expected).Within(1e-5));

    [Test]
    public void Attention_UnderAMask()
    {
        TensorData mask = TensorData.Of<bool>(ElementType.Bool, [false, true, false, false], 2, 2);
        Assert.That(Attend([Query, Key, Value, mask]), Is.EqualTo(new float[] { 2, 0 }), "a query that sees nothing gives 0");
        Assert.That(Attend([Query, Key, Value, TensorData.OfFloats([Log3, 0], 2)]), Is.EqualTo(new float[] { 6, 6 }).Within(1e-5), "numbers are added");
        Assert.That(Attend([Query, Key, Value, TensorData.OfFloats([0, 0], 2, 1)]), Is.EqualTo(new float[] { 10, 10 }), "a mask that ends before the keys hides the rest");
    }

    [Test]
    public void Attention_OfFewerKeysThanThereIsRoomFor()
    {
        TensorData?[] inputs = [Query, Key, Value, null, null, null, TensorData.OfInt64s(1)];
        Assert.That(Attend(inputs), Is.EqualTo(new float[] { 10, 10 }));
        Assert.That(Attend(inputs, ("is_causal", 1L)), Is.EqualTo(new float[] { 0, 10 }), "queries are the last of the keys that count");
    }

    [Test]
    public void Attention_ContinuesThePast()
    {
        TensorData last = TensorData.OfFloats([1], 1, 1, 1, 1), past = TensorData.OfFloats([0], 1, 1, 1, 1), key = TensorData.OfFloats([Log3], 1, 1, 1, 1);
        TensorData[] outputs = Import(
            "Attention", 23, 4, [last, key, TensorData.OfFloats([2], 1, 1, 1, 1), null, past, TensorData.OfFloats([10], 1, 1, 1, 1)],
            ("scale", 1f), ("is_causal", 1L), ("qk_matmul_output_mode", 3L));
        Assert.That(outputs[0].GetDouble(0), Is.EqualTo(4).Within(1e-5));
        Assert.That(outputs[1].Span<float>().ToArray(), Is.EqualTo(new[] { 0, Log3 }));
        Assert.That(outputs[2].Span<float>().ToArray(), Is.EqualTo(new float[] { 10, 2 }));
        Assert.That(outputs[3].Span<float>().ToArray(), Is.EqualTo(new[] { 0.25f, 0.75f }).Within(1e-6));
    }

    [TestCase(0L, 2.0)]
    [TestCase(1L, 1.5231883)]
    [TestCase(2L, 2.5231883)]
    [TestCase(3L, 1.0)]
    public void Attention_GivesItsScoresAtAPointOfChoice(long mode, double expected)
    {
        // The score is 2, a cap of 2 makes it 2 tanh 1, and the mask adds 1.
        TensorData one = TensorData.OfFloats([1], 1, 1, 1, 1), two = TensorData.OfFloats([2], 1, 1, 1, 1);
        (string, object)[] attributes = [("scale", 1f), ("softcap", 2f), ("qk_matmul_output_mode", mode)];
        TensorData score = Import("Attention", 23, 4, [one, two, one, Floats(1)], attributes)[3];
        Assert.That(score.GetDouble(0), Is.EqualTo(expected).Within(1e-6));
    }

    [Test]
    public void Attention_SharesHeads_AlsoJoined()
    {
        // Two heads of queries, 1 and 0, for one of keys.
        TensorData joined = TensorData.OfFloats([1, 0], 1, 1, 2), keys = TensorData.OfFloats([0, Log3], 1, 2, 1), values = TensorData.OfFloats([10, 2], 1, 2, 1);
        TensorData y = Import("Attention", 23, [joined, keys, values], ("q_num_heads", 2L), ("kv_num_heads", 1L), ("scale", 1f))[0];
        Assert.That(y.Dims, Is.EqualTo(new long[] { 1, 1, 2 }));
        Assert.That(y.Span<float>().ToArray(), Is.EqualTo(new float[] { 4, 6 }).Within(1e-5));
        Assert.That(() => Import("Attention", 23, [joined, keys, values]), Throws.TypeOf<DiagnosticException>().With.Message.Contain("q_num_heads"));
    }

    [Test]
    public void FlexAttention_ChangesScoresAndShares()
    {
        OnnxGraph negate = new((g, x) => [g.Add(new Neg(), x[0])]), twice = new((g, x) => [g.Add(new Add(), x[0], x[0])]), squeeze = new((g, x) => [g.Add(new Squeeze(), x[0])]);
        Assert.That(Flex(), Is.EqualTo(new float[] { 4, 4 }).Within(1e-5));
        Assert.That(Flex(("score_mod", negate)), Is.EqualTo(new float[] { 8, 8 }).Within(1e-5));
        Assert.That(Flex(("prob_mod", twice)), Is.EqualTo(new float[] { 8, 8 }).Within(1e-5));
        Assert.That(() => Flex(("prob_mod", squeeze)), Throws.TypeOf<DiagnosticException>().With.Message.Contain("prob_mod"));

        static float[] Flex(params (string Name, object Value)[] attributes) =>
            Import("FlexAttention", 1, "ai.onnx.preview", [Query, Key, Value], [("scale", 1f), .. attributes])[0].Span<float>().ToArray();
    }

    [TestCase(0L, new float[] { -3, -4, 1, 2 })]
    [TestCase(1L, new float[] { -2, 1, -4, 3 })]
    public void RotaryEmbedding_ByARightAngle(long interleaved, float[] expected)
    {
        TensorData x = TensorData.OfFloats([1, 2, 3, 4], 1, 1, 1, 4), cosines = TensorData.OfFloats([1, 1, 0, 0], 2, 2), sines = TensorData.OfFloats([0, 0, 1, 1], 2, 2);
        TensorData y = Import("RotaryEmbedding", 23, [x, cosines, sines, TensorData.Of<long>(ElementType.Int64, [1], 1, 1)], ("interleaved", interleaved))[0];
        Assert.That(y.Span<float>().ToArray(), Is.EqualTo(expected));
    }

    [Test]
    public void RotaryEmbedding_OfTheFirstElements_LeavesTheRest()
    {
        TensorData x = TensorData.OfFloats([1, 2, 3, 4], 1, 1, 4), zero = TensorData.OfFloats([0], 1, 1, 1), one = TensorData.OfFloats([1], 1, 1, 1);
        TensorData y = Import("RotaryEmbedding", 23, [x, zero, one], ("num_heads", 1L), ("rotary_embedding_dim", 2L))[0];
        Assert.That(y.Dims, Is.EqualTo(new long[] { 1, 1, 4 }));
        Assert.That(y.Span<float>().ToArray(), Is.EqualTo(new float[] { -2, 1, 3, 4 }));
    }

    private static float[] Attend(TensorData?[] inputs, params (string Name, object Value)[] attributes) =>
        Import("Attention", 25, inputs, [("scale", 1f), .. attributes])[0].Span<float>().ToArray();
}
