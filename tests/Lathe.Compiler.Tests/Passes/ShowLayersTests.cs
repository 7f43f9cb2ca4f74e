using Lathe.Compiler.Graph;
using Lathe.Compiler.Passes;

namespace Lathe.Compiler.Tests.Passes;

[TestFixture]
internal sealed class ShowLayersTests
{
    private const string Model =
        """
        graph "g"
        %x = input "x" : float32[2, 8]
        %w = float32[8, 8] random(1)
        %1 = MatMul(%x, %w)
        %2 = Relu(%1)
        %3 = MatMul(%2, %w)
        return "y" = %3
        """;

    [Test]
    public void Products_BecomeOutputsBehindTheModels()
    {
        Compiler.Graph.Graph result = new ShowLayers().Run(GraphParser.Parse(Model), new PassContext(new CompileOptions { ShowLayers = true }));
        GraphVerifier.Verify(result, nameof(ShowLayers));
        Assert.That(result.Outputs.Select(o => o.Value.Op.Name), Is.EqualTo(new[] { "MatMul", "MatMul" }), "the second product is an output already");
        Assert.That(result.Outputs[0].Name, Is.EqualTo("y"));
        Assert.That(result.Outputs[1].Name, Is.EqualTo(result.NameOf(result.Outputs[1].Value.Node)));
    }

    [Test]
    public void Names_ThatAreTaken_GetANumber()
    {
        GraphBuilder g = new();
        Value x = g.Add(new Compiler.Operators.Input("x", TensorType.Of(Runtime.ElementType.Float32, 2, 8)));
        g.CurrentName = "y";
        Value product = g.Add(new Compiler.Operators.Linear.MatMul(), x, g.Constant(RandomTensor.Of(Runtime.ElementType.Float32, 1, 8, 8)));
        g.CurrentName = null;
        Compiler.Graph.Graph graph = g.Build("g", [new GraphPort("x", x)], [new GraphPort("y", g.Add(new Compiler.Operators.Elementwise.Relu(), product))], []);
        Compiler.Graph.Graph result = new ShowLayers().Run(graph, new PassContext(new CompileOptions { ShowLayers = true }));
        Assert.That(result.Outputs.Select(o => o.Name), Is.EqualTo(new[] { "y", "y_2" }));
    }

    [Test]
    public void WithoutTheOption_NothingChanges() => PassAssert.Keeps(new ShowLayers(), Model);
}
