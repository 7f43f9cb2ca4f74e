using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Compiler.Operators.Linear;
using Lathe.Kernels.Llvm;
using Lathe.Kernels.Loops;
using Lathe.Runtime;
using Lathe.Runtime.Native;
using Lathe.Runtime.Plans;
using Cast = Lathe.Compiler.Operators.Shapes.Cast;
using ModelGraph = Lathe.Compiler.Graph.Graph;

namespace Lathe.Compiler.Tests;

/// <summary>Models whose weights have 16 bits, on every instruction set and natively, against the meaning of the same models with rounded weights.</summary>
[TestFixture]
internal sealed class SixteenBitWeightTests
{
    /// <summary>Every way of running a kernel on this machine: an instruction set, and whether natively.</summary>
    private static IEnumerable<object[]> Ways()
    {
        foreach (Isa isa in Enum.GetValues<Isa>().Where(i => i.IsAvailable())) yield return [isa, "csharp"];
        if (ObjectCompiler.Version is null) yield break;
        foreach (Isa isa in ((Isa[])[Isa.Avx2, Isa.Avx512]).Where(CpuFeatures.CanRun)) yield return [isa, "native"];
    }

    /// <summary>All 65,536, also where denormal numbers count as zero: none of these is one in float32.</summary>
    [TestCaseSource(nameof(Ways))]
    public void Widening_IsExact(Isa isa, string kernels)
    {
        foreach (ElementType element in (ElementType[])[ElementType.Float16, ElementType.BFloat16])
        {
            GraphBuilder g = new();
            Value x = g.Add(new Input("x", TensorType.Of(element, 65536)));
            ModelGraph graph = g.Build("g", [new GraphPort("x", x)], [new GraphPort("y", g.Add(new Cast(ElementType.Float32), x))], []);
            ushort[] bits = [.. Enumerable.Range(0, 65536).Select(i => (ushort)i)];
            foreach (bool flush in (bool[])[false, true])
            {
                using CompiledGraph compiled = new(graph, isa: isa, flushDenormals: flush, options: new CompileOptions { Kernels = kernels });
                ReadOnlySpan<float> y = compiled.Run(TensorData.Of<ushort>(element, bits, 65536))[0].Span<float>();
                Assert.That(compiled.Request.Ran.Fallbacks, Is.Empty);
                for (int i = 0; i < y.Length; i++)
                {
                    float expected = element == ElementType.Float16 ? (float)BitConverter.UInt16BitsToHalf(bits[i]) : BitConverter.UInt32BitsToSingle((uint)i << 16);
                    if (float.IsNaN(expected) ? !float.IsNaN(y[i]) : BitConverter.SingleToInt32Bits(y[i]) != BitConverter.SingleToInt32Bits(expected))
                        Assert.Fail($"{element} {bits[i]:X4} is {y[i]}, not {expected} (flush: {flush})");
                }
            }
        }
    }

    [TestCaseSource(nameof(Ways))]
    public void Convolutions_AreThoseOfRoundedWeights(Isa isa, string kernels)
    {
        for (int seed = 0; seed < 2; seed++)
        {
            Random random = new(seed);
            Check(isa, kernels, g => [.. Enumerable.Range(0, 10).Select(i => Convolution(g, random, (seed * 100) + i))]);
        }
    }

    [TestCaseSource(nameof(Ways))]
    public void Products_AreThoseOfRoundedWeights(Isa isa, string kernels)
    {
        for (int seed = 0; seed < 2; seed++)
        {
            Random random = new(seed);
            Check(isa, kernels, g => [.. Enumerable.Range(0, 10).Select(i => Product(g, random, (seed * 100) + i)), Large(g, seed)]);
        }
    }

