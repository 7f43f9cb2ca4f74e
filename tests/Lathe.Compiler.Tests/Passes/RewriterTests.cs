using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Compiler.Passes;
using Lathe.Compiler.Rules;

namespace Lathe.Compiler.Tests.Passes;

[TestFixture]
internal sealed class RewriterTests
{
    private const string ThreeNegations = """
        graph "g"
        %x = input "x" : float32[2]
        %1 = Neg(%x) "a"
        %2 = Abs(%1) "b"
        %3 = Neg(%2) "c"
        return "y" = %3
        """;

    private static Value? NegToRelu(Node node, Rewriting g) => node is { Op: Neg, Inputs: [var x] } ? g.Add(new Relu(), x) : null;

    private static Value? ReluToNeg(Node node, Rewriting g) => node is { Op: Relu, Inputs: [var x] } ? g.Add(new Neg(), x) : null;

    private static string Run(PassContext context, params Rule[] rules) =>
        GraphPrinter.Print(Rewriter.Run(GraphParser.Parse(ThreeNegations), new RuleSet("test", rules), context));

    [Test]
    public void Replacements_CarryTheNames_AndAreCounted()
    {
        PassContext context = new(new CompileOptions());
        Assert.That(Run(context, NegToRelu), Does.Contain("Relu(%x) : float32[2] \"a\"").And.Contain("Relu(%2) : float32[2] \"c\""));
        Assert.That(context.Applied[nameof(RewriterTests)], Is.EqualTo(2));
    }

    [Test]
    public void StopAfter_EndsRewriting()
    {
        PassContext context = new(new CompileOptions { StopAfter = 1 });
        Assert.That(Run(context, NegToRelu), Does.Contain("Relu(%x)").And.Contain("Neg(%2)"));
        Assert.That(context.Rewrites, Is.EqualTo(1));
    }

    [Test]
    public void RulesThatUndoEachOther_AreFound() => Assert.That(
        () => Run(new PassContext(new CompileOptions()), NegToRelu, ReluToNeg),
        Throws.InvalidOperationException.With.Message.Contains("do not come to an end"));

    [Test]
    public void ReplacementOfAnotherType_IsFound()
    {
        Value? Wrong(Node node, Rewriting g) => node.Op is Abs ? g.Constant(TensorData.OfFloats([1])) : null;
        Assert.That(() => Run(new PassContext(new CompileOptions()), Wrong), Throws.InvalidOperationException.With.Message.Contains("of type"));
    }

    [Test]
    public void IsReadOnce_CountsReadersAndOutputs()
    {
        Dictionary<string, bool> readOnce = [];
        Value? Look(Node node, Rewriting g)
        {
            foreach (Value input in node.Inputs) readOnce[$"{node.Op.Name}({input.Op.Name})"] = g.IsReadOnce(input);
            return null;
        }

        Compiler.Graph.Graph graph = GraphParser.Parse("""
            graph "g"
            %x = input "x" : float32[2]
            %1 = Neg(%x)
            %2 = Abs(%1)
            %3 = Relu(%2)
            %4 = Exp(%2)
            return "y" = %3, "z" = %4, "w" = %1
            """);
        Rewriter.Run(graph, new RuleSet("test", Look), new PassContext(new CompileOptions()));
        Dictionary<string, bool> expected = new() { ["Neg(Input)"] = true, ["Abs(Neg)"] = false, ["Relu(Abs)"] = false, ["Exp(Abs)"] = false };
        Assert.That(readOnce, Is.EqualTo(expected));
    }

    [Test]
    public void Pipeline_DumpsAfterThePassesAskedFor()
    {
        List<string> dumped = [];
        CompileOptions options = new() { DumpAfter = ["canonicalise"], Dump = (name, text) => dumped.Add($"{name}: {text.Split('\n')[0]}") };
        Pipeline.RunNormalise(GraphParser.Parse(ThreeNegations), new PassContext(options));
        Assert.That(dumped, Is.EqualTo(new[] { "Canonicalise: graph \"g\"" }));
    }

    [Test]
    public void LongChains_DoNotOverflowTheStack()
    {
        GraphBuilder builder = new();
        Value x = builder.Add(new Lathe.Compiler.Operators.Input("x", TensorType.Of(Lathe.Runtime.ElementType.Float32, 1))), y = x;
        for (int i = 0; i < 20_000; i++) y = builder.Add(i % 2 == 0 ? new Neg() : new Abs(), y);
        Compiler.Graph.Graph graph = builder.Build("g", [new("x", x)], [new("y", y)], []);
        Assert.That(Pipeline.RunNormalise(graph, new PassContext(new CompileOptions())).TopologicalOrder(), Has.Count.EqualTo(20_001));
    }
}
