using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Linear;
using Lathe.Compiler.Passes;
using Lathe.Runtime;
using Lathe.Runtime.Plans;

namespace Lathe.Compiler.Tests.Passes;

[TestFixture]
internal sealed class ReadImagesTests
{
    /// <summary>Cases in a model, and models for each instruction set: together 2,100 cases.</summary>
    private const int Cases = 140, Models = 5;

    /// <summary>How many cases share a kernel, with other weights, means, scales and images.</summary>
    private const int Shared = 4;

    [Test]
    public void RandomImages_AreWhatConversionOutsideGives([Values(Isa.Vector128, Isa.Avx2, Isa.Avx512)] Isa isa, [Range(0, Models - 1)] int number)
    {
        if (!isa.IsAvailable()) Assert.Ignore($"this machine has no {isa}");
        ImageCase[] cases = [.. Enumerable.Range(0, Cases).Select(i => (((((int)isa * Models) + number) * Cases) + i)).Select(i => new ImageCase(i / Shared, i))];
        GraphBuilder g = new();
        (GraphPort Input, IReadOnlyList<GraphPort> Outputs)[] parts = [.. cases.Select(c => c.Add(g))];
        CompileOptions options = new()
        {
            InputFormats = cases.Where(c => c.Format is not null).ToDictionary(c => c.Name, c => c.Format!),
            Mean = cases.Where(c => c.Mean is not null).ToDictionary(c => c.Name, c => c.Mean!),
            Scale = cases.Where(c => c.Scale is not null).ToDictionary(c => c.Name, c => c.Scale!),
        };
        (TensorData Image, IReadOnlyList<TensorData> Expected, IReadOnlyList<TensorData> Magnitudes)[] runs = [.. cases.Select(c => c.Run())];
        using CompiledGraph compiled = new(g.Build("g", parts.Select(p => p.Input), parts.SelectMany(p => p.Outputs), []), isa: isa, threads: 2, options: options);
        TensorData[] results = compiled.Run([.. runs.Select(r => r.Image)]);
        int next = 0;
        for (int i = 0; i < cases.Length; i++)
        {
            for (int o = 0; o < runs[i].Expected.Count; o++, next++)
            {
                TensorData expected = runs[i].Expected[o], actual = results[next];
                Assert.That(actual.Dims, Is.EqualTo(expected.Dims), cases[i].ToString());
                // Each of n roundings is at most half a unit in the last place of a partial sum, which the sum of the terms' absolute values bounds.
                for (int e = 0; e < expected.Count; e++)
                {
                    double tolerance = cases[i].Roundings * Math.Pow(2, -24) * runs[i].Magnitudes[o].GetDouble(e);
                    if (!(Math.Abs(actual.GetDouble(e) - expected.GetDouble(e)) <= tolerance))
                        Assert.Fail($"{cases[i]}: output {o}, element {e} is {actual.GetDouble(e)}, not {expected.GetDouble(e)} within {tolerance}");
                }
            }
        }
    }

    private const string Padded = """
        graph "g"
        symbol N = 1..4
        %x = input "x" : float32[N, 3, 40, 50]
        %1 = Conv(%x, float32[5, 3, 3, 3] random(1), float32[5] random(2)) {Pads=[1, 2, 0, 1], Strides=[2, 1], Dilations=[1, 2]}
        %2 = Relu(%1)
        return "y" = %2
        """;

    private const string Focus = """
        graph "g"
        %x = input "x" : float32[1, 3, 20, 24]
        %0 = Slice(%x) {Starts=[0], Ends=[2147483647], Axes=[2], Steps=[2]}
        %1 = Slice(%x) {Starts=[1], Ends=[2147483647], Axes=[2], Steps=[2]}
        %2 = Slice(%0) {Starts=[0], Ends=[2147483647], Axes=[3], Steps=[2]}
        %3 = Slice(%1) {Starts=[0], Ends=[2147483647], Axes=[3], Steps=[2]}
        %4 = Slice(%0) {Starts=[1], Ends=[2147483647], Axes=[3], Steps=[2]}
        %5 = Slice(%1) {Starts=[1], Ends=[2147483647], Axes=[3], Steps=[2]}
        %6 = Concat(%2, %3, %4, %5) {Axis=1}
        %7 = Conv(%6, float32[8, 12, 3, 3] random(1)) {Pads=[1, 1, 1, 1]}
        return "y" = %7
        """;

