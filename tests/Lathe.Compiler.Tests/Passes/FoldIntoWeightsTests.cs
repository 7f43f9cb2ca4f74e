using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Passes;

namespace Lathe.Compiler.Tests.Passes;

[TestFixture]
internal sealed class FoldIntoWeightsTests
{
    private static readonly IPass Pass = new FoldIntoWeights();

    /// <summary>Asserts which operators are left, and that the meaning is the same.</summary>
    private static Compiler.Graph.Graph Leaves(string text, string operators)
    {
        Compiler.Graph.Graph before = GraphParser.Parse(text), after = Pass.Run(before, new PassContext(new CompileOptions()));
        GraphVerifier.Verify(after, Pass.Name);
        Assert.That(string.Join(" ", after.TopologicalOrder().Where(n => n.Op is not (Input or Constant)).Select(n => n.Op.Name)), Is.EqualTo(operators));
        PassAssert.AssertSame(before, after, 2e-6);
        return after;
    }

    private static string Conv(string rest, string attributes = "{Pads=[1, 1, 1, 1]}", string bias = ", float32[4] random(2)") => $"""
        graph "g"
        %x = input "x" : float32[2, 3, 5, 5]
        %z = input "z" : float32[2, 4, 5, 5]
        %c = Conv(%x, float32[4, 3, 3, 3] random(1){bias}) {attributes}
        {rest}
        """;

    [TestCase("%1 = Mul(%c, float32[4, 1, 1] {1, -2, 3, 0}) return \"y\" = %1")]
    [TestCase("%1 = Mul(float32[1, 4, 1, 1] {1, -2, 3, 0}, %c) return \"y\" = %1")]
    [TestCase("%1 = Div(%c, float32[4, 1, 1] {1, -2, 3, 7}) return \"y\" = %1")]
    [TestCase("%1 = Mul(%c, float32[] {3}) return \"y\" = %1")]
    [TestCase("%1 = Add(%c, float32[4, 1, 1] {1, -2, 3, 0}) return \"y\" = %1")]
    [TestCase("%1 = Sub(%c, float32[4, 1, 1] {1, -2, 3, 0}) return \"y\" = %1")]
    [TestCase("%1 = Add(%c, float32[1, 1, 1] {5}) return \"y\" = %1")]
    [TestCase(
        "%1 = BatchNormalization(%c, float32[4] {1, 2, 3, 4}, float32[4] random(5), float32[4] random(6), float32[4] {0.1, 1, 2, 3}) return \"y\" = %1")]
    [TestCase("%1 = Add(%c, float32[4, 1, 1] {1, 2, 3, 4}) %2 = Mul(%1, float32[4, 1, 1] {1, 2, 3, 4}) %3 = Add(%2, float32[] {1}) return \"y\" = %3")]
    public void Arithmetic_AfterAConvolution_GoesIntoIt(string rest)
    {
        Leaves(Conv(rest), "Conv");
        Leaves(Conv(rest, bias: ""), "Conv");
    }

    [TestCase("%1 = Mul(%c, float32[5] {1, 2, 3, 4, 5}) return \"y\" = %1", "Conv Mul")]
    [TestCase("%1 = Add(%c, float32[5, 1] {1, 2, 3, 4, 5}) return \"y\" = %1", "Conv Add")]
    [TestCase("%1 = Mul(%c, %z) return \"y\" = %1", "Conv Mul")]
    [TestCase("%1 = Sub(float32[] {1}, %c) return \"y\" = %1", "Conv Sub")]
    [TestCase("%1 = Div(%c, float32[] {0}) %2 = Relu(%1) return \"y\" = %2", "Conv Div Relu")]
    [TestCase("%1 = Mul(%c, float32[] {1E+38}) %2 = Mul(%1, float32[] {1E+38}) return \"y\" = %2", "Conv Mul")]
    [TestCase("%1 = Mul(%c, float32[] {2}) return \"y\" = %1, \"z\" = %c", "Conv Mul")]
    [TestCase("%1 = Mul(%c, float32[3, 1, 1, 1, 1] {1, 2, 3}) return \"y\" = %1", "Conv Mul")]
    public void OtherArithmetic_Stays(string rest, string operators) => Leaves(Conv(rest), operators);

