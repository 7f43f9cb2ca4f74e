using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Compiler.Operators.Linear;
using Lathe.Compiler.Operators.Movement;
using Lathe.Compiler.Operators.Pooling;
using Lathe.Compiler.Operators.Quantization;
using Lathe.Compiler.Passes;
using Lathe.Runtime;
using Lathe.Runtime.Plans;

namespace Lathe.Compiler.Tests.Passes;

/// <summary>Networks between dequantisation and quantisation, of random layers, against their meaning in float64.</summary>
[TestFixture]
internal sealed class ComputeInIntegersTests
{
    [Test]
    public void Network_GivesWhatItsOperatorsMean([Values(Isa.Vector128, Isa.Avx2, Isa.Avx512)] Isa isa, [Range(1, 20)] int seed)
    {
        if (!isa.IsAvailable()) Assert.Ignore($"this machine has no {isa}");
        Random random = new(seed);
        Compiler.Graph.Graph graph = Network(random, layers: random.Next(2, 7));
        using CompiledGraph compiled = new(graph, isa: isa, threads: random.Next(1, 3));
        TensorData input = Bytes(random, graph.Inputs[0].Value.Type.Element, [.. graph.Inputs[0].Value.Type.StaticDims]);
        TensorData actual = compiled.Run(input)[0], expected = GraphEvaluator.Run(graph, [input])[0];

        // A value near a tie may be rounded to either side, which is one step; what follows may carry it on, though less than it began with.
        int off = 0;
        for (int i = 0; i < expected.Count; i++)
        {
            long difference = Math.Abs(actual.GetInt64(i) - expected.GetInt64(i));
            Assert.That(difference, Is.LessThanOrEqualTo(2), $"element {i} of {expected.Count} is {actual.GetInt64(i)}, not {expected.GetInt64(i)}");
            if (difference > 0) off++;
        }

        Assert.That(off, Is.LessThanOrEqualTo(Math.Max(1, expected.Count / 50)), "elements that are off by a step");
    }

    [Test]
    public void Network_HasNoConvolutionOfFloats([Range(1, 12)] int seed)
    {
        Random random = new(seed);
        PassContext context = new(new CompileOptions { Verify = true });
        Compiler.Graph.Graph lowered = Pipeline.RunLower(Pipeline.RunNormalise(Network(random, layers: 5), context), context);
        Assert.That(lowered.TopologicalOrder().Select(n => n.Op).OfType<Fused>().SelectMany(f => f.Operators).Select(o => o.Name), Has.None.EqualTo(nameof(Conv)).And.None.EqualTo(nameof(MatMul)).And.None.EqualTo(nameof(Gemm)));
    }

    [Test]
    public void QuantisedProduct_KeepsItsBias()
    {
        Random random = new(3);
        GraphBuilder g = new();
        Value x = g.Add(new Input("x", TensorType.Of(ElementType.UInt8, 3, 20)));
        Value y = g.Add(
            new QLinearMatMul(), x, Scalar(g, 0.02), Scalar(g, ElementType.UInt8, 7), g.Constant(Bytes(random, ElementType.Int8, 20, 5)), Scalar(g, 0.01), Scalar(g, ElementType.Int8, 3),
            Scalar(g, 0.5), Scalar(g, ElementType.UInt8, 90), g.Constant(TensorData.Of<int>(ElementType.Int32, [100_000, -50_000, 20_000, 0, 77], 5)));
        Compiler.Graph.Graph graph = g.Build("product", [new GraphPort("x", x)], [new GraphPort("y", y)], []);
        TensorData input = Bytes(random, ElementType.UInt8, 3, 20);
        using CompiledGraph compiled = new(graph);
        Assert.That(compiled.Run(input)[0].ToInt64s(), Is.EqualTo(GraphEvaluator.Run(graph, [input])[0].ToInt64s()));
    }

    [TestCase(16_000, true)]
    [TestCase(40_000, false)]
    public void Sum_ThatMayLeaveAnInt32_StaysOneOfFloats(int length, bool isOfIntegers)
    {
        GraphBuilder g = new();
        Value x = g.Add(new Input("x", TensorType.Of(ElementType.UInt8, 1, length)));
        TensorData weights = TensorData.Zeros(ElementType.UInt8, [length, 1]);
        for (int i = 0; i < length; i++) weights.SetInt64(i, 255);
        Value y = g.Add(new MatMul(), Dequantized(g, x, 0.1, 0), g.Add(new DequantizeLinear(), g.Constant(weights), Scalar(g, 0.1)));
        Compiler.Graph.Graph graph = Pipeline.RunNormalise(g.Build("sum", [new GraphPort("x", x)], [new GraphPort("y", y)], []), new PassContext(new CompileOptions { Verify = true }));
        Assert.That(graph.TopologicalOrder().Any(n => n.Op is MatMulInteger), Is.EqualTo(isOfIntegers));
    }

