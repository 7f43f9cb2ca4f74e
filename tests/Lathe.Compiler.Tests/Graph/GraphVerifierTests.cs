using System.Collections.Immutable;
using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Runtime;

namespace Lathe.Compiler.Tests.Graph;

[TestFixture]
internal sealed class GraphVerifierTests
{
    private static readonly Compiler.Graph.Graph Good = GraphParser.Parse("""
        graph "g"
        symbol N = 1..64
        %x = input "x" : float32[N, 4]
        %y = Relu(%x)
        return "y" = %y
        """);

    private static void Broken(Compiler.Graph.Graph graph, string reason) =>
        Assert.That(() => GraphVerifier.Verify(graph, "a pass"), Throws.InvalidOperationException.With.Message.Contains(reason).And.Message.Contains("a pass"));

    [Test]
    public void GoodGraph_Passes() => Assert.That(() => GraphVerifier.Verify(Good, "a pass"), Throws.Nothing);

    [Test]
    public void UndeclaredSymbol_IsFound() => Broken(Good with { Symbols = [] }, "dim N");

    [Test]
    public void UnlistedInput_IsFound() => Broken(Good with { Inputs = [] }, "does not list");

    [Test]
    public void InputThatIsNone_IsFound() => Broken(Good with { Inputs = [new("x", Good.Outputs[0].Value)] }, "is a Relu");

    [Test]
    public void NamesGivenTwice_AreFound()
    {
        Broken(Good with { Outputs = [Good.Outputs[0], Good.Outputs[0]] }, "two outputs");
        Broken(Good with { Inputs = [Good.Inputs[0], Good.Inputs[0]] }, "two inputs");
        Broken(Good with { Outputs = [] }, "no outputs");
    }

    [Test]
    public void TypeThatIsNotInferred_IsFound()
    {
        Node wrong = new(7, new Relu(), [Good.Inputs[0].Value], [TensorType.Of(ElementType.Float32, 3)], [null]);
        Broken(Good with { Outputs = [new("y", wrong[0])] }, "its inputs say float32[N, 4]");
    }

    [Test]
    public void OutputThatANodeDoesNotHave_IsFound()
    {
        Node reader = new(7, new Relu(), [new Value(Good.Inputs[0].Value.Node, 3)], [Good.Inputs[0].Value.Type], [null]);
        Broken(Good with { Outputs = [new("y", reader[0])] }, "does not have");
        Broken(Good with { Outputs = [new("y", new Value(Good.Outputs[0].Value.Node, 1))] }, "none of its node");
    }
}
