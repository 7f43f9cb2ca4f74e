using Lathe.Compiler.Graph;
using Lathe.Compiler.Tests.Operators;
using Lathe.Runtime;
using ModelGraph = Lathe.Compiler.Graph.Graph;

namespace Lathe.Compiler.Tests.Routines;

/// <summary>A model of ONNX nodes whose inputs are the model's, compiled and by its meaning.</summary>
internal sealed class RoutineModel : IDisposable
{
    /// <summary>Every element type that has a size.</summary>
    public static readonly ElementType[] Elements =
    [
        ElementType.Float32, ElementType.Float64, ElementType.Float16, ElementType.BFloat16, ElementType.Int8, ElementType.Int16, ElementType.Int32,
        ElementType.Int64, ElementType.UInt8, ElementType.UInt16, ElementType.UInt32, ElementType.UInt64, ElementType.Bool,
    ];

    private readonly ModelGraph _graph;
    private readonly CompiledGraph _compiled;

    private RoutineModel(ModelGraph graph)
    {
        _graph = graph;
        _compiled = new CompiledGraph(graph);
    }

    public InferRequest Request => _compiled.Request;

    /// <inheritdoc cref="CompiledGraph.Steps"/>
    public IReadOnlyList<string> Steps => _compiled.Steps;

    /// <summary>Every element type but bool.</summary>
    public static IEnumerable<ElementType> Numbers => Elements.Where(e => e != ElementType.Bool);

    /// <summary>A model made by a function of its inputs.</summary>
    public static RoutineModel Of(IReadOnlyList<TensorType> inputs, Func<GraphBuilder, Value[], IReadOnlyList<Value>> build)
    {
        GraphBuilder g = new();
        Value[] values = [.. inputs.Select((type, i) => g.Add(new Compiler.Operators.Input($"x{i}", type)))];
        IReadOnlyList<Value> outputs = build(g, values);
        return new RoutineModel(g.Build(
            "model", values.Select((v, i) => new GraphPort($"x{i}", v)), outputs.Select((v, i) => new GraphPort($"y{i}", v)), g.Symbols.Computed));
    }

    /// <summary>A model of one ONNX node over inputs of the types of tensors.</summary>
    public static RoutineModel Of(string type, int opset, int outputs, IReadOnlyList<TensorData> like, params (string Name, object Value)[] attributes) =>
        Of([.. like.Select(t => TensorType.Of(t.Element, t.Dims))], (g, v) => Import(g, type, opset, outputs, v, attributes));

    /// <summary>The outputs of an ONNX node.</summary>
    public static IReadOnlyList<Value> Import(
        GraphBuilder g, string type, int opset, int outputs, IReadOnlyList<Value> inputs, params (string Name, object Value)[] attributes)
    {
        g.CurrentName = type;
        IReadOnlyList<Value> results = [.. OperatorCase.ImportNode(g, type, opset, outputs, [.. inputs], attributes).Take(outputs)];
        g.CurrentName = null;
        return results;
    }

    /// <summary>Numbers with many ties, with what is awkward among them: NaN, infinities, both zeros, the least and the greatest integers.</summary>
    public static TensorData Awkward(ElementType element, long seed, params long[] dims)
    {
        TensorData x = RandomTensor.Of(element, seed, dims);
        double[] special = [double.NaN, double.PositiveInfinity, double.NegativeInfinity, 0.0, -0.0];
        Random random = new((int)seed);
        for (int i = 0; i < x.Count; i++)
        {
            if (element.IsFloat()) x.SetDouble(i, random.Next(3) == 0 ? special[random.Next(special.Length)] : Math.Round(4 * x.GetDouble(i)) / 2);
            else if (element != ElementType.Bool && random.Next(4) == 0) x.SetInt64(i, random.Next(2) == 0 ? long.MinValue >> (64 - (8 * element.Size())) : -1);
        }

        return x;
    }

    /// <summary>Runs the model.</summary>
    public TensorData[] Run(params IReadOnlyList<TensorData> inputs) => _compiled.Run(inputs);

    /// <summary>Asserts that it computes bit by bit what its nodes mean, and that no managed memory is allocated once sizes have been seen.</summary>
    public TensorData[] Check(params TensorData[] inputs)
    {
        IReadOnlyList<TensorData> expected = GraphEvaluator.Run(_graph, inputs);
        TensorData[] actual = Run(inputs);
        for (int i = 0; i < expected.Count; i++)
        {
            Assert.That(actual[i].Dims, Is.EqualTo(expected[i].Dims), $"output {i}");
            if (!actual[i].Bytes.AsSpan().SequenceEqual(expected[i].Bytes)) Tensors.AssertClose(actual[i], expected[i], 0);
        }

        long least = long.MaxValue;
        for (int i = 0; i < 3; i++)
        {
            long before = GC.GetTotalAllocatedBytes(precise: true);
            Request.Infer();
            least = Math.Min(least, GC.GetTotalAllocatedBytes(precise: true) - before);
        }

        Assert.That(least, Is.Zero, "bytes allocated by an inference");
        return actual;
    }

    /// <summary>Asserts that data are refused, and that the request lives on.</summary>
    public void Refuses(string because, TensorData[] good, params TensorData[] bad)
    {
        LatheException? error = Assert.Throws<LatheException>(() => Run(bad));
        Assert.That(error!.Id, Is.EqualTo("LATHE0508"));
        Assert.That(error.Message, Does.Contain(because).And.Contain("node"));
        Check(good);
    }

    public void Dispose() => _compiled.Dispose();
}