    [Test]
    public void SmallWeights_OfARow_KeepTheirDigits()
    {
        // Of 2^-20 float16 has 5 bits, which would be an error of 3e-2: such weights are moved into its range.
        GraphBuilder g = new();
        Value x = g.Add(new Input("x", TensorType.Of(ElementType.Float32, 1, 600))), w = g.Constant(Scaled(RandomTensor.Of(ElementType.Float32, 1, 600, 600), Math.Pow(2, -20)));
        ModelGraph graph = g.Build("g", [new GraphPort("x", x)], [new GraphPort("y", g.Add(new MatMul(), x, w))], []);
        TensorData input = RandomTensor.Of(ElementType.Float32, 2, 1, 600);
        using CompiledGraph compiled = new(graph, isa: Isas.Best(), options: new CompileOptions { Precision = "fp16" });
        Tensors.AssertClose(compiled.Run(input)[0], GraphEvaluator.Run(graph, [input])[0], 1e-3);
        Assert.That(compiled.Request.Ran.Precisions.Keys, Is.EqualTo(new[] { "fp16" }));
        Assert.That(compiled.Model.Info.PreparedBytes, Is.Zero);
    }

    [TestCase("fp16")]
    [TestCase("bf16")]
    public void Weights_TakeHalf_AndLoadingMakesTheRest(string precision)
    {
        GraphBuilder g = new();
        Value x = g.Add(new Input("x", TensorType.Of(ElementType.Float32, 1, 64, 40, 40)));
        Value y = g.Add(new Conv(Pads: [1, 1, 1, 1]), g.Add(new Conv(Pads: [1, 1, 1, 1], Strides: [2, 2]), x, Weights(g, 1, 64, 64, 3, 3)), Weights(g, 2, 64, 64, 3, 3));
        ModelGraph graph = g.Build("g", [new GraphPort("x", x)], [new GraphPort("y", y)], []);
        using CompiledGraph wide = new(graph, isa: Isas.Best(), options: new CompileOptions { Winograd = false }), narrow = new(graph, isa: Isas.Best(), options: new CompileOptions { Precision = precision });
        narrow.Run(RandomTensor.Of(ElementType.Float32, 3, 1, 64, 40, 40));
        Assert.That(narrow.Model.Info.WeightBytes, Is.EqualTo(wide.Model.Info.WeightBytes / 2).Within(1000), "the matrix of Winograd's transform is there too");
        Assert.That(narrow.Model.Info.PreparedBytes, Is.GreaterThanOrEqualTo(wide.Model.Info.WeightBytes));
        Assert.That(narrow.Manifest, Does.Contain($"\"precision\": \"{precision}\""));
        Assert.That(narrow.Request.Ran.Precisions[precision], Is.EqualTo(2));
        Assert.That(wide.Model.Info.PreparedBytes, Is.Zero);
    }

    private static void Check(Isa isa, string kernels, Func<GraphBuilder, Value[]> build)
    {
        GraphBuilder g = new();
        Value[] values = build(g);
        ModelGraph graph = Graph(g, values);
        TensorData[] inputs = [.. graph.Inputs.Select((p, i) => RandomTensor.Of(ElementType.Float32, 1000 + i, p.Value.Type.StaticDims))];
        foreach ((string precision, int bits) in (ReadOnlySpan<(string, int)>)[("fp16", 11), ("bf16", 8)])
        {
            IReadOnlyList<TensorData> expected = GraphEvaluator.Run(WithRoundedWeights(graph, bits), inputs);
            using CompiledGraph compiled = new(graph, isa: isa, threads: 2, options: new CompileOptions { Precision = precision, Kernels = kernels });
            TensorData[] actual = compiled.Run(inputs);
            Assert.That(compiled.Request.Ran.Precisions.GetValueOrDefault(precision), Is.GreaterThanOrEqualTo(values.Length));
            Assert.That(compiled.Request.Ran.Fallbacks, Is.Empty);
            // What float32 rounds of sums of up to 2000 products, and Winograd's algorithm of its transforms, twice 4e-6 of the largest; rounded weights alone differ by 1e-3.
            for (int i = 0; i < actual.Length; i++) Tensors.AssertClose(actual[i], expected[i], 8e-6);
        }
    }

    private static ModelGraph Graph(GraphBuilder g, Value[] values) => g.Build(
        "g",
        Inputs.Select((x, i) => new GraphPort(((Input)x.Op).Port, x)),
        values.Select((v, i) => new GraphPort($"y{i}", v)),
        []);

    private static readonly List<Value> Inputs = [];

    [SetUp]
    public void Begin() => Inputs.Clear();