    [TestCase("u8,NHWC,BGR", "Cast+Border+Reshape+Transpose+Conv+Relu")]
    [TestCase("u8,NHWC,BGRA", "Cast+Border+Reshape+Transpose+Slice+Conv+Relu")]
    [TestCase("f32,NHWC", "Border+Reshape+Transpose+Conv+Relu")]
    [TestCase("u16,NCHW,BGR", "Cast+Border+Conv+Relu")]
    [TestCase("i8,RGBP", "Cast+Border+Conv+Relu")]
    [TestCase("f16,NHWC,GRAY", "Cast+Border+Reshape+Transpose+Conv+Relu")]
    public void Convolution_ReadsTheImageItself(string format, string operators)
    {
        // One mean for all: gray would have several at its border otherwise.
        Fused[] groups = Groups(Padded, format, [7, 7, 7]);
        Assert.That(groups.Select(f => string.Join('+', f.Operators.Select(o => o.Name))), Is.EqualTo(new[] { operators }));
    }

    [Test]
    public void SpaceToDepth_IsAWiderWindowOfTheImage()
    {
        Fused group = Groups(Focus, "u8,NHWC,BGR", [1, 2, 3]).Single();
        Assert.That(group.Root.Op, Is.InstanceOf<Conv>());
        Assert.That(group.Root.Inputs[1].Type.Dims.Select(d => d.Value), Is.EqualTo(new[] { 8, 3, 6, 6 }));
        // Of float32 in the model's own order nothing is converted, and blocks of channels have a faster algorithm.
        Assert.That(Groups(Focus, null, null).Length, Is.GreaterThan(1));
    }

    [TestCase("MaxPool(%x) {KernelShape=[2, 2]}")]
    [TestCase("Conv(%x, float32[4, 3, 3, 3] random(1)) {AutoPad=\"SAME_UPPER\", Strides=[2, 2]}")]
    public void WhatIsNoPlainConvolution_IsConvertedBefore(string reader)
    {
        string text = $"""
            graph "g"
            symbol H = 8..64
            %x = input "x" : float32[1, 3, H, 20]
            %1 = {reader}
            return "y" = %1
            """;
        Assert.That(Groups(text, "u8,NHWC,BGR", null).Length, Is.EqualTo(2));
    }

    [Test]
    public void Readers_ConvertForThemselves()
    {
        const string text = """
            graph "g"
            %x = input "x" : float32[1, 3, 40, 50]
            %1 = Conv(%x, float32[5, 3, 3, 3] random(1)) {Pads=[1, 1, 1, 1]}
            %2 = Conv(%x, float32[5, 3, 5, 5] random(2)) {Pads=[2, 2, 2, 2], Strides=[2, 2]}
            return "y" = %1, "z" = %2
            """;
        Assert.That(Groups(text, "u8,NHWC,BGR", [1, 2, 3]).Length, Is.EqualTo(2));
    }

    [Test]
    public void WithoutOptimisation_TheResultIsTheSame()
    {
        CompileOptions options = Options("u8,NHWC,BGRA", [10, 20, 30]);
        TensorData image = TensorData.Zeros(ElementType.UInt8, 1, 40, 50, 4);
        new Random(3).NextBytes(image.Bytes);
        using CompiledGraph fast = new(GraphParser.Parse(Padded), options: options), slow = new(GraphParser.Parse(Padded), optimize: false, options: options);
        // Sums of 28 terms of at most 255.
        Tensors.AssertClose(fast.Run(image)[0], slow.Run(image)[0], 4e-6);
    }

    private static CompileOptions Options(string? format, float[]? mean) => new()
    {
        InputFormats = format is null ? new Dictionary<string, InputFormat>() : new() { [""] = InputFormat.Parse(format) },
        Mean = mean is null ? new Dictionary<string, float[]>() : new() { [""] = mean },
    };

    /// <summary>The groups of a model without those that bring its outputs into the caller's order.</summary>
    private static Fused[] Groups(string text, string? format, float[]? mean)
    {
        PassContext context = new(Options(format, mean) with { Verify = true });
        return [.. Pipeline.RunLower(Pipeline.RunNormalise(GraphParser.Parse(text), context), context).TopologicalOrder().Select(n => n.Op).OfType<Fused>().Where(f => !f.Members.All(m => m.Op is Reorder))];
    }
}
