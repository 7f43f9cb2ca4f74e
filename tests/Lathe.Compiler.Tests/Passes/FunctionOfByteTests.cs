using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Compiler.Operators.Linear;
using Lathe.Compiler.Operators.Quantization;
using Lathe.Compiler.Operators.Shapes;
using Lathe.Compiler.Passes;
using Lathe.Runtime;
using Lathe.Runtime.Native;
using Lathe.Runtime.OpenCl;
using Lathe.Runtime.Plans;

namespace Lathe.Compiler.Tests.Passes;

/// <summary>Functions between quantised tensors as tables: every byte gives what the operators mean, to the bit.</summary>
internal sealed class FunctionOfByteTests
{
    private static readonly (string Name, Func<GraphBuilder, Value, Value> Function)[] Functions =
    [
        ("Sigmoid", (g, x) => g.Add(new Sigmoid(), x)),
        ("Tanh", (g, x) => g.Add(new Tanh(), x)),
        ("HardSwish", (g, x) => g.Add(new Exp(), g.Add(new HardSwish(), x))),
        ("Gelu", (g, x) => g.Add(new Gelu(), x)),
        ("Elu", (g, x) => g.Add(new Elu(), x)),
        ("Log", (g, x) => g.Add(new Log(), x)),
        ("Swish", (g, x) => g.Add(new Mul(), x, g.Add(new Sigmoid(), x))),
        ("QuantisedSwish", (g, x) => g.Add(new Mul(), x, Dequantised(g, g.Add(new QuantizeLinear(), g.Add(new Sigmoid(), x), Number(g, 1f / 256), Byte(g, ElementType.UInt8, 0)), 1f / 256, 0))),
        ("Mish", (g, x) => g.Add(new Add(), g.Add(new Mish(), g.Add(new Clip(), x, Number(g, -2), Number(g, 2))), Number(g, 0.25f))),
        ("Pow", (g, x) => g.Add(new Pow(), g.Add(new Abs(), x), Number(g, 1.7f))),
    ];

    [TestCase(Isa.Vector128, "csharp")]
    [TestCase(Isa.Avx2, "csharp")]
    [TestCase(Isa.Avx2, "native")]
    [TestCase(Isa.Avx512, "csharp")]
    [TestCase(Isa.Avx512, "native")]
    public void EveryByte_GivesWhatTheOperatorsMean(Isa isa, string kernels)
    {
        if (!isa.IsAvailable()) Assert.Ignore($"this machine has no {isa}");
        if (kernels == "native" && (CompileOptions.LibLLVM is null || !CpuFeatures.CanRun(isa))) Assert.Ignore("native kernels cannot be made or run here");
        Check(isa, new CompileOptions { Kernels = kernels }, kernels);
    }

    [Test]
    public void EveryByte_GivesTheSame_OnADevice()
    {
        if (OpenClDevice.All().Count == 0) Assert.Ignore("There is no OpenCL device (apt-get install pocl-opencl-icd ocl-icd-libopencl1).");
        Check(Isa.Avx2, new CompileOptions { Device = "GPU" }, "opencl");
    }

    [Test]
    public void CheapFunctions_AreComputed()
    {
        foreach (Op cheap in (Op[])[new LeakyRelu(), new HardSwish(), new Sqrt(), new Relu()])
            Assert.That(Tables(Single((g, x) => g.Add(cheap, x))), Is.Zero, cheap.Name);
        Assert.That(Tables(Single((g, x) => g.Add(new Sigmoid(), x))), Is.EqualTo(1));
    }

    [Test]
    public void FunctionOfSeveralTensors_OrOfConstantsThatDiffer_IsComputed()
    {
        GraphBuilder g = new();
        Value a = g.Add(new Input("a", TensorType.Of(ElementType.UInt8, 4, 4))), b = g.Add(new Input("b", TensorType.Of(ElementType.UInt8, 4, 4)));
        Value two = g.Add(new Sigmoid(), g.Add(new Mul(), Dequantised(g, a, 0.1f, 3), Dequantised(g, b, 0.1f, 3)));
        Value rows = g.Add(new Sigmoid(), g.Add(new Mul(), Dequantised(g, a, 0.1f, 3), g.Constant(TensorData.OfFloats([1, 2, 3, 4], 4))));
        // Every row of b is that of a: the element at [i, j] is no function of a[i, j] alone.
        Value wide = g.Add(new Sigmoid(), g.Add(new Add(), Dequantised(g, a, 0.1f, 3), g.Constant(TensorData.OfFloats([1], 1, 1, 1))));
        Compiler.Graph.Graph graph = g.Build(
            "several", [new GraphPort("a", a), new GraphPort("b", b)], [.. new[] { two, rows, wide }.Select((v, i) => new GraphPort($"y{i}", Quantised(g, v, ElementType.UInt8, 0.01f, 0)))], []);
        Assert.That(Tables(graph), Is.Zero);
    }

    [Test]
    public void ManyPathsToSeveralTensors_AreNotFollowedOneByOne()
    {
        GraphBuilder g = new();
        Value a = g.Add(new Input("a", TensorType.Of(ElementType.UInt8, 4, 4))), b = g.Add(new Input("b", TensorType.Of(ElementType.UInt8, 4, 4))), x = a;
        // Two ways through each of forty levels, every one of which reads b as well.
        for (int level = 0; level < 40; level++)
        {
            Value sum = g.Add(new Add(), g.Add(new Tanh(), Dequantised(g, x, 0.1f, 3)), Dequantised(g, x, 0.2f, 4));
            x = Quantised(g, g.Add(new Add(), sum, Dequantised(g, b, 0.3f, 5)), ElementType.UInt8, 0.1f, 3);
        }

        Assert.That(Tables(g.Build("paths", [new GraphPort("a", a), new GraphPort("b", b)], [new GraphPort("y", x)], [])), Is.Zero);
    }