    private static Value Given(GraphBuilder g, params long[] dims)
    {
        Value x = g.Add(new Input($"x{Inputs.Count}", TensorType.Of(ElementType.Float32, dims)));
        Inputs.Add(x);
        return x;
    }

    private static Value Weights(GraphBuilder g, int seed, params long[] dims) => g.Constant(RandomTensor.Of(ElementType.Float32, seed, dims));

    private static TensorData Scaled(TensorData data, double factor)
    {
        for (int i = 0; i < data.Count; i++) data.SetDouble(i, data.GetDouble(i) * factor);
        return data;
    }

    /// <summary>Groups, depthwise ones, tails of channels and rows, kernels of any size, among them those of Winograd's algorithm.</summary>
    private static Value Convolution(GraphBuilder g, Random random, int seed)
    {
        int kernel = random.Next(2) == 0 ? 3 : random.Next(1, 6), stride = random.Next(3) == 0 ? 2 : 1, pad = random.Next(0, kernel), channels, filters, groups = 1;
        switch (random.Next(5))
        {
            case 0: channels = filters = groups = random.Next(260, 300); break;
            case 1: (groups, channels, filters) = (4, 4 * random.Next(4, 9), 4 * random.Next(8, 11)); break;
            case 2: (channels, filters) = (3, random.Next(100, 120)); break;
            default: (channels, filters) = (random.Next(16, 70), random.Next(17, 70)); break;
        }

        Value x = Given(g, random.Next(1, 3), channels, random.Next(7, 15), random.Next(7, 20)), b = Weights(g, seed + 50, filters);
        Value w = Weights(g, seed, filters, channels / groups, kernel, kernel);
        return g.Add(new Relu(), g.Add(new Conv(Group: groups, Pads: [pad, pad, pad, pad], Strides: [stride, stride]), x, w, b));
    }

    private static Value Product(GraphBuilder g, Random random, int seed)
    {
        int m = random.Next(2) == 0 ? 1 : random.Next(2, 9), k = random.Next(20, 200), n = random.Next(20, 100);
        return random.Next(4) switch
        {
            0 => g.Add(new MatMul(), Given(g, random.Next(1, 3), m, k), Weights(g, seed, k, n)),
            1 => g.Add(new Gemm(TransB: true), Given(g, m, k), Weights(g, seed, n, k), Weights(g, seed + 50, n)),
            2 => g.Add(new Tanh(), g.Add(new Gemm(Alpha: 0.5f, TransA: true), Given(g, k, m), Weights(g, seed, k, n), Weights(g, seed + 50, n))),
            _ => g.Add(new MatMul(), Weights(g, seed, n, k), Given(g, k, m)),
        };
    }

    /// <summary>A row times so many weights that float16 is widened as it is read.</summary>
    private static Value Large(GraphBuilder g, int seed) => g.Add(new Relu(), g.Add(new Gemm(TransB: true), Given(g, 1, 517), Weights(g, seed, 523, 517), Weights(g, seed + 1, 523)));

    private static ModelGraph WithRoundedWeights(ModelGraph graph, int bits)
    {
        GraphBuilder g = new();
        Dictionary<Value, Value> made = [];
        foreach (Node node in graph.TopologicalOrder())
            made[node[0]] = node.Op is Constant { Data: { Dims.Length: > 1 } data } ? g.Constant(Rounded(data, bits)) : g.Add(node.Op, [.. node.Inputs.Select(v => v.IsNone ? v : made[v])]);
        return g.Build("g", graph.Inputs.Select(p => p with { Value = made[p.Value] }), graph.Outputs.Select(p => p with { Value = made[p.Value] }), []);
    }

    /// <summary>To so many bits, the nearest, of two the even one.</summary>
    private static TensorData Rounded(TensorData data, int bits)
    {
        TensorData rounded = TensorData.Zeros(data.Element, data.Dims);
        for (int i = 0; i < data.Count; i++)
        {
            double value = data.GetDouble(i);
            int shift = value == 0 ? 0 : bits - 1 - Math.ILogB(value);
            rounded.SetDouble(i, Math.ScaleB(Math.Round(Math.ScaleB(value, shift), MidpointRounding.ToEven), -shift));
        }

        return rounded;
    }
}
