using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Tests.Onnx;
using ModelGraph = Lathe.Compiler.Graph.Graph;

namespace Lathe.Compiler.Tests;

/// <summary>Rules that name nodes.</summary>
public sealed class NodeRulesTests
{
    /// <summary>x → /net/a (Relu) → t → b (Exp) → u → d (Add) → y, and t → Sigmoid → v..w → d, where the Sigmoid has no name of its own.</summary>
    private static readonly ModelGraph Graph = Diamond();

    [TestCase("/net/a", "/net/a")]
    [TestCase("Sigmoid_v..w", "Sigmoid_v..w")]
    [TestCase("op:Exp", "b")]
    [TestCase("op:Add", "d")]
    [TestCase("/^/net/", "/net/a")]
    [TestCase("/[bd]$/", "b d")]
    [TestCase("between:x..t", "/net/a")]
    [TestCase("between:t..y", "b Sigmoid_v..w d")]
    [TestCase("between:t..u", "b")]
    [TestCase("between:t..v..w", "Sigmoid_v..w")]
    [TestCase("between:u..t", "")]
    [TestCase("between:nothing..y", "")]
    [TestCase("op:Conv", "")]
    [TestCase("c", "")]
    public void Selects(string selector, string names) =>
        Assert.That(NodeSelector.Parse(selector).NamesIn(Graph), Is.EquivalentTo(names.Split(' ', StringSplitOptions.RemoveEmptyEntries)));

    [TestCase("")]
    [TestCase("between:a")]
    [TestCase("/(a/")]
    [TestCase(@"/(a)\1/")]
    [TestCase("/a(?=b)/")]
    public void Refuses_what_is_no_selector(string selector) => Assert.That(() => NodeSelector.Parse(selector), Throws.TypeOf<FormatException>());

    [Test]
    public void The_last_rule_that_names_a_node_holds()
    {
        IReadOnlyList<NodeRule> rules = NodeRules.Parse("--affinity", "# all but two\n/./ = GPU\r\n\nb = CPU\nbetween:t..v..w=CPU\n", _ => null);
        IReadOnlyDictionary<string, NodeRule> held = NodeRules.Resolve("--affinity", rules, Graph);
        Assert.That(held.ToDictionary(h => h.Key, h => h.Value.Value), Is.EquivalentTo(new Dictionary<string, string> { ["/net/a"] = "GPU", ["b"] = "CPU", ["Sigmoid_v..w"] = "CPU", ["d"] = "GPU" }));
        Assert.That(held["b"].Line, Is.EqualTo(4));
    }

    [TestCase("b = CPU\nc = CPU", "LATHE0231", "--affinity, line 2: 'c' is the name of nothing in the model")]
    [TestCase("\n\nb CPU", "LATHE0230", "--affinity, line 3: 'SELECTOR = VALUE' is expected")]
    [TestCase("b = NPU", "LATHE0230", "--affinity, line 1: NPU is none")]
    [TestCase("/(/ = CPU", "LATHE0230", "--affinity, line 1: '(' is no regular expression")]
    public void Says_what_is_wrong_with_a_rule(string text, string id, string message)
    {
        DiagnosticException refused = Assert.Throws<DiagnosticException>(() =>
            NodeRules.Resolve("--affinity", NodeRules.Parse("--affinity", text, value => value == "CPU" ? null : $"{value} is none"), Graph))!;
        Assert.That(refused.Diagnostic.Descriptor.Id, Is.EqualTo(id));
        Assert.That(refused.Diagnostic.Message, Does.StartWith(message));
    }

    private static ModelGraph Diamond()
    {
        ModelBuilder model = new ModelBuilder().Input("x", 4).Output("y")
            .Node("Relu", ["x"], ["t"]).Node("Exp", ["t"], ["u"]).Node("Sigmoid", ["t"], ["v..w"]).Node("Add", ["u", "v..w"], ["y"]);
        (model.Model.Graph.Node[0].Name, model.Model.Graph.Node[1].Name, model.Model.Graph.Node[3].Name) = ("/net/a", "b", "d");
        return model.Graph();
    }
}