    [Test]
    public void ArithmeticAlong_ManyGroups_IsThatOfTheFilters() => Leaves(
        """
        graph "g"
        %x = input "x" : float32[1, 4, 5, 5]
        %1 = Mul(%x, float32[4, 1, 1] {1, 2, 3, 4})
        %2 = Conv(%1, float32[8, 1, 3, 3] random(1)) {Group=4, Pads=[1, 1, 1, 1]}
        %3 = Mul(%2, float32[8, 1, 1] {1, 2, 3, 4, 5, 6, 7, 8})
        return "y" = %3
        """,
        "Conv");

    [Test]
    public void OffsetBeforeAnUnpaddedConvolution_GoesIntoItsBias() => Leaves(
        """
        graph "g"
        %x = input "x" : float32[1, 3, 5, 5]
        %1 = Relu(%x)
        %2 = Add(%1, float32[3, 1, 1] {1, 2, 3})
        %3 = Conv(%2, float32[4, 3, 3, 3] random(1))
        return "y" = %3
        """,
        "Relu Conv");

    [Test]
    public void OffsetBeforeAPaddedConvolution_GoesIntoIt_OnlyAtTheInput()
    {
        Compiler.Graph.Graph atInput = Leaves(
            """
            graph "g"
            %x = input "x" : float32[1, 3, 5, 5]
            %1 = Add(%x, float32[3, 1, 1] {1, 2, 3})
            %2 = Conv(%1, float32[4, 3, 3, 3] random(1)) {Pads=[1, 1, 1, 1]}
            return "y" = %2
            """,
            "Conv");
        Assert.That(GraphPrinter.Print(atInput), Does.Contain("float32[3] {-1, -2, -3}"));
        Leaves(
            """
            graph "g"
            %x = input "x" : float32[1, 3, 5, 5]
            %1 = Relu(%x)
            %2 = Add(%1, float32[3, 1, 1] {1, 2, 3})
            %3 = Conv(%2, float32[4, 3, 3, 3] random(1)) {Pads=[1, 1, 1, 1]}
            return "y" = %3
            """,
            "Relu Add Conv");
    }

    [Test]
    public void PadValue_FollowsFurtherArithmetic() => Leaves(
        """
        graph "g"
        %x = input "x" : float32[1, 3, 5, 5]
        %1 = Div(%x, float32[3, 1, 1] {2, 3, 4})
        %2 = Add(%1, float32[3, 1, 1] {1, 2, 3})
        %3 = Mul(%2, float32[3, 1, 1] {5, 6, 7})
        %4 = Add(%3, float32[3, 1, 1] {-3, 2, 1})
        %5 = Conv(%4, float32[4, 3, 3, 3] random(1), float32[4] random(2)) {Pads=[1, 0, 1, 2]}
        return "y" = %5
        """,
        "Conv");

    [Test]
    public void BatchNormalization_WithoutAConvolution_IsTwoOperations()
    {
        Leaves(
            """
            graph "g"
            %x = input "x" : float32[2, 2, 3]
            %1 = Relu(%x)
            %2 = BatchNormalization(%1, float32[2] {1, 2}, float32[2] {-1, 0}, float32[2] {0.5, 0}, float32[2] {0.1, 1})
            return "y" = %2
            """,
            "Relu Mul Add");
        Leaves(
            """
            graph "g"
            %x = input "x" : float32[2, 2]
            %1 = BatchNormalization(%x, float32[2] {1, 2}, float32[2] {-1, 0}, float32[2] {0.5, 0}, float32[2] {0.1, -1})
            return "y" = %1
            """,
            "BatchNormalization");
    }

