using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Kernels.Loops;
using Lathe.Runtime;
using ModelGraph = Lathe.Compiler.Graph.Graph;

namespace Lathe.Compiler.Tests.Operators;

/// <summary>RNN, GRU and LSTM in all their options, by meaning and compiled, against recurrences written out in float64.</summary>
internal sealed class RecurrentTests
{
    private const int Inputs = 3, Hidden = 5;

    // A few dozen products and steps of float32, of values around 1.
    private const double Tolerance = 1e-5;

    [Test]
    public void Layer_ComputesItsRecurrence(
        [Values("RNN", "GRU", "LSTM")] string type,
        [Values("forward", "reverse", "bidirectional")] string direction,
        [Values] bool lengths,
        [Values(0, 1)] int layout,
        [Values] bool option) => Check(new Layer(type, direction, 4, 3, lengths, layout, option, States: true, Bias: true));

    [Test]
    public void Layer_OfOneStep_NeedsNoLoop([Values("RNN", "GRU", "LSTM")] string type, [Values] bool lengths) =>
        Check(new Layer(type, "forward", 1, 2, lengths, 0, false, States: true, Bias: false));

    [Test]
    public void Layer_WithoutStatesAndBias([Values("RNN", "GRU", "LSTM")] string type) =>
        Check(new Layer(type, "bidirectional", 3, 1, false, 0, true, States: false, Bias: false));

    [Test]
    public void Length_MayBeNamed([Values("RNN", "GRU", "LSTM")] string type)
    {
        IndexVar length = new("T", 1, 100), batch = new("N", 1, 100);
        Layer layer = new(type, "bidirectional", 6, 2, false, 0, false, States: false, Bias: true);
        TensorData?[] inputs = layer.Inputs();
        GraphBuilder g = new();
        Value x = g.Add(new Input("x", new TensorType(ElementType.Float32, (IndexExpr[])[length, batch, Inputs])));
        IReadOnlyList<Value> outputs = layer.Import(g, [x, .. inputs.Skip(1).Select(t => t is null ? Value.None : g.Constant(t))]);
        ModelGraph graph = g.Build("layer", [new GraphPort("x", x)], outputs.Select((v, i) => new GraphPort($"y{i}", v)), [length, batch, .. g.Symbols.Computed]);
        using CompiledGraph compiled = new(graph);
        foreach ((int steps, int rows) in ((int, int)[])[(6, 2), (1, 1), (9, 4)])
        {
            TensorData data = RandomTensor.Of(ElementType.Float32, steps, steps, rows, Inputs);
            double[][] expected = (layer with { Steps = steps, Batch = rows }).Reference([data, .. inputs.Skip(1)]);
            using InferRequest request = compiled.Model.CreateRequest(new Dictionary<string, long> { ["T"] = steps, ["N"] = rows });
            data.Bytes.CopyTo(request.InputBytes(0));
            request.Infer();
            for (int i = 0; i < expected.Length; i++) AssertClose(request.Output<float>(i).ToArray(), expected[i], $"output {i} of {steps} steps");
        }
    }

    [Test]
    public void Functions_TakeTheirParametersInOrder()
    {
        (string, object)[] attributes =
        [
            ("hidden_size", 1L), ("direction", "bidirectional"), ("activations", new[] { "ScaledTanh", "Affine" }),
            ("activation_alpha", new[] { 2f, 3f }), ("activation_beta", new[] { 0.5f, -1f }),
        ];
        TensorData one = TensorData.OfFloats([1], 1, 1, 1), weights = TensorData.OfFloats([1, 1], 2, 1, 1), none = TensorData.OfFloats([0, 0], 2, 1, 1);
        TensorData[] results = OperatorCase.Import("RNN", 14, 2, [one, weights, none], attributes);
        Assert.That(results[1].GetDouble(0), Is.EqualTo(2 * Math.Tanh(0.5)).Within(1e-6), "2 tanh(0.5 x)");
        Assert.That(results[1].GetDouble(1), Is.EqualTo(2).Within(1e-6), "3 x - 1");
    }

