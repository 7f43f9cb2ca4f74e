using Lathe.Kernels.Loops;
using Lathe.Kernels.Loops.Interpretation;
using Lathe.Kernels.Loops.Text;
using Lathe.Runtime;

namespace Lathe.Kernels.Tests;

/// <summary>Computations evaluated as they stand.</summary>
public sealed class ComputationInterpreterTests
{
    private const string Convolution = """
        computation conv: Convolution
        dims H{1..100}
        input X: float32[2, H, 3] layout 0/2,1+1+1,2+1+1,0%2
        input Wt: float32[2, 2, 3, 3]
        output Y: float32[2, H, 3] layout 0/4,1,2,0%4
        stage conv writes Y over oc in 2, oh in H, ow in 3 reducing ic in 2, kh in 3, kw in 3
          acc: float32 = float32(1) then fma(X(ic, oh + kh - 1, ow + kw - 1), Wt(oc, ic, kh, kw), acc)
          result = max(acc, float32(0))
        """;

    [Test]
    public void Run_PaddedBlockedConvolution_MatchesAPlainOne()
    {
        const int H = 4, W = 3;
        Random random = new(1);
        float[,,] x = new float[2, H, W];
        float[,,,] weights = new float[2, 2, 3, 3];
        Memory input = Memory.Zeros(ElementType.Float32, (H + 2) * (W + 2) * 2), packed = Memory.Zeros(ElementType.Float32, 36);
        Memory output = Memory.Uninitialised(ElementType.Float32, H * W * 4);
        for (int c = 0; c < 2; c++)
            for (int h = 0; h < H; h++)
                for (int w = 0; w < W; w++)
                    input.SetFloat((((((h + 1) * (W + 2)) + w + 1) * 2) + c), x[c, h, w] = random.Next(-9, 9));
        for (int i = 0; i < 36; i++) packed.SetFloat(i, weights[i / 18, i / 9 % 2, i / 3 % 3, i % 3] = random.Next(-9, 9));
        ComputationInterpreter.Run(Parser.ParseComputation(Convolution), [input, packed, output], [H]);
        for (int oc = 0; oc < 2; oc++)
        {
            for (int oh = 0; oh < H; oh++)
            {
                for (int ow = 0; ow < W; ow++)
                {
                    float sum = 1;
                    for (int ic = 0; ic < 2; ic++)
                        for (int kh = Math.Max(0, 1 - oh); kh < Math.Min(3, H + 1 - oh); kh++)
                            for (int kw = Math.Max(0, 1 - ow); kw < Math.Min(3, W + 1 - ow); kw++)
                                sum += x[ic, oh + kh - 1, ow + kw - 1] * weights[oc, ic, kh, kw];
                    Assert.That(output.GetFloat((((oh * W) + ow) * 4) + oc), Is.EqualTo(Math.Max(sum, 0)), $"{oc} {oh} {ow}");
                }
            }
        }

        Assert.That(output.IsWritten(2), Is.False, "the rest of a block belongs to no element");
    }

    [Test]
    public void Run_StridesThatAreGiven_AreThoseOfTheMemory()
    {
        const string text = """
            computation copy: Map
            dims H{1..100}, image{1..1099511627776}, row{1..1099511627776}
            input X: float32[2, H, 3] layout 0*image,1*row,2
            output Y: float32[2, H, 3]
            stage copy writes Y over n in 2, h in H, i in 3
              result = X(n, h, i)
            """;
        Computation copy = Parser.ParseComputation(text);
        Assert.That(Printer.Print(Parser.ParseComputation(Printer.Print(copy))), Is.EqualTo(Printer.Print(copy)).And.Contains("layout 0*image,1*row,2"));
        Memory input = Memory.Zeros(ElementType.Float32, 60), output = Memory.Uninitialised(ElementType.Float32, 24);
        for (int i = 0; i < 60; i++) input.SetFloat(i, i);
        ComputationInterpreter.Run(copy, [input, output], [4, 29, 5]);
        for (int i = 0; i < 24; i++) Assert.That(output.GetFloat(i), Is.EqualTo((i / 12 * 29) + (i / 3 % 4 * 5) + (i % 3)));
    }

    [Test]
    public void Run_TwoAccumulators_SeeTheValuesBefore()
    {
        Computation argMax = Parser.ParseComputation("""
            computation argmax: Reduction
            input X: float32[5]
            output Y: int32[]
            stage best writes Y reducing i in 5
              value: float32 = X(0) then max(X(i), value)
              at: int32 = int32(0) then select(value < X(i), int32[i], at)
              result = at
            """);
        Memory result = Memory.Uninitialised(ElementType.Int32, 1);
        ComputationInterpreter.Run(argMax, [Memory.Of(1f, 7f, 3f, 7f, 2f), result], []);
        Assert.That(result.As<int>()[0], Is.EqualTo(1));
    }

    [Test]
    public void Run_TemporaryWithHalo_IsZeroThere()
    {
        Computation blur = Parser.ParseComputation("""
            computation blur: Map
            input X: float32[3]
            output Y: float32[3]
            constant taps: float32[3] = {0.25, 0.5, 0.25}
            temporary T: float32[3] layout 0+1+1
            stage copy writes T over i in 3
              result = X(i) + float32(0)
            stage blur writes Y over i in 3 reducing k in 3
              acc: float32 = float32(0) then fma(T(i + k - 1), taps(k), acc)
              result = acc
            """);
        Memory y = Memory.Uninitialised(ElementType.Float32, 3);
        ComputationInterpreter.Run(blur, [Memory.Of(4f, 8f, 12f), y], []);
        Assert.That(y.As<float>().ToArray(), Is.EqualTo(new float[] { 4, 8, 8 }));
    }

    [TestCase("result = X(i + 1)", "stage s: has index 3 on axis 0 of X, whose extent is 3")]
    [TestCase("result = T(i)", "stage s: reads element 0 of T, which was never written")]
    [TestCase("result = X(i, i)", "uses 2 indices for X, which has 1")]
    [TestCase("result = int32[i]", "stores a int32 to T")]
    public void Run_Mistake_NamesTheStage(string result, string problem)
    {
        Computation computation = Parser.ParseComputation($"""
            computation c: Map
            input X: float32[3]
            output Y: float32[3]
            temporary T: float32[3]
            stage s writes T over i in 3
              {result}
            stage t writes Y over i in 3
              result = T(i)
            """);
        Memory[] buffers = [Memory.Of(1f, 2f, 3f), Memory.Zeros(ElementType.Float32, 3)];
        string message = Assert.Throws<InterpreterException>(() => ComputationInterpreter.Run(computation, buffers, []))!.Message;
        Assert.That(message, Does.StartWith("c: ").And.Contain(problem));
    }
}
