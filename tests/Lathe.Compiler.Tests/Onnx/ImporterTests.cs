using Lathe.Compiler.Graph;
using Lathe.Compiler.Onnx;
using Lathe.Runtime;
using static Lathe.Compiler.Tests.Onnx.ModelBuilder;
using Kind = Lathe.Compiler.Onnx.AttributeProto.Types.AttributeType;

namespace Lathe.Compiler.Tests.Onnx;

[TestFixture]
internal sealed class ImporterTests
{
    private static string Text(Compiler.Graph.Graph graph) => GraphPrinter.Print(graph);

    private static float[] Run(Compiler.Graph.Graph graph, params float[] x) =>
        GraphEvaluator.Run(graph, [TensorData.OfFloats(x, x.Length)])[0].Span<float>().ToArray();

    [Test]
    public void Names_AreTheModels()
    {
        ModelBuilder model = new ModelBuilder().Input("x", 2).Output("y").Node("Relu", ["x"], ["h"]).Node("Neg", ["h"], ["y"]);
        model.Model.Graph.Node[0].Name = "first";
        Assert.That(Text(model.Graph()), Is.EqualTo("""
            graph "test"
            %x = input "x" : float32[2]
            %1 = Relu(%x) : float32[2] "first"
            %2 = Neg(%1) : float32[2] "Neg_y"
            return "y" = %2

            """));
    }

    [Test]
    public void StrangeNames_AreData()
    {
        string[] names = ["class", "a\"b", "line\nbreak", "\u0001", "%x", "ö", "\ud800", "a b; return", new string('n', 100_000)];
        ModelBuilder model = new ModelBuilder().Input("x", 2).Output(names[^1]);
        string before = "x";
        foreach (string name in names)
        {
            model.Node("Relu", [before], [name]);
            model.Node("Neg", [name], [name + "'"]);
            model.Model.Graph.Node[^1].Name = name;
            before = name + "'";
        }

        Compiler.Graph.Graph graph = model.Graph();
        Assert.That(Text(GraphParser.Parse(Text(graph))), Is.EqualTo(Text(graph)));
    }

    [Test]
    public void Constants_OfEveryForm_HaveTheirTypes()
    {
        SparseTensorProto sparse = new() { Values = Floats("", [1], 3), Indices = Int64s("", 1) };
        sparse.Dims.Add(2);
        (string Attribute, object Value, string Expected)[] forms =
        [
            ("value", Floats("", [2], 1, 2), "float32[2] {1, 2}"),
            ("sparse_value", sparse, "float32[2] {0, 3}"),
            ("value_float", 1.5f, "float32[] {1.5}"),
            ("value_floats", new[] { 1.5f, 2f }, "float32[2] {1.5, 2}"),
            ("value_int", 7L, "int64[] {7}"),
            ("value_ints", new[] { 7L, -8L }, "int64[2] {7, -8}"),
            ("value_string", "a", "string[] {\"a\"}"),
            ("value_strings", new[] { "a", "b" }, "string[2] {\"a\", \"b\"}"),
        ];
        foreach ((string attribute, object value, string expected) in forms)
        {
            Compiler.Graph.Graph graph = new ModelBuilder().Output("y").Node("Constant", [], ["y"], (attribute, value)).Graph();
            Assert.That(Text(graph), Does.Contain($"return \"y\" = {expected}"));
        }
    }

    [Test]
    public void Constant_WithoutOrWithTwoValues_IsRefused()
    {
        new ModelBuilder().Output("y").Node("Constant", [], ["y"]).Refused("LATHE0003", "one attribute");
        new ModelBuilder().Output("y").Node("Constant", [], ["y"], ("value_int", 1L), ("value_float", 1f)).Refused("LATHE0003", "one attribute");
        new ModelBuilder().Output("y").Node("Constant", [], ["y"], ("value_int", 1f)).Refused("LATHE0005", "value_int");
    }

    [Test]
    public void Initialiser_ThatIsAnInputToo_IsAConstant()
    {
        ModelBuilder model = new ModelBuilder().Input("x", 2).Input("c", 2).Output("y").Node("Add", ["x", "c"], ["y"]).Initialiser(Floats("c", [2], 1, 2));
        Compiler.Graph.Graph graph = model.Graph();
        Assert.That(graph.Inputs.Select(i => i.Name), Is.EqualTo(new[] { "x" }));
        Assert.That(Run(graph, 10, 20), Is.EqualTo(new float[] { 11, 22 }));
    }

