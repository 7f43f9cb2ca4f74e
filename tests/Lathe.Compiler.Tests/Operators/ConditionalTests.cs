using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Compiler.Operators.Movement;
using Lathe.Kernels.Loops;
using Lathe.Runtime;
using If = Lathe.Compiler.Operators.Control.If;
using static Lathe.Compiler.Tests.Operators.OperatorCase;

namespace Lathe.Compiler.Tests.Operators;

/// <summary>Conditionals: what their bodies read from around them, and which of them runs.</summary>
internal sealed class ConditionalTests
{
    [TestCase(true, new float[] { 11, 22 })]
    [TestCase(false, new float[] { -1, -2 })]
    public void Condition_ChoosesABody(bool condition, float[] expected)
    {
        Compiler.Graph.Graph graph = Graph(
            (g, x, y) => g.Add(new Add(), x, y),
            (g, x, _) => g.Add(new Neg(), x));
        TensorData chosen = TensorData.Of<bool>(ElementType.Bool, [condition]);
        Assert.That(GraphEvaluator.Run(graph, [chosen, Floats(1, 2), Floats(10, 20)])[0].Span<float>().ToArray(), Is.EqualTo(expected));
    }

    [Test]
    public void Captured_ValuesAreInputsOfBoth_AndConstantsAreNot()
    {
        Compiler.Graph.Graph graph = Graph(
            (g, x, y) => g.Add(new Add(), x, g.Constant(Floats(1, 1))),
            (g, _, y) => y);
        Node node = graph.Outputs[0].Value.Node;
        If choice = (If)node.Op;
        Assert.That(node.Inputs.Skip(1).Select(v => ((Input)v.Op).Port), Is.EquivalentTo(new[] { "x", "y" }));
        Assert.That((choice.Then.Inputs.Length, choice.Else.Inputs.Length), Is.EqualTo((2, 2)));
        GraphVerifier.Verify(graph, "import");
        GraphVerifier.Verify(choice.Then, "import");
        GraphVerifier.Verify(choice.Else, "import");
    }

    [Test]
    public void KnownCondition_LeavesItsBody()
    {
        GraphBuilder builder = new();
        Value x = builder.Add(new Input("x", Float32("2")));
        Value y = ImportNode(
            builder, "If", 16, 1, [builder.Constant(TensorData.Of<bool>(ElementType.Bool, [false]))],
            ("then_branch", Body((g, _) => g.Add(new Exp(), x))), ("else_branch", Body((g, _) => g.Add(new Neg(), x))))[0];
        Assert.That(y.Op, Is.InstanceOf<Neg>());
    }

    [Test]
    public void BodiesOfDifferentShapes_AreRefused() => Assert.That(
        () => Graph((g, x, _) => x, (g, x, _) => g.Add(new Concat(0), x, x)),
        Throws.TypeOf<DiagnosticException>().With.Message.Contain("depends on data"));

    [Test]
    public void BodiesOfDifferentRanks_LeaveTheFirst_AndTheUserIsTold([Values] bool readsAround)
    {
        GraphBuilder g = new();
        Value condition = g.Add(new Input("c", TensorType.Of(ElementType.Bool))), x = g.Add(new Input("x", Float32("2", "1")));
        // How a squeeze of a named dim is exported; and bodies of constants, which read nothing.
        OnnxGraph squeezed = readsAround ? Body((b, _) => b.Add(new Squeeze([1]), x)) : Body((b, _) => b.Constant(Floats(1, 2)));
        OnnxGraph other = readsAround ? Body((_, _) => x) : Body((b, _) => b.Constant(Floats(3, 4).Reshape(2, 1)));
        // One inside the other: bodies tell the user too.
        OnnxGraph nested = Body((b, _) => ImportNode(b, "If", 16, 1, [condition], ("then_branch", squeezed), ("else_branch", other))[0]);
        Value y = ImportNode(g, "If", 16, 1, [condition], ("then_branch", nested), ("else_branch", other))[0];
        Assert.That(y.Type.ToString(), Is.EqualTo("float32[2]"));
        Assert.That(g.Warnings.Select(w => w.Descriptor.Id), Is.EqualTo(new[] { "LATHE0104", "LATHE0104" }));

        Compiler.Graph.Graph graph = g.Build("g", [new GraphPort("c", condition), new GraphPort("x", x)], [new GraphPort("y", y)], g.Symbols.Computed);
        using CompiledGraph compiled = new(graph);
        TensorData yes = TensorData.Of<bool>(ElementType.Bool, [true]), no = TensorData.Of<bool>(ElementType.Bool, [false]), column = Floats(1, 2).Reshape(2, 1);
        for (int i = 0; i < 2; i++)
        {
            Assert.That(compiled.Run(yes, column)[0].ToDoubles(), Is.EqualTo(new double[] { 1, 2 }));
            Assert.That(() => compiled.Run(no, column), Throws.TypeOf<LatheException>().With.Property("Id").EqualTo("LATHE0508"));
        }
    }

    [Test]
    public void ConditionMadeOfConstants_IsKnown()
    {
        GraphBuilder builder = new();
        Value x = builder.Add(new Input("x", Float32("2")));
        Value condition = builder.Add(new Less(), builder.Constant(Floats(2.5f).Reshape()), builder.Constant(Floats(3).Reshape()));
        Value y = ImportNode(
            builder, "If", 16, 1, [condition],
            ("then_branch", Body((g, _) => g.Add(new Unsqueeze([0]), x))), ("else_branch", Body((g, _) => g.Add(new Neg(), x))))[0];
        Assert.That(y.Op, Is.InstanceOf<Unsqueeze>());
        Assert.That(builder.Warnings, Is.Empty);
    }

    [Test]
    public void Substitute_ReachesTheBodies()
    {
        GraphBuilder builder = new();
        IndexVar n = new("N", 1, 1000);
        Value x = builder.Add(new Input("x", Float32("N", "2"))), condition = builder.Add(new Input("c", TensorType.Of(ElementType.Bool)));
        OnnxGraph flat = Body((g, _) => g.Add(new Reshape([(IndexExpr)n * 2]), x));
        Value y = ImportNode(builder, "If", 16, 1, [condition], ("then_branch", flat), ("else_branch", flat))[0];
        If five = (If)y.Op.Substitute(_ => 5);
        Assert.That(five.Then.Outputs[0].Value.Type.ToString(), Is.EqualTo("float32[10]"));
        Assert.That(five.Else.Inputs[0].Value.Type.ToString(), Is.EqualTo("float32[5, 2]"));
    }

    private static OnnxGraph Body(Func<GraphBuilder, IReadOnlyList<Value>, Value> make) => new((builder, inputs) => [make(builder, inputs)]);

    private static Compiler.Graph.Graph Graph(Func<GraphBuilder, Value, Value, Value> then, Func<GraphBuilder, Value, Value, Value> otherwise)
    {
        GraphBuilder builder = new();
        Value condition = builder.Add(new Input("c", TensorType.Of(ElementType.Bool)));
        Value x = builder.Add(new Input("x", Float32("2"))), y = builder.Add(new Input("y", Float32("2")));
        Value result = ImportNode(
            builder, "If", 16, 1, [condition], ("then_branch", Body((g, _) => then(g, x, y))), ("else_branch", Body((g, _) => otherwise(g, x, y))))[0];
        return builder.Build("g", [new GraphPort("c", condition), new GraphPort("x", x), new GraphPort("y", y)], [new GraphPort("out", result)], []);
    }
}