    [Test]
    public void Arithmetic_AfterATransposedConvolution_GoesIntoIt([Values("", ", float32[4] random(2)")] string bias) => Leaves(
        $$"""
        graph "g"
        %x = input "x" : float32[1, 6, 5, 5]
        %1 = ConvTranspose(%x, float32[6, 2, 3, 3] random(1){{bias}}) {Group=2, Strides=[2, 2]}
        %2 = Mul(%1, float32[4, 1, 1] {1, 2, 3, 4})
        %3 = Add(%2, float32[4, 1, 1] {5, 6, 7, 8})
        return "y" = %3
        """,
        "ConvTranspose");

    [Test]
    public void ArithmeticBeforeATranspose_OfTheInput_ReachesTheConvolution() => Leaves(
        """
        graph "g"
        %x = input "x" : float32[1, 5, 5, 3]
        %1 = Sub(float32[5, 1] {1, 2, 3, 4, 5}, %x)
        %2 = Mul(%x, float32[3] {1, 2, 3})
        %3 = Transpose(%2) {Perm=[0, 3, 1, 2]}
        %4 = Conv(%3, float32[4, 3, 3, 3] random(1)) {Pads=[1, 1, 1, 1]}
        return "y" = %4, "z" = %1
        """,
        "Transpose Conv Sub");

    [TestCase("%s = Gather(%x, int64[3] {0, 2, 1}) {Axis=1}", "Conv")]
    [TestCase("%s = Gather(%x, int64[3] {-1, 0, 1}) {Axis=-3}", "Conv")]
    [TestCase("%s = Gather(%x, int64[3] {2, 1, 0}) {Axis=1}", "Conv")]
    [TestCase("%s = Gather(%x, int64[5] {1, 1, 1, 0, 2}) {Axis=1}", "Conv")]
    [TestCase("%s = Gather(%x, int64[2] {1, 1}) {Axis=1}", "Slice Conv")]
    [TestCase("%s = Gather(%x, int64[3] {0, 2, 1}) {Axis=2}", "Slice Slice Concat Conv")]
    [TestCase("%a = Slice(%x) {Starts=[0], Ends=[1], Axes=[1]} %b = Slice(%x) {Starts=[1], Ends=[2], Axes=[1]} %c = Slice(%x) {Starts=[2], Ends=[3], Axes=[1]} %s = Concat(%b, %c, %a) {Axis=1}", "Conv")]
    [TestCase("%a = Gather(%x, int64[3] {0, 2, 1}) {Axis=1} %b = Sub(%a, float32[3, 1, 1] {1, 2, 3}) %s = Div(%b, float32[3, 1, 1] {4, 5, 6})", "Conv")]
    [TestCase("%b = Sub(%x, float32[3, 1, 1] {1, 2, 3}) %s = Gather(%b, int64[3] {1, 2, 0}) {Axis=1}", "Conv")]
    public void Channels_OfTheInput_AreTakenByTheWeights(string selection, string operators)
    {
        string text = $"""
            graph "g"
            %x = input "x" : float32[2, 3, 5, 6]
            {selection}
            """;
        Value selected = GraphParser.Parse($"{text} return \"s\" = %s").Outputs[0].Value;
        Leaves($"{text} %y = Conv(%s, float32[4, {selected.Type.Dims[1]}, 3, 3] random(1)) {{Pads=[1, 1, 1, 1]}} return \"y\" = %y", operators);
    }

    [TestCase("Gather(%x, int64[3] {0, 2, 1}) {Axis=3}")]
    [TestCase("Gather(%x, int64[3] {2, 2, 3}) {Axis=-1}")]
    public void Channels_SelectedBeforeTheyAreMoved_AreTakenByTheWeights(string selection) => Leaves(
        $$"""
        graph "g"
        %x = input "x" : uint8[1, 5, 6, 4]
        %1 = {{selection}}
        %2 = Cast(%1) {To=Float32}
        %3 = Sub(%2, float32[3] {7, 7, 7})
        %4 = Transpose(%3) {Perm=[0, 3, 1, 2]}
        %5 = Conv(%4, float32[4, 3, 3, 3] random(1)) {Pads=[1, 1, 1, 1]}
        return "y" = %5
        """,
        "Cast Transpose Slice Conv");

