using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Passes;
using Lathe.Runtime;
using ModelGraph = Lathe.Compiler.Graph.Graph;

namespace Lathe.Compiler.Tests.Passes;

[TestFixture]
internal sealed class AppendPostprocessingTests
{
    private const string Classifier = """
        graph "g"
        symbol N = 1..4
        %x = input "x" : float32[N, 7, 1, 1]
        %1 = Relu(%x)
        return "y" = %1
        """;

    private const string Quantised = """
        graph "g"
        %x = input "x" : uint8[2, 5]
        %1 = Identity(%x)
        return "y" = %1
        """;

    private const string Detector = """
        graph "g"
        %b = input "b" : float32[1, 9, 4]
        %s = input "s" : float32[1, 9, 2]
        %1 = Relu(%b)
        %2 = Neg(%s)
        return "boxes" = %1, "scores" = %2
        """;

    [Test]
    public void Steps_AreAppendedInOrder()
    {
        ModelGraph graph = Append(Classifier, "softmax,topk=3");
        Assert.That(graph.Outputs.Select(o => (o.Name, o.Value.Type.ToString())), Is.EqualTo(new[] { ("y", "float32[N, 3, 1, 1]"), ("y_indices", "int64[N, 3, 1, 1]") }));
        Assert.That(Ops(graph), Is.EqualTo(new[] { "Input", "Relu", "Softmax", "TopK" }));
        Assert.That(Ops(Append(Quantised, "dequantize=0.5,zero=3,sigmoid,argmax")), Is.EqualTo(new[] { "Input", "Identity", "Cast", "Constant", "Sub", "Constant", "Mul", "Sigmoid", "ArgMax" }));
    }

    [Test]
    public void Axis_IsTheOnlyOneOrTheOneThatIsSaid()
    {
        Assert.That(Append(Classifier, "argmax").Outputs[0].Value.Type.ToString(), Is.EqualTo("int64[N, 1, 1]"));
        Assert.That(Append(Segmenter(1), "argmax,axis=1").Outputs[0].Value.Type.ToString(), Is.EqualTo("int64[1, 5, 6]"));
        Assert.That(Append(Segmenter(1), "argmax,axis=-1").Outputs[0].Value.Type.ToString(), Is.EqualTo("int64[1, 3, 5]"));
        Assert.That(() => Append(Segmenter(1), "argmax"), Throws.TypeOf<DiagnosticException>().With.Message.Contains("say along which axis"));
        Assert.That(Append("graph \"g\" %x = input \"x\" : float32[6] %1 = Relu(%x) return \"y\" = %1", "topk=2").Outputs[0].Value.Type.ToString(), Is.EqualTo("float32[2]"));
    }

    [Test]
    public void Compiled_Classifier_GivesWhatTheUserWouldCompute([Values] bool optimize)
    {
        TensorData x = RandomTensor.Of(ElementType.Float32, 3, 1, 7, 1, 1);
        TensorData[] y = Compiled(Classifier, optimize, [("y", "softmax,topk=3")], x);
        double[] values = [.. Enumerable.Range(0, 7).Select(i => Math.Exp(Math.Max(0, x.GetDouble(i))))];
        int[] ranking = [.. Enumerable.Range(0, 7).OrderByDescending(i => values[i]).Take(3)];
        Assert.That(Enumerable.Range(0, 3).Select(i => y[1].GetInt64(i)), Is.EqualTo(ranking));
        // A few roundings of float32.
        for (int i = 0; i < 3; i++) Assert.That(y[0].GetDouble(i), Is.EqualTo(values[ranking[i]] / values.Sum()).Within(1e-6));
    }

    [Test]
    public void Compiled_Dequantised_IsExact()
    {
        TensorData x = RandomTensor.Of(ElementType.UInt8, 3, 2, 5);
        TensorData y = Compiled(Quantised, true, [("", "dequantize=0.25,zero=131")], x)[0];
        for (int i = 0; i < 10; i++) Assert.That(y.GetDouble(i), Is.EqualTo((x.GetInt64(i) - 131) * 0.25));
    }

    [Test]
    public void Dequantize_WithoutAScale_TakesTheModels([Values] bool optimize)
    {
        const string model = """
            graph "g"
            %x = input "x" : float32[2, 5]
            %1 = QuantizeLinear(%x, float32[] {0.5}, uint8[] {3})
            return "y" = %1
            """;
        TensorData x = RandomTensor.Of(ElementType.Float32, 3, 2, 5), y = Compiled(model, optimize, [("", "dequantize")], x)[0];
        // To the nearest half, and no less than -3 halves.
        for (int i = 0; i < 10; i++) Assert.That(y.GetDouble(i), Is.EqualTo(Math.Max(-1.5, Math.Round(x.GetDouble(i) * 2) / 2)));
        Assert.That(() => Append(Quantised, "dequantize"), Throws.TypeOf<DiagnosticException>().With.Message.Contains("say its scale"));
    }