    [Test]
    public void Border_IsQuantisedAsItIs()
    {
        GraphBuilder g = new();
        Value x = g.Add(new Input("x", TensorType.Of(ElementType.UInt8, 1, 1, 4, 4))), floats = Dequantized(g, x, 0.5, 0);
        Value bordered = g.Add(new Pad([0, 0, 1, 1, 0, 0, 1, 1]), floats, Scalar(g, 10));
        Value y = g.Add(new QuantizeLinear(), bordered, Scalar(g, 0.25), Scalar(g, ElementType.UInt8, 0));
        Compiler.Graph.Graph graph = g.Build("border", [new GraphPort("x", x)], [new GraphPort("y", y)], []);
        TensorData input = Bytes(new Random(1), ElementType.UInt8, 1, 1, 4, 4);
        using CompiledGraph compiled = new(graph);
        Assert.That(compiled.Run(input)[0].ToInt64s(), Is.EqualTo(GraphEvaluator.Run(graph, [input])[0].ToInt64s()));
    }

    private static Compiler.Graph.Graph Network(Random random, int layers)
    {
        GraphBuilder g = new();
        ElementType element = random.Next(2) == 0 ? ElementType.UInt8 : ElementType.Int8;
        Value input = g.Add(new Input("x", TensorType.Of(element, 1, random.Next(1, 40), random.Next(5, 12), random.Next(5, 20)))), x = input;
        double scale = 0.02;
        long zero = Zero(random, element);
        for (int layer = 0; layer < layers; layer++)
        {
            Value floats = Dequantized(g, x, scale, zero), y;
            int kind = random.Next(7);
            long channels = x.Type.Dims[1].Value;
            switch (kind)
            {
                case 0 when channels > 1:
                    y = Convolution(g, random, floats, scale, channels, 1, random.Next(1, 4), (int)channels);
                    break;
                case 1:
                    y = g.Add(new Add(), Convolution(g, random, floats, scale, channels, channels, 1, 1), floats);
                    break;
                case 4 when channels % 2 == 0:
                    // Two groups; as many filters as channels, or twice as many.
                    y = Convolution(g, random, floats, scale, channels * random.Next(1, 3), channels / 2, random.Next(1, 4), 2);
                    break;
                case 5 when channels > 1:
                    // Two filters for each channel.
                    y = Convolution(g, random, floats, scale, channels * 2, 1, 3, (int)channels);
                    break;
                case 2 when x.Type.Dims[2].Value > 3 && x.Type.Dims[3].Value > 3:
                    y = g.Add(new MaxPool(KernelShape: [2, 2], Strides: [2, 2]), floats);
                    break;
                case 3:
                    y = g.Add(new Concat(1), floats, Convolution(g, random, floats, scale, random.Next(1, 33), channels, 3, 1));
                    break;
                default:
                    y = Convolution(g, random, floats, scale, random.Next(1, 50), channels, random.Next(1, 4), 1);
                    break;
            }

            if (random.Next(3) == 0) y = random.Next(2) == 0 ? g.Add(new Relu(), y) : g.Add(new Clip(), y, g.Constant(TensorData.OfFloats([0])), g.Constant(TensorData.OfFloats([3])));
            // As wide as what may come out: a network that saturates everywhere shows little.
            scale = 0.05 + (random.NextDouble() * 0.05);
            (element, zero) = random.Next(4) == 0 ? (ElementType.Int8, Zero(random, ElementType.Int8)) : (ElementType.UInt8, Zero(random, ElementType.UInt8));
            x = g.Add(new QuantizeLinear(element), y, Scalar(g, scale), Scalar(g, element, zero));
        }

        if (random.Next(2) == 0)
        {
            // The head of a classifier: an average of each channel and a product, with weights either way round.
            Value mean = g.Add(new QuantizeLinear(), g.Add(new GlobalAveragePool(), Dequantized(g, x, scale, zero)), Scalar(g, 0.05), Scalar(g, ElementType.UInt8, 100));
            Value row = g.Add(new Flatten(), Dequantized(g, mean, 0.05, 100));
            bool isTransposed = random.Next(2) == 0;
            long columns = random.Next(1, 40), channels = row.Type.Dims[1].Value;
            TensorData weights = Bytes(random, ElementType.Int8, isTransposed ? [columns, channels] : [channels, columns]);
            TensorData scales = TensorData.OfFloats([.. Enumerable.Range(0, (int)columns).Select(_ => (float)(0.001 * (1 + random.NextDouble())))], isTransposed ? [columns, 1] : [columns]);
            Value w = g.Add(new DequantizeLinear(), g.Constant(weights), g.Constant(scales));
            Value product = random.Next(2) == 0 || isTransposed
                ? g.Add(new Gemm(TransB: isTransposed), row, w, g.Constant(TensorData.OfFloats([.. Enumerable.Range(0, (int)columns).Select(i => i / 50f)], columns)))
                : g.Add(new MatMul(), row, w);
            x = g.Add(new QuantizeLinear(), product, Scalar(g, 0.05), Scalar(g, ElementType.UInt8, 128));
        }

        return g.Build("network", [new GraphPort("x", input)], [new GraphPort("y", x)], []);
    }