    [Test]
    public void Pixels_WhoseMeanAndScaleAreThoseOfTheQuantisation_StayAsTheyAre()
    {
        GraphBuilder g = new();
        Value x = g.Add(new Input("x", TensorType.Of(ElementType.UInt8, 1, 3, 4, 4)));
        Value normalised = g.Add(new Div(), g.Add(new Sub(), g.Add(new Cast(ElementType.Float32), x), Number(g, 127)), Number(g, 64));
        Value y = g.Add(new Conv(), Dequantised(g, Quantised(g, normalised, ElementType.UInt8, 1f / 64, 127), 1f / 64, 127), g.Add(new DequantizeLinear(), g.Constant(TensorData.Of<sbyte>(ElementType.Int8, [1, -2, 3], 1, 3, 1, 1)), Number(g, 0.5f)));
        Compiler.Graph.Graph graph = Normalised(g.Build("pixels", [new GraphPort("x", x)], [new GraphPort("y", y)], []));
        Assert.That(graph.TopologicalOrder().Select(n => n.Op.Name), Has.None.EqualTo(nameof(QuantizeLinear)).And.None.EqualTo(nameof(Sub)));
        Assert.That(graph.TopologicalOrder().Single(n => n.Op is ConvInteger).Inputs[0].Op, Is.TypeOf<Input>());
    }

    private static void Check(Isa isa, CompileOptions options, string kernels)
    {
        GraphBuilder g = new();
        List<GraphPort> inputs = [], outputs = [];
        foreach (ElementType from in (ElementType[])[ElementType.UInt8, ElementType.Int8])
        {
            // All bytes and some again, in blocks of channels with a rest.
            Value x = g.Add(new Input($"x{from}", TensorType.Of(from, 1, 20, 3, 5)));
            inputs.Add(new GraphPort($"x{from}", x));
            foreach ((string name, Func<GraphBuilder, Value, Value> function) in Functions)
            {
                ElementType to = outputs.Count % 3 == 0 ? ElementType.Int8 : ElementType.UInt8;
                Value y = function(g, Dequantised(g, x, 0.04f, from == ElementType.UInt8 ? 117 : -5));
                outputs.Add(new GraphPort($"{name}{from}", Quantised(g, y, to, 0.013f, to == ElementType.UInt8 ? 90 : -20)));
            }
        }

        Compiler.Graph.Graph graph = g.Build("functions", inputs, outputs, []);
        Assert.That(Tables(graph), Is.EqualTo(outputs.Count));
        using CompiledGraph compiled = new(graph, isa: isa, options: options);
        TensorData[] bytes = [.. inputs.Select(p => All(p.Value.Type.Element))];
        TensorData[] actual = compiled.Run(bytes), expected = [.. GraphEvaluator.Run(graph, bytes)];
        for (int i = 0; i < expected.Length; i++) Assert.That(actual[i].ToInt64s(), Is.EqualTo(expected[i].ToInt64s()), outputs[i].Name);
        Assert.That(compiled.Request.Ran.Kernels[kernels], Is.GreaterThanOrEqualTo(1));
        Assert.That(compiled.Request.Ran.Fallbacks, Is.Empty);
    }

    private static TensorData All(ElementType element)
    {
        TensorData data = TensorData.Zeros(element, [1, 20, 3, 5]);
        for (int i = 0; i < data.Count; i++) data.SetInt64(i, element == ElementType.UInt8 ? i % 256 : (sbyte)i);
        return data;
    }

    private static Compiler.Graph.Graph Single(Func<GraphBuilder, Value, Value> function)
    {
        GraphBuilder g = new();
        Value x = g.Add(new Input("x", TensorType.Of(ElementType.UInt8, 4, 4)));
        return g.Build("single", [new GraphPort("x", x)], [new GraphPort("y", Quantised(g, function(g, Dequantised(g, x, 0.04f, 10)), ElementType.UInt8, 0.01f, 5))], []);
    }

    private static Compiler.Graph.Graph Normalised(Compiler.Graph.Graph graph) => Pipeline.RunNormalise(graph, new PassContext(new CompileOptions { Verify = true }));

    private static int Tables(Compiler.Graph.Graph graph) => Normalised(graph).TopologicalOrder().Count(n => n.Op is TableOfBytes);

    private static Value Dequantised(GraphBuilder g, Value x, float scale, long zero) => g.Add(new DequantizeLinear(), x, Number(g, scale), Byte(g, x.Type.Element, zero));

    private static Value Quantised(GraphBuilder g, Value x, ElementType to, float scale, long zero) => g.Add(new QuantizeLinear(to), x, Number(g, scale), Byte(g, to, zero));

    private static Value Number(GraphBuilder g, float value) => g.Constant(TensorData.OfFloats([value]).Reshape([]));

    private static Value Byte(GraphBuilder g, ElementType element, long value)
    {
        TensorData data = TensorData.Zeros(element, []);
        data.SetInt64(0, value);
        return g.Constant(data);
    }
}