    [Test]
    public void Channels_OfWhatTheModelComputes_StayGathered() => Leaves(
        """
        graph "g"
        %x = input "x" : float32[2, 3, 5, 6]
        %1 = Relu(%x)
        %2 = Gather(%1, int64[3] {0, 2, 1}) {Axis=1}
        %3 = Conv(%2, float32[4, 3, 3, 3] random(1))
        return "y" = %3
        """,
        "Relu Gather Conv");

    [Test]
    public void SixteenBitWeights_AreNotRoundedTwice() => Leaves(
        """
        graph "g"
        %x = input "x" : float16[1, 3, 5, 5]
        %1 = Conv(%x, float16[4, 3, 3, 3] random(1))
        %2 = Mul(%1, float16[] {1.5})
        return "y" = %2
        """,
        "Conv Mul");

    [TestCase("MatMul(%x, float32[4, 3] random(1))", "Add(%1, float32[3] {1, 2, 3})", "Gemm")]
    [TestCase("MatMul(%x, float32[4, 3] random(1))", "Add(%1, float32[1, 3] {1, 2, 3})", "Gemm")]
    [TestCase("MatMul(%x, float32[4, 3] random(1))", "Mul(%1, float32[3] {1, 2, 3})", "MatMul")]
    [TestCase("MatMul(%x, float32[4, 3] random(1))", "Div(%1, float32[] {8})", "MatMul")]
    [TestCase("MatMul(%x, float32[4, 3] random(1))", "Add(%1, float32[2, 1] {1, 2})", "MatMul Add")]
    [TestCase("Gemm(%x, float32[4, 3] random(1)) {Alpha=0.5}", "Add(%1, float32[3] {1, 2, 3})", "Gemm")]
    [TestCase("Gemm(%x, float32[3, 4] random(1), float32[3] {4, 5, 6}) {Alpha=0.5, Beta=2, TransB=true}", "Add(%1, float32[3] {1, 2, 3})", "Gemm")]
    [TestCase("Gemm(%x, float32[3, 4] random(1), float32[3] {4, 5, 6}) {Alpha=0.5, Beta=2, TransB=true}", "Mul(%1, float32[3] {1, 2, 3})", "Gemm")]
    [TestCase("Gemm(%x, float32[4, 3] random(1), float32[2, 1] {4, 5})", "Mul(%1, float32[3] {1, 2, 3})", "Gemm Mul")]
    [TestCase("MatMul(float32[3, 2] random(1), %x)", "Add(%1, float32[] {1})", "Gemm")]
    public void Arithmetic_AfterAMatrixProduct_GoesIntoIt(string product, string arithmetic, string operators) =>
        Leaves($"graph \"g\" %x = input \"x\" : float32[2, 4] %1 = {product} %2 = {arithmetic} return \"y\" = %2", operators);

    [Test]
    public void BatchedProducts_TakeFactorsOnly()
    {
        const string product = "graph \"g\" %x = input \"x\" : float32[2, 5, 4] %1 = MatMul(%x, float32[4, 3] random(1))";
        Leaves($"{product} %2 = Mul(%1, float32[3] {{1, 2, 3}}) return \"y\" = %2", "MatMul");
        Leaves($"{product} %2 = Add(%1, float32[3] {{1, 2, 3}}) return \"y\" = %2", "MatMul Add");
    }

    [Test]
    public void Constants_InAChain_BecomeOne() => PassAssert.Rewrites(
        Pass,
        "graph \"g\" %x = input \"x\" : float32[2, 3] %1 = Add(%x, float32[3] {1, 2, 3}) %2 = Add(float32[2, 1] {10, 20}, %1) return \"y\" = %2",
        "graph \"g\" %x = input \"x\" : float32[2, 3] %1 = Add(%x, float32[2, 3] {11, 12, 13, 21, 22, 23}) return \"y\" = %1");
}