    [Test]
    public void OptionalInputs_MayBeLeftOut()
    {
        ModelBuilder model = new ModelBuilder().Input("x", 2).Output("y").Node("Clip", ["x", "", "high"], ["y"]).Initialiser(Floats("high", [], 1));
        Assert.That(Run(model.Graph(), -5, 5), Is.EqualTo(new float[] { -5, 1 }));
    }

    [Test]
    public void NodesOutOfOrder_ArePutInOrder()
    {
        ModelBuilder model = new ModelBuilder().Input("x", 1).Output("y").Node("Neg", ["h"], ["y"]).Node("Relu", ["x"], ["h"]);
        Assert.That(Run(model.Graph(), 3), Is.EqualTo(new float[] { -3 }));
    }

    [Test]
    public void Function_IsInlined_WithItsAttributes()
    {
        ModelBuilder model = new ModelBuilder().Input("x", 2).Output("y");
        model.Model.OpsetImport.Add(new OperatorSetIdProto { Domain = "mine", Version = 1 });
        FunctionProto function = new() { Domain = "mine", Name = "Twice" };
        function.OpsetImport.Add(new OperatorSetIdProto { Version = 17 });
        function.Input.Add("a");
        function.Output.Add("b");
        function.Attribute.Add("first");
        function.AttributeProto.Add(Attribute("second", 0.5f));
        function.Node.Add(MakeNode("LeakyRelu", ["a"], ["h"]));
        function.Node[0].Attribute.Add(Reference("alpha", "first", Kind.Float));
        function.Node.Add(MakeNode("LeakyRelu", ["h"], ["b"]));
        function.Node[1].Attribute.Add(Reference("alpha", "second", Kind.Float));
        model.Model.Functions.Add(function);
        model.Node("Twice", ["x"], ["h"], ("first", 0.25f)).Node("Twice", ["h"], ["y"]);
        foreach (NodeProto node in model.Model.Graph.Node) (node.Domain, node.Name) = ("mine", $"call_{node.Output[0]}");

        // The second call leaves out the first attribute, for which LeakyRelu then has its own default.
        Assert.That(Text(model.Graph()), Is.EqualTo("""
            graph "test"
            %x = input "x" : float32[2]
            %1 = LeakyRelu(%x) {Alpha=0.25} : float32[2] "call_h/LeakyRelu_h"
            %2 = LeakyRelu(%1) {Alpha=0.5} : float32[2] "call_h/LeakyRelu_b"
            %3 = LeakyRelu(%2) : float32[2] "call_y/LeakyRelu_h"
            %4 = LeakyRelu(%3) {Alpha=0.5} : float32[2] "call_y/LeakyRelu_b"
            return "y" = %4

            """));
    }

    [Test]
    public void Function_ThatCallsItself_IsRefused()
    {
        ModelBuilder model = new ModelBuilder().Input("x", 2).Output("y").Node("F", ["x"], ["y"]);
        model.Model.Functions.Add(Chain("F", "G"));
        model.Model.Functions.Add(Chain("G", "F"));
        model.Refused("LATHE0003", "calls itself");
    }

    [Test]
    public void Functions_ThatDoubleAtEachLevel_EndInTime()
    {
        ModelBuilder model = new ModelBuilder().Input("x", 2).Output("y").Node("F0", ["x"], ["y"]);
        for (int i = 0; i < 60; i++) model.Model.Functions.Add(Chain($"F{i}", $"F{i + 1}", $"F{i + 1}"));
        model.Model.Functions.Add(Chain("F60", "Relu"));
        model.Refused("LATHE0003", "nodes");
    }

    [Test]
    public void Functions_NestedDeeply_AreRefused()
    {
        ModelBuilder model = new ModelBuilder().Input("x", 2).Output("y").Node("F0", ["x"], ["y"]);
        for (int i = 0; i < 20_000; i++) model.Model.Functions.Add(Chain($"F{i}", $"F{i + 1}"));
        model.Model.Functions.Add(Chain("F20000", "Relu"));
        model.Refused("LATHE0003", "deep");
    }

