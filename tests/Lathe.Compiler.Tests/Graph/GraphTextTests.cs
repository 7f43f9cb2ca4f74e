using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Tests.Graph;

[TestFixture]
internal sealed class GraphTextTests
{
    private static string Round(string text) => GraphPrinter.Print(GraphParser.Parse(text));

    [Test]
    public void Text_ReadsBack()
    {
        const string text = """
            graph "model \"x\"\u000a"
            symbol N = 1..64
            %x = input "x" : float32[N, 4]
            %1 = input "strange name" : float32[4]
            %2 = Add(%x, %1) : float32[N, 4] "sum"
            %3 = Clip(%2, _, float32[] {6}) : float32[N, 4]
            %4 = float32[4, 20] splat(0.5)
            %5 = Gemm(%3, %4) {Alpha=0.25, TransA=false} : float32[N, 20]
            %6 = Reshape(%5) {Dims=[2*N, 10]} : float32[2*N, 10]
            return "y" = %6, "z z" = %3

            """;
        Assert.That(Round(text), Is.EqualTo(text.Replace(", TransA=false", "", StringComparison.Ordinal)));
    }

    [Test]
    public void Constants_OfEveryType_ReadBack([Values] ElementType element)
    {
        if (element == ElementType.Undefined) return;
        GraphBuilder builder = new();
        TensorData small = RandomTensor.Of(element, 1, 2, 3), large = RandomTensor.Of(element, 2, 5, 7);
        Dictionary<string, TensorData> data = [];
        Compiler.Graph.Graph graph = builder.Build("g", [], [new("a", builder.Constant(small)), new("b", builder.Constant(large))], []);
        Compiler.Graph.Graph back = GraphParser.Parse(GraphPrinter.Print(graph, data), data);
        foreach ((TensorData expected, GraphPort port) in new[] { small, large }.Zip(back.Outputs))
        {
            Tensors.AssertClose(port.Value.Constant!, expected, 0);
            Assert.That(port.Value.Constant!.Dims, Is.EqualTo(expected.Dims));
        }
    }

    [Test]
    public void ExtremeNumbers_ReadBack()
    {
        const string text = """
            graph "g"
            return "a" = float32[5] {nan, inf, -inf, -1E-45, 3.4028235E+38}, "b" = uint64[1] {18446744073709551615}, "c" = int64[1] {-9223372036854775808}

            """;
        Assert.That(Round(text), Is.EqualTo(text));
    }

    [Test]
    public void Bodies_AndLayouts_ReadBack()
    {
        GraphBuilder inner = new(), outer = new();
        TensorType type = TensorType.Of(ElementType.Float32, 1, 16, 4, 4);
        Value a = inner.Add(new Input("in0", type)), b = inner.Add(new Compiler.Operators.Elementwise.Relu(), a);
        Compiler.Graph.Graph body = inner.Build("body", [new("in0", a)], [new("out", b)], []);
        Value x = outer.Add(new Input("x", type));
        Layout layout = Layout.Blocked(4, 16, [1, 1], [1, 1]);
        Value fused = outer.Add(new Transfer("CPU"), outer.Add(new Fused(body, layout, "GPU"), outer.Add(new Transfer("GPU"), outer.Add(new Reorder(layout), x))));
        Compiler.Graph.Graph graph = outer.Build("g", [new("x", x)], [new("y", outer.Add(new Reorder(null), fused))], []);
        string text = GraphPrinter.Print(graph);
        Assert.That(text, Does.Contain("float32[1, 16, 4, 4]@0,1/16,2+1+1,3+1+1,1%16").And.Contain("    %1 = Relu(%in0)").And.Contain("Device=\"GPU\"").And.Contain("Transfer(%1) {To=\"GPU\"}"));
        Assert.That(Round(text), Is.EqualTo(text));
    }

    [Test]
    public void MembersOfEveryOperator_HaveATextForm()
    {
        HashSet<Type> simple =
        [
            typeof(string), typeof(bool), typeof(long), typeof(int), typeof(float), typeof(double),
            typeof(TensorData), typeof(TensorType), typeof(Layout), typeof(IndexExpr), typeof(Compiler.Graph.Graph),
        ];
        foreach (OperatorRow row in OperatorTable.Rows.Where(r => r.Type.IsSubclassOf(typeof(Op))))
            foreach (System.Reflection.ParameterInfo member in AttributeReader.PrimaryConstructor(row.Type).GetParameters())
                Assert.That(HasText(member.ParameterType), Is.True, $"{row.Type.Name}.{member.Name} is a {member.ParameterType.Name}");

        bool HasText(Type type)
        {
            type = Nullable.GetUnderlyingType(type) ?? type;
            return simple.Contains(type) || type.IsEnum
                || (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(EquatableArray<>) && HasText(type.GenericTypeArguments[0]));
        }
    }

    [TestCase("N + 3*M - 7")]
    [TestCase("((N + 1) div 2)")]
    [TestCase("((N + 3) mod 4)*M")]
    [TestCase("min(M, N) + max(5, N)")]
    [TestCase("select(M < N, 3, 4*M)")]
    public void IndexExpressions_ReadBack(string expression)
    {
        Dictionary<string, IndexVar> symbols = new() { ["N"] = new("N", 1, 100), ["M"] = new("M", 1, 100) };
        IndexExpr parsed = new TextCursor(expression).Index(symbols);
        Assert.That(new TextCursor(parsed.ToString()).Index(symbols), Is.EqualTo(parsed));
        Assert.That(parsed.Evaluate(s => s.Name == "N" ? 9 : 4), Is.EqualTo(expression switch
        {
            "N + 3*M - 7" => 14,
            "((N + 1) div 2)" => 5,
            "((N + 3) mod 4)*M" => 0,
            "min(M, N) + max(5, N)" => 13,
            _ => 3,
        }));
    }

    [TestCase("graph \"g\" return \"y\" = %1", "%1")]
    [TestCase("graph \"g\" %x = input \"x\" : float32[N] return \"y\" = %x", "symbol")]
    [TestCase("graph \"g\" %x = Nothing() return \"y\" = %x", "an operator")]
    [TestCase("graph \"g\" %x = input \"x\" : float32[2] %y = Relu(%x) : float32[3] return \"y\" = %y", "float32[2]")]
    [TestCase("graph \"g\" %x = input \"x\" : float32[2] %y = LeakyRelu(%x) {Beta=1} return \"y\" = %y", "Beta")]
    [TestCase("graph \"g\" %x = float32[2] {1, 2, 3} return \"y\" = %x", "2 elements")]
    [TestCase("graph \"g\" %x = float32[2] {1} return \"y\" = %x", "2 elements")]
    [TestCase("graph \"g\" %x = float32[2] zeros %x = float32[2] zeros return \"y\" = %x", "taken")]
    [TestCase("graph \"g\" %x = float32[2] zeros return \"y\" = %x.1", "an output")]
    [TestCase("graph \"g", "closing quote")]
    [TestCase("graph \"g\" return \"y\" = float32[1] {1} more", "the end")]
    public void WhatIsNoGraph_IsRefused(string text, string message) =>
        Assert.That(() => GraphParser.Parse(text), Throws.TypeOf<FormatException>().With.Message.Contains(message));
}