    private static void Check(Layer layer)
    {
        TensorData?[] inputs = layer.Inputs();
        double[][] expected = layer.Reference(inputs);
        GraphBuilder g = new();
        // What may be given at run time is: the weights of every second case are constants.
        bool constant = layer.Option;
        Value[] values = [.. inputs.Select((t, i) => t is null ? Value.None : constant && i is > 0 and < 4 ? g.Constant(t) : g.Add(new Input($"x{i}", TensorType.Of(t.Element, t.Dims))))];
        IReadOnlyList<Value> outputs = layer.Import(g, values);
        GraphPort[] ports = [.. values.Where(v => !v.IsNone && v.Op is Input).Select((v, i) => new GraphPort(((Input)v.Op).Port, v))];
        ModelGraph graph = g.Build("layer", ports, outputs.Select((v, i) => new GraphPort($"y{i}", v)), g.Symbols.Computed);
        TensorData[] given = [.. inputs.Where((t, i) => t is not null && !(constant && i is > 0 and < 4)).Select(t => t!)];

        IReadOnlyList<TensorData> meant = GraphEvaluator.Run(graph, given);
        for (int i = 0; i < expected.Length; i++) AssertClose(meant[i].Span<float>().ToArray(), expected[i], $"{layer}: the meaning of output {i}");
        foreach (bool optimize in (bool[])[true, false])
        {
            using CompiledGraph compiled = new(graph, optimize);
            compiled.Run(given);
            TensorData[] actual = compiled.Run(given);
            for (int i = 0; i < expected.Length; i++) AssertClose(actual[i].Span<float>().ToArray(), expected[i], $"{layer}: output {i}, optimize {optimize}");
        }
    }

    private static void AssertClose(float[] actual, double[] expected, string what)
    {
        Assert.That(actual, Has.Length.EqualTo(expected.Length), what);
        for (int i = 0; i < actual.Length; i++) Assert.That(actual[i], Is.EqualTo(expected[i]).Within(Tolerance), $"{what}, element {i}");
    }

    /// <summary>A layer; the option is the one of its kind: clipping, the product before the reset, peepholes with clipping.</summary>
    private sealed record Layer(string Type, string Direction, int Steps, int Batch, bool Lengths, int Layout, bool Option, bool States, bool Bias)
    {
        private int Gates => Type switch { "RNN" => 1, "GRU" => 3, _ => 4 };

        private int Directions => Direction == "bidirectional" ? 2 : 1;

        private double Clip => Option && Type != "GRU" ? 0.6 : double.PositiveInfinity;

        /// <summary>Random inputs; null for those that are absent.</summary>
        public TensorData?[] Inputs()
        {
            TensorData? lengths = Lengths ? TensorData.Of(ElementType.Int32, (ReadOnlySpan<int>)[.. Enumerable.Range(0, Batch).Select(i => Math.Max(1, Steps - i))], Batch) : null;
            long[] states = Layout == 0 ? [Directions, Batch, Hidden] : [Batch, Directions, Hidden];
            List<TensorData?> inputs =
            [
                Layout == 0 ? Random(1, Steps, Batch, RecurrentTests.Inputs) : Random(1, Batch, Steps, RecurrentTests.Inputs),
                Random(2, Directions, Gates * Hidden, RecurrentTests.Inputs),
                Random(3, Directions, Gates * Hidden, Hidden),
                Bias ? Random(4, Directions, 2 * Gates * Hidden) : null,
                lengths,
                States ? Random(5, states) : null,
            ];
            if (Type == "LSTM") inputs.AddRange([States ? Random(6, states) : null, Option ? Random(7, Directions, 3 * Hidden) : null]);
            return [.. inputs];
        }

        public IReadOnlyList<Value> Import(GraphBuilder g, Value[] inputs)
        {
            List<(string, object)> attributes = [("hidden_size", (long)Hidden), ("direction", Direction), ("layout", (long)Layout)];
            if (double.IsFinite(Clip)) attributes.Add(("clip", (float)Clip));
            if (Type == "GRU") attributes.Add(("linear_before_reset", Option ? 1L : 0L));
            int last = Array.FindLastIndex(inputs, v => !v.IsNone);
            return OperatorCase.ImportNode(g, Type, 14, Type == "LSTM" ? 3 : 2, inputs[..(last + 1)], [.. attributes]);
        }