    [Test]
    public void BroadcastingBeforeOpset7_IsAlignedAsItWasThen()
    {
        ModelBuilder model = new ModelBuilder(6).Input("x", 2, 3, 2).Output("y", "z")
            .Node("Add", ["x", "c"], ["y"], ("broadcast", 1L), ("axis", 1L))
            .Node("PRelu", ["y", "s"], ["z"])
            .Initialiser(Floats("c", [3], -10, -20, 30)).Initialiser(Floats("s", [3], 2, 3, 4));
        IReadOnlyList<TensorData> outputs = GraphEvaluator.Run(model.Graph(), [TensorData.Zeros(ElementType.Float32, 2, 3, 2)]);
        Assert.That(outputs[0].Span<float>()[..6].ToArray(), Is.EqualTo(new float[] { -10, -10, -20, -20, 30, 30 }));
        Assert.That(outputs[1].Span<float>()[6..].ToArray(), Is.EqualTo(new float[] { -20, -20, -60, -60, 30, 30 }));
    }

    [Test]
    public void ValueOfAnInput_MakesItAConstant()
    {
        ModelBuilder model = new ModelBuilder().Input("x", "N", 2).Input("shape", ElementType.Int64, 1).Output("y").Node("Reshape", ["x", "shape"], ["y"]);
        Assert.That(model.Graph().Outputs[0].Value.Type.Dims[0].Variables.Single().Name, Does.StartWith("Reshape"), "a dim that is measured");
        CompileOptions options = new() { InputValues = new Dictionary<string, TensorData> { ["shape"] = TensorData.OfInt64s(-1) } };
        Compiler.Graph.Graph graph = model.Graph(options);
        Assert.That(graph.Inputs.Select(i => i.Name), Is.EqualTo(new[] { "x" }));
        Assert.That(graph.Outputs[0].Value.Type.ToString(), Is.EqualTo("float32[2*N]"));
    }

    [Test]
    public void ValueOfAnInput_ThatDoesNotFit_IsRefused()
    {
        ModelBuilder model = new ModelBuilder().Input("x", "N", 2).Output("y").Node("Relu", ["x"], ["y"]);
        model.Refused("LATHE0007", "no input 'z'", Value("z", TensorData.OfInt64s(1)));
        model.Refused("LATHE0007", "not int64[1, 2]", Value("x", TensorData.OfInt64s(1, 2).Reshape(1, 2)));
        model.Refused("LATHE0007", "2 dims", Value("x", TensorData.OfFloats([1], 1)));
        model.Refused("LATHE0007", "another shape", Value("x", TensorData.OfFloats([1, 2], 1, 2)) with { Shapes = new Dictionary<string, string> { ["x"] = "3,2" } });

        static CompileOptions Value(string input, TensorData value) => new() { InputValues = new Dictionary<string, TensorData> { [input] = value } };
    }

    [Test]
    public void Branches_ReadWhatIsAroundThem()
    {
        GraphProto then = new() { Name = "then" }, otherwise = new() { Name = "else" };
        then.Node.Add(MakeNode("Add", ["h", "c"], ["inner"]));
        then.Output.Add(new ValueInfoProto { Name = "inner" });
        // The same name in a body as outside of it stands for the body's value.
        otherwise.Initializer.Add(Floats("c", [2], 100, 200));
        otherwise.Node.Add(MakeNode("Mul", ["c", "x"], ["inner"]));
        otherwise.Output.Add(new ValueInfoProto { Name = "inner" });
        ModelBuilder model = new ModelBuilder().Input("x", 2).Input("p", ElementType.Bool).Output("y").Initialiser(Floats("c", [2], 1, 2))
            .Node("If", ["p"], ["y"], ("then_branch", then), ("else_branch", otherwise))
            .Node("Neg", ["x"], ["h"]);

        Compiler.Graph.Graph graph = model.Graph();
        TensorData x = TensorData.OfFloats([3, 4], 2);
        foreach ((bool condition, float[] expected) in new[] { (true, new float[] { -2, -2 }), (false, [300, 800]) })
        {
            TensorData p = TensorData.Of(ElementType.Bool, (ReadOnlySpan<bool>)[condition]);
            Assert.That(GraphEvaluator.Run(graph, [x, p])[0].Span<float>().ToArray(), Is.EqualTo(expected));
        }

        Assert.That(Text(GraphParser.Parse(Text(graph))), Is.EqualTo(Text(graph)));
    }