    [Test]
    public void Compiled_ArgMaxOfASegmenter_IsTheClassOfEachPixel([Values(1, 2)] int batch)
    {
        TensorData x = RandomTensor.Of(ElementType.Float32, 3, batch, 3, 5, 6);
        TensorData y = Compiled(Segmenter(batch), true, [("y", "argmax,axis=1")], x)[0];
        for (int i = 0; i < y.Count; i++)
        {
            int first = (i / 30 * 90) + (i % 30);
            Assert.That(y.GetInt64(i), Is.EqualTo(Enumerable.Range(0, 3).MaxBy(c => x.GetDouble(first + (c * 30)))));
        }
    }

    [Test]
    public void Compiled_Nms_ChoosesBoxes([Values] bool optimize)
    {
        // Nine boxes of 10 x 10 in a row, each over half of the next.
        TensorData boxes = TensorData.Zeros(ElementType.Float32, [1, 9, 4]), scores = TensorData.Zeros(ElementType.Float32, [1, 9, 2]);
        for (int i = 0; i < 9; i++)
        {
            float[] box = [5 * i, 0, (5 * i) + 10, 10];
            for (int j = 0; j < 4; j++) boxes.SetDouble((4 * i) + j, box[j]);
            scores.SetDouble(2 * i, -0.5 - (0.01 * i));
            scores.SetDouble((2 * i) + 1, -0.1 * i);
        }

        TensorData[] y = Compiled(Detector, optimize, [("boxes", "nms=scores,iou=0.3,score=0.55,max=3"), ("scores", "sigmoid")], boxes, scores);
        Assert.That(y.Select(t => t.Dims.Length), Is.EqualTo(new[] { 3, 3, 2 }));
        // Neighbours overlap by a third, so every other one goes, best first; the model negates the scores: class 0 has 0.62 and more, class 1 0.5 and more.
        Assert.That(y[2].ToInt64s(), Is.EqualTo(new long[] { 0, 0, 8, 0, 0, 6, 0, 0, 4, 0, 1, 8, 0, 1, 6, 0, 1, 4 }));
    }

    [TestCase("nothing:softmax", "no output 'nothing' (it has 'y')")]
    [TestCase("topk=8", "has not always 8 elements along axis 1")]
    [TestCase("softmax,axis=4", "no axis 4")]
    [TestCase("softmax,axis=-5", "no axis -5")]
    [TestCase("argmax,softmax", "nothing can follow argmax or topk")]
    [TestCase("topk=2,argmax", "nothing can follow argmax or topk")]
    [TestCase("dequantize=1", "not quantised")]
    [TestCase("nms=y", "cannot be boxes and their scores")]
    [TestCase("nms=z", "no output 'z'")]
    [TestCase("nms=y,argmax", "both boxes and classes")]
    public void WhatDoesNotFit_IsRefused(string text, string message)
    {
        Diagnostic diagnostic = Assert.Throws<DiagnosticException>(() => Append(Classifier, text))!.Diagnostic;
        Assert.That(diagnostic.Descriptor.Id, Is.EqualTo("LATHE0007"));
        Assert.That(diagnostic.Message, Does.StartWith("option --postprocess: ").And.Contain(message));
    }

    [TestCase("softmax")]
    [TestCase("sigmoid")]
    public void FunctionsOfFloats_RefuseIntegers(string text) =>
        Assert.That(() => Append(Quantised, text), Throws.TypeOf<DiagnosticException>().With.Message.Contains("not floats"));

    [TestCase("softmax", "several outputs: name one of 'boxes', 'scores'")]
    [TestCase("scores:nms=boxes", "not boxes")]
    [TestCase("boxes:nms=boxes", "cannot be boxes and their scores")]
    public void DetectorsThatDoNotFit_AreRefused(string text, string message) =>
        Assert.That(() => Append(Detector, text), Throws.TypeOf<DiagnosticException>().With.Message.Contains(message));

    [Test]
    public void Nms_OfAnotherNumberOfScores_IsRefused() => Assert.That(
        () => Append(Detector.Replace("[1, 9, 2]", "[1, 8, 2]", StringComparison.Ordinal), "boxes:nms=scores"),
        Throws.TypeOf<DiagnosticException>().With.Message.Contains("not a score for each class and box"));