    /// <summary>A convolution with weights of either type, one scale or one for each filter, zero points that fit a signed byte or do not, and a bias of either kind.</summary>
    private static Value Convolution(GraphBuilder g, Random random, Value floats, double xScale, long filters, long perGroup, long kernel, int group)
    {
        ElementType element = random.Next(2) == 0 ? ElementType.UInt8 : ElementType.Int8;
        bool perFilter = random.Next(2) == 0;
        TensorData w = Bytes(random, element, filters, group == 1 ? floats.Type.Dims[1].Value : perGroup, kernel, kernel);
        double gain = 1 / Math.Sqrt(w.Count / filters) / 100;
        int count = perFilter ? (int)filters : 1;
        double[] scales = [.. Enumerable.Range(0, count).Select(_ => gain * (0.5 + random.NextDouble()))];
        TensorData scale = TensorData.OfFloats([.. scales.Select(s => (float)s)], perFilter ? [filters, 1, 1, 1] : []), zeros = TensorData.Zeros(element, scale.Dims);
        for (int i = 0; i < count; i++) zeros.SetInt64(i, Zero(random, element));
        Value weights = g.Add(new DequantizeLinear(), g.Constant(w), g.Constant(scale), g.Constant(zeros));
        Value[] inputs = [floats, weights];
        if (random.Next(3) > 0)
        {
            int[] steps = [.. Enumerable.Range(0, (int)filters).Select(_ => random.Next(-3000, 3000))];
            float[] stepScales = [.. Enumerable.Range(0, (int)filters).Select(i => (float)xScale * (float)scales[perFilter ? i : 0])];
            inputs = random.Next(2) == 0
                ? [.. inputs, g.Add(new DequantizeLinear(), g.Constant(TensorData.Of<int>(ElementType.Int32, steps, filters)), g.Constant(TensorData.OfFloats(stepScales, filters)))]
                : [.. inputs, g.Constant(TensorData.OfFloats([.. steps.Select(s => s / 3000f)], filters))];
        }

        long pad = kernel / 2;
        return g.Add(new Conv(Pads: [pad, pad, kernel - 1 - pad, kernel - 1 - pad], Group: group), inputs);
    }

    private static Value Dequantized(GraphBuilder g, Value x, double scale, long zero) =>
        g.Add(new DequantizeLinear(), x, Scalar(g, scale), Scalar(g, x.Type.Element, zero));

    private static Value Scalar(GraphBuilder g, double value) => g.Constant(TensorData.OfFloats([(float)value]));

    private static Value Scalar(GraphBuilder g, ElementType element, long value)
    {
        TensorData data = TensorData.Zeros(element, []);
        data.SetInt64(0, value);
        return g.Constant(data);
    }

    private static long Zero(Random random, ElementType element) => random.Next(3) == 0 ? 0 : element == ElementType.UInt8 ? random.Next(256) : random.Next(-128, 128);

    private static TensorData Bytes(Random random, ElementType element, params long[] dims)
    {
        TensorData data = TensorData.Zeros(element, dims);
        for (int i = 0; i < data.Count; i++) data.SetInt64(i, element == ElementType.UInt8 ? random.Next(256) : random.Next(-128, 128));
        return data;
    }
}
