using Lathe.Compiler.Graph;
using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Tests.Onnx;

[TestFixture]
internal sealed class InputTypesTests
{
    private static ModelBuilder Model(params object?[] dims) => new ModelBuilder().Input("x", dims).Output("y").Node("Relu", ["x"], ["y"]);

    private static CompileOptions Shape(params (string Input, string Shape)[] shapes) => new() { Shapes = shapes.ToDictionary(s => s.Input, s => s.Shape) };

    private static string TypeOf(ModelBuilder model, CompileOptions? options = null) => model.Graph(options).Inputs[0].Value.Type.ToString();

    [Test]
    public void NamedDims_AreSymbols_UnknownOnesToo()
    {
        Compiler.Graph.Graph graph = Model("batch", 3, null, -1).Graph();
        Assert.That(graph.Inputs[0].Value.Type.ToString(), Is.EqualTo("float32[batch, 3, x_2, x_3]"));
        Assert.That(graph.Symbols.Select(s => s.Name), Is.EqualTo(new[] { "batch", "x_2", "x_3" }));
        Assert.That(graph.Symbols.Select(s => s.Range), Is.All.EqualTo(new IndexRange(1, 1 << 20)));
    }

    [Test]
    public void StrangeSymbolNames_AreMadeSafeAndUnique() =>
        Assert.That(TypeOf(Model("a b", "a_b", "1", "\"", "größe+1")), Is.EqualTo("float32[a_b, a_b_1, d1_dim, d_, gr__e_1]"));

    [Test]
    public void Shape_FixesDims_OfAllInputsThatShareAName()
    {
        ModelBuilder model = new ModelBuilder().Input("x", "N", 3).Input("z", "N", 3).Output("y").Node("Add", ["x", "z"], ["y"]);
        Compiler.Graph.Graph graph = model.Graph(Shape(("z", "4,3")));
        Assert.That(graph.Inputs.Select(i => i.Value.Type.ToString()), Is.EqualTo(new[] { "float32[4, 3]", "float32[4, 3]" }));
        Assert.That(graph.Symbols, Is.Empty);
    }

    [TestCase("1,3,224,224", "float32[1, 3, 224, 224]")]
    [TestCase(" 1 , 3, 5 ,5 ", "float32[1, 3, 5, 5]")]
    [TestCase("N,3,224,224", "float32[N, 3, 224, 224]")]
    [TestCase("N=1..32,3,H=2..8,H", "float32[N, 3, H, H]")]
    [TestCase("N=4,3,N,2", "float32[4, 3, 4, 2]")]
    public void Shape_HasNumbersNamesAndRanges(string shape, string type) =>
        Assert.That(TypeOf(Model("batch", 3, null, null), Shape(("", shape))), Is.EqualTo(type));

    [Test]
    public void Range_IsTheSymbols() =>
        Assert.That(Model("batch", 3).Graph(Shape(("x", "N=2..32,3"))).Symbols.Single().Range, Is.EqualTo(new IndexRange(2, 32)));

    [Test]
    public void Number_WinsOverTheModels() => Assert.That(TypeOf(Model(1, 3, 224, 224), Shape(("x", "1,3,320,320"))), Is.EqualTo("float32[1, 3, 320, 320]"));

    [TestCase("x", "1,3", "dims")]
    [TestCase("z", "1,3,2,2", "'z'")]
    [TestCase("x", "1,3,2,-2", "'-2'")]
    [TestCase("x", "1,3,2,", "''")]
    [TestCase("x", "1,3,2,N=5..2", "N=5..2")]
    [TestCase("x", "N=1..2,3,N=1..3,2", "two ranges")]
    [TestCase("x", "1,3,2,99999999999999999999", "99999999999999999999")]
    public void BadShape_IsRefused(string input, string shape, string message) =>
        Model("N", 3, "H", "W").Refused("LATHE0007", message, Shape((input, shape)));

    [Test]
    public void ShapesThatContradictEachOther_AreRefused()
    {
        ModelBuilder model = new ModelBuilder().Input("x", "N").Input("z", "N").Output("y").Node("Add", ["x", "z"], ["y"]);
        model.Refused("LATHE0007", "'N'", Shape(("x", "2"), ("z", "3")));
        model.Refused("LATHE0007", "several inputs", Shape(("", "2")));
    }

    [Test]
    public void InputWithoutAShape_NeedsOne()
    {
        ModelBuilder model = Model(1);
        model.Model.Graph.Input[0].Type.TensorType.Shape = null;
        model.Refused("LATHE0007", "give its shape");
        Assert.That(TypeOf(model, Shape(("x", "2,2"))), Is.EqualTo("float32[2, 2]"));
    }
}