    [Test]
    public void FurtherOutput_OfATakenName_IsRefused() => Assert.That(
        () => Append("graph \"g\" %x = input \"y_indices\" : float32[1, 4] %1 = Relu(%x) return \"y\" = %1", "topk=1"),
        Throws.TypeOf<DiagnosticException>().With.Message.Contains("has 'y_indices' already"));

    [TestCase("y", 6, "there are 6 labels")]
    [TestCase("z", 7, "no output 'z'")]
    [TestCase("y", 7, null)]
    [TestCase("", 7, null)]
    public void Labels_MustFitTheClasses(string output, int count, string? message)
    {
        CompileOptions options = new() { Labels = new Dictionary<string, IReadOnlyList<string>> { [output] = [.. Enumerable.Range(0, count).Select(i => $"{i}")] } };
        TestDelegate run = () => new AppendPostprocessing().Run(GraphParser.Parse(Classifier), new PassContext(options));
        if (message is null) Assert.That(run, Throws.Nothing);
        else Assert.That(run, Throws.TypeOf<DiagnosticException>().With.Message.Contains("--labels: ").And.Message.Contains(message));
    }

    [TestCase("softmax", "", "softmax ")]
    [TestCase(" softmax , topk=5 , axis=-2", "", "softmax -2,topk 5 -2")]
    [TestCase("Identity:0:argmax", "Identity:0", "argmax ")]
    [TestCase("nms:softmax:nms=scores:0,iou=0.25,center", "nms:softmax", "nms scores:0 0.25  100 True")]
    [TestCase("y:dequantize=0.125,zero=-3,sigmoid", "y", "dequantize 0.125 -3,Sigmoid")]
    [TestCase("boxes:nms=s,score=0.5,max=7,iou=1", "boxes", "nms s 1 0.5 7 False")]
    public void Parse_Text_GivesSteps(string text, string output, string steps)
    {
        (string name, Postprocessing parsed) = Postprocessing.Parse(text);
        Assert.That((name, parsed.Text), Is.EqualTo((output, steps)));
    }

    [TestCase("", "has none of softmax")]
    [TestCase("y", "has none of softmax")]
    [TestCase("y:smooth", "has none of")]
    [TestCase("softmax,smooth", "'smooth' is none of")]
    [TestCase("softmax,softmax", "'softmax' is given twice")]
    [TestCase("softmax=1", "'softmax' has no value")]
    [TestCase("topk", "'topk' needs a value")]
    [TestCase("topk=0", "integer of at least 1")]
    [TestCase("topk=two", "integer of at least 1")]
    [TestCase("sigmoid,axis=1", "'axis' belongs to no step")]
    [TestCase("axis=1", "'axis' belongs to no step")]
    [TestCase("softmax,zero=1", "'zero' belongs to no step")]
    [TestCase("sigmoid,iou=0.5", "'iou' belongs to no step")]
    [TestCase("dequantize=0", "number above 0")]
    [TestCase("dequantize,zero=1", "'zero' belongs to no step")]
    [TestCase("dequantize=NaN", "number above 0")]
    [TestCase("nms=s,iou=1.5", "number from 0 to 1")]
    [TestCase("nms=s,score=x", "not a number")]
    [TestCase("nms=s,max=0", "integer of at least 1")]
    [TestCase("nms=s,center=1", "'center' has no value")]
    public void Parse_OtherText_IsRefused(string text, string message) =>
        Assert.That(() => Postprocessing.Parse(text), Throws.TypeOf<FormatException>().With.Message.Contains(message));

    private static string Segmenter(int batch) => $"graph \"g\" %x = input \"x\" : float32[{batch}, 3, 5, 6] %1 = Identity(%x) return \"y\" = %1";

    private static CompileOptions Options(params (string Output, string Text)[] steps) =>
        new() { Verify = true, Postprocessing = steps.ToDictionary(s => s.Output, s => Postprocessing.Parse(s.Text).Steps) };

    private static ModelGraph Append(string model, string text)
    {
        (string output, Postprocessing steps) = Postprocessing.Parse(text);
        ModelGraph graph = new AppendPostprocessing().Run(
            GraphParser.Parse(model), new PassContext(new CompileOptions { Postprocessing = new Dictionary<string, Postprocessing> { [output] = steps } }));
        GraphVerifier.Verify(graph, nameof(AppendPostprocessing));
        return graph;
    }

    private static string[] Ops(ModelGraph graph) => [.. graph.TopologicalOrder().Select(n => n.Op.Name)];

    private static TensorData[] Compiled(string model, bool optimize, (string Output, string Text)[] steps, params TensorData[] inputs)
    {
        using CompiledGraph compiled = new(GraphParser.Parse(model), optimize, options: Options(steps));
        return compiled.Run(inputs);
    }
}