    [Test]
    public void Branch_WhoseOutputNothingMakes_IsRefused()
    {
        GraphProto body = new() { Name = "body" };
        body.Output.Add(new ValueInfoProto { Name = "nowhere" });
        ModelBuilder model = new ModelBuilder().Input("p", ElementType.Bool).Output("y").Node("If", ["p"], ["y"], ("then_branch", body), ("else_branch", body));
        Assert.That(model.Refused("LATHE0003", "'nowhere'").Node, Is.EqualTo("If_y"));
    }

    [Test]
    public void UnsupportedOperators_AreReportedAllAtOnce()
    {
        ModelBuilder model = new ModelBuilder().Input("x", 2).Output("y");
        for (int i = 0; i < 5; i++) model.Node("Frobnicate", [i == 0 ? "x" : $"h{i}"], [$"h{i + 1}"]);
        model.Node("Mangle", ["h5"], ["y"]);
        model.Model.Graph.Node[5].Domain = "com.example";
        (Compiler.Graph.Graph? graph, IReadOnlyList<Compiler.Diagnostics.Diagnostic> diagnostics) = model.Read();
        Assert.That(graph, Is.Null);
        Assert.That(diagnostics.Select(d => d.ToMSBuild("m.onnx")), Is.EqualTo(new[]
        {
            "m.onnx : error LATHE0004: operator 'Frobnicate' is not supported (nodes 'Frobnicate_h1', 'Frobnicate_h2', 'Frobnicate_h3', 'Frobnicate_h4', 'Frobnicate_h5')",
            "m.onnx : error LATHE0004: operator 'com.example.Mangle' is not supported (node 'Mangle_y')",
        }));
    }

    [Test]
    public void UnsupportedOperators_OfBodiesAndFunctionsCount()
    {
        GraphProto body = new() { Name = "body" };
        body.Node.Add(MakeNode("Frobnicate", ["x"], ["b"]));
        body.Output.Add(new ValueInfoProto { Name = "b" });
        ModelBuilder model = new ModelBuilder().Input("p", ElementType.Bool).Input("x", 2).Output("y")
            .Node("If", ["p"], ["h"], ("then_branch", body), ("else_branch", body)).Node("F", ["h"], ["y"]);
        model.Model.Functions.Add(Chain("F", "G"));
        model.Model.Functions.Add(Chain("G", "Mangle"));
        Assert.That(model.Read().Diagnostics.Select(d => d.Arguments[0]), Is.EquivalentTo(new[] { "Frobnicate", "Mangle" }));
    }

    [Test]
    public void NodesOfAnUnsupportedOperator_AreNamedWhileTheMessageStaysShort()
    {
        ModelBuilder model = new ModelBuilder().Input("x", 2).Output("h500");
        for (int i = 0; i < 500; i++) model.Node("Frobnicate", [i == 0 ? "x" : $"h{i}"], [$"h{i + 1}"]);
        string message = model.Read().Diagnostics.Single().Message;
        Assert.That(message, Does.Contain("'Frobnicate_h20'").And.Match("and \\d+ more\\)$"));
        Assert.That(message, Has.Length.LessThan(500));
    }

    [TestCase("Dropout", true)]
    [TestCase("RandomNormalLike", true)]
    [TestCase("Relu", false)]
    public void RandomModels_AreKnown(string op, bool isRandom)
    {
        ModelBuilder model = new ModelBuilder().Input("x", 2).Input("training", ElementType.Bool).Output("y").Node(op, op == "Dropout" ? ["x", "", "training"] : ["x"], ["y"]);
        Assert.That(RandomOperators.AreIn(model.Model), Is.EqualTo(isRandom));
    }

    private static FunctionProto Chain(string name, params string[] calls)
    {
        FunctionProto function = new() { Name = name };
        function.OpsetImport.Add(new OperatorSetIdProto { Version = 17 });
        function.Input.Add("v0");
        function.Output.Add($"v{calls.Length}");
        for (int i = 0; i < calls.Length; i++) function.Node.Add(MakeNode(calls[i], [$"v{i}"], [$"v{i + 1}"]));
        return function;
    }
}