        /// <summary>The outputs, computed as the formulas are read.</summary>
        public double[][] Reference(IReadOnlyList<TensorData?> inputs)
        {
            double[] y = new double[Steps * Directions * Batch * Hidden], lastH = new double[Directions * Batch * Hidden], lastC = new double[lastH.Length];
            for (int d = 0; d < Directions; d++)
            {
                bool backwards = Direction == "reverse" || d == 1;
                for (int n = 0; n < Batch; n++)
                {
                    double[] h = State(inputs.ElementAtOrDefault(5), d, n), c = State(inputs.ElementAtOrDefault(6), d, n);
                    int length = inputs[4] is { } lengths ? (int)lengths.GetInt64(n) : Steps;
                    for (int step = 0; step < length; step++)
                    {
                        int t = backwards ? length - 1 - step : step;
                        double[] x = [.. Enumerable.Range(0, RecurrentTests.Inputs).Select(i => inputs[0]!.GetDouble((((Layout == 0 ? (t * Batch) + n : (n * Steps) + t)) * RecurrentTests.Inputs) + i))];
                        (h, c) = Step(inputs, d, x, h, c);
                        for (int k = 0; k < Hidden; k++)
                            y[Layout == 0 ? (((((t * Directions) + d) * Batch) + n) * Hidden) + k : (((((n * Steps) + t) * Directions) + d) * Hidden) + k] = h[k];
                    }

                    for (int k = 0; k < Hidden; k++)
                    {
                        int at = Layout == 0 ? (((d * Batch) + n) * Hidden) + k : (((n * Directions) + d) * Hidden) + k;
                        (lastH[at], lastC[at]) = (h[k], c[k]);
                    }
                }
            }

            return Type == "LSTM" ? [y, lastH, lastC] : [y, lastH];
        }

        private static TensorData Random(int seed, params long[] dims) => RandomTensor.Of(ElementType.Float32, seed, dims);

        private static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));

        private double[] State(TensorData? states, int d, int n) => states is null || (Type != "LSTM" && !States)
            ? new double[Hidden]
            : [.. Enumerable.Range(0, Hidden).Select(k => states.GetDouble(((Layout == 0 ? (d * Batch) + n : (n * Directions) + d) * Hidden) + k))];

        private (double[] H, double[] C) Step(IReadOnlyList<TensorData?> inputs, int d, double[] x, double[] h, double[] c)
        {
            double[] next = new double[Hidden], cell = new double[Hidden];
            double Weight(int input, int gate, int k, int i, int width) => inputs[input]!.GetDouble((((((d * Gates) + gate) * Hidden) + k) * width) + i);
            double Input(int gate, int k) => Enumerable.Range(0, x.Length).Sum(i => Weight(1, gate, k, i, x.Length) * x[i]) + B(gate, k);
            double Product(int gate, int k, double[] v) => Enumerable.Range(0, Hidden).Sum(i => Weight(2, gate, k, i, Hidden) * v[i]);
            double B(int gate, int k) => Bias ? inputs[3]!.GetDouble((((d * 2 * Gates) + gate) * Hidden) + k) : 0;
            double P(int gate, int k) => inputs.ElementAtOrDefault(7) is { } p ? p.GetDouble((((d * 3) + gate) * Hidden) + k) : 0;
            double Limit(double v) => Math.Clamp(v, -Clip, Clip);
            double[] reset = Type == "GRU" ? [.. Enumerable.Range(0, Hidden).Select(k => Sigmoid(Limit(Input(1, k) + Product(1, k, h) + B(4, k))))] : [];
            for (int k = 0; k < Hidden; k++)
            {
                switch (Type)
                {
                    case "RNN":
                        next[k] = Math.Tanh(Limit(Input(0, k) + Product(0, k, h) + B(1, k)));
                        break;
                    case "GRU":
                        double z = Sigmoid(Limit(Input(0, k) + Product(0, k, h) + B(3, k)));
                        double inner = Option
                            ? Input(2, k) + (reset[k] * (Product(2, k, h) + B(5, k)))
                            : Input(2, k) + Product(2, k, [.. h.Select((v, i) => v * reset[i])]) + B(5, k);
                        next[k] = ((1 - z) * Math.Tanh(Limit(inner))) + (z * h[k]);
                        break;
                    default:
                        double Sum(int gate) => Input(gate, k) + Product(gate, k, h) + B(4 + gate, k);
                        double i = Sigmoid(Limit(Sum(0) + (P(0, k) * c[k]))), f = Sigmoid(Limit(Sum(2) + (P(2, k) * c[k])));
                        cell[k] = (f * c[k]) + (i * Math.Tanh(Limit(Sum(3))));
                        next[k] = Sigmoid(Limit(Sum(1) + (P(1, k) * cell[k]))) * Math.Tanh(cell[k]);
                        break;
                }
            }

            return (next, cell);
        }
    }
}
