using Lathe.Compiler.Passes;

namespace Lathe.Compiler.Tests.Passes;

/// <summary>The rules of <see cref="Canonicalise"/>, one by one.</summary>
[TestFixture]
internal sealed class CanonicaliseTests
{
    private static readonly IPass Pass = new Canonicalise();

    /// <summary>One statement about %x of type float32[2, 3], and what it becomes: a statement, or nothing for x itself.</summary>
    private static void Becomes(string statement, string result, string input = "float32[2, 3]", string last = "%2") => PassAssert.Rewrites(
        Pass,
        $"graph \"g\" %x = input \"x\" : {input} %1 = Neg(%x) %2 = {statement} %3 = Exp(%2) return \"y\" = %3",
        result.Length == 0
            ? $"graph \"g\" %x = input \"x\" : {input} %1 = Neg(%x) %3 = Exp(%1) return \"y\" = %3"
            : $"graph \"g\" %x = input \"x\" : {input} %1 = Neg(%x) %2 = {result} %3 = Exp({last}) return \"y\" = %3");

    private static void Stays(string statement) => Becomes(statement, statement);

    [TestCase("Identity(%1)")]
    [TestCase("Cast(%1) {To=Float32}")]
    [TestCase("Expand(%1) {Shape=[2, 1]}")]
    [TestCase("Sum(%1)")]
    [TestCase("Max(%1)")]
    [TestCase("Concat(%1) {Axis=1}")]
    [TestCase("Clip(%1)")]
    [TestCase("Clip(%1, _, _)")]
    public void NoOperation_Vanishes(string statement) => Becomes(statement, "");

    [TestCase("Expand(%1) {Shape=[4, 2, 3]}")]
    [TestCase("Sum(%1, %1, %1)")]
    [TestCase("Clip(%1, float32[] {0.5})")]
    public void Operation_Stays(string statement) => Stays(statement);

    [TestCase("Add(%1, float32[3] {0, 0, 0})")]
    [TestCase("Add(float32[] {0}, %1)")]
    [TestCase("Sub(%1, float32[] {0})")]
    [TestCase("Mul(float32[1, 3] {1, 1, 1}, %1)")]
    [TestCase("Div(%1, float32[] {1})")]
    [TestCase("Pow(%1, float32[] {1})")]
    public void NeutralElement_Vanishes(string statement) => Becomes(statement, "");

    [TestCase("Sub(float32[] {0}, %1)")]
    [TestCase("Div(float32[] {1}, %1)")]
    [TestCase("Pow(float32[] {1}, %1)")]
    [TestCase("Add(%1, float32[3] {0, 0, 1})")]
    [TestCase("Mul(%1, float32[4, 1, 1] {1, 1, 1, 1})")]
    public void OtherElement_Stays(string statement) => Stays(statement);

    [Test]
    public void Subtraction_OfAConstant_IsAnAddition() => Becomes("Sub(%1, float32[3] {1, -2, 3})", "Add(%1, float32[3] {-1, 2, -3})");

    [Test]
    public void Division_ByAPowerOfTwo_IsAMultiplication() => Becomes("Div(%1, float32[3] {2, 0.25, -8})", "Mul(%1, float32[3] {0.5, 4, -0.125})");

    [TestCase("Div(%1, float32[] {3})")]
    [TestCase("Div(%1, float32[] {0})")]
    [TestCase("Div(%1, float32[] {inf})")]
    [TestCase("Div(%1, float32[2, 1] {2, 3})")]
    public void OtherDivision_Stays(string statement) => Stays(statement);

    [Test]
    public void Square_IsAProduct() => Becomes("Pow(%1, float32[] {2})", "Mul(%1, %1)");

    [Test]
    public void Cube_IsAProduct() => Becomes("Pow(%1, float32[] {3})", "Mul(%1, %1) %4 = Mul(%2, %1)", last: "%4");

    [Test]
    public void SumOfTwo_IsAnAddition() => Becomes("Sum(%1, %x)", "Add(%1, %x)");

    [TestCase("Clip(%1, float32[] {0})", "Relu(%1)")]
    [TestCase("Clip(%1, float32[] {0}, float32[] {inf})", "Relu(%1)")]
    [TestCase("Max(%1, float32[] {0})", "Relu(%1)")]
    [TestCase("Max(float32[1] {0.5}, %1)", "Clip(%1, float32[] {0.5}, _)")]
    [TestCase("Min(%1, float32[3] {0.5, 0.5, 0.5})", "Clip(%1, _, float32[] {0.5})")]
    public void Bound_IsAClip(string statement, string result) => Becomes(statement, result);

    [TestCase("Relu(%1) %4 = Min(%2, float32[] {0.75})", "Clip(%1, float32[] {0}, float32[] {0.75})")]
    [TestCase("Clip(%1, float32[] {-0.5}, float32[] {0.5}) %4 = Relu(%2)", "Clip(%1, float32[] {0}, float32[] {0.5})")]
    [TestCase("Clip(%1, float32[] {-0.5}, float32[] {-0.25}) %4 = Relu(%2)", "Clip(%1, float32[] {0}, float32[] {0})")]
    [TestCase("Relu(%1) %4 = Relu(%2)", "Relu(%1)")]
    [TestCase(
        "Clip(%1, float32[] {-0.5}, float32[] {0.25}) %4 = Clip(%2, float32[] {-0.75}, float32[] {0.125})",
        "Clip(%1, float32[] {-0.5}, float32[] {0.125})")]
    public void BoundOfABound_IsOne(string statements, string result) => PassAssert.Rewrites(
        Pass,
        $"graph \"g\" %x = input \"x\" : float32[2, 3] %1 = Neg(%x) %2 = {statements} return \"y\" = %4",
        $"graph \"g\" %x = input \"x\" : float32[2, 3] %1 = Neg(%x) %4 = {result} return \"y\" = %4");

    [TestCase("Max(%1, float32[3] {0, 0, 1})")]
    [TestCase("Max(%1, float32[] {nan})")]
    [TestCase("Max(%1, float32[4, 1, 1] {0, 0, 0, 0})")]
    public void OtherBound_Stays(string statement) => Stays(statement);

    [TestCase("Flatten(%1) {Axis=0}", "Reshape(%1) {Dims=[1, 6]}")]
    [TestCase("Unsqueeze(%1) {Axes=[0, 3]}", "Reshape(%1) {Dims=[1, 2, 3, 1]}")]
    public void ReshapeForms_AreReshapes(string statement, string result) => Becomes(statement, result);

    [Test]
    public void Reshapes_Meet() => PassAssert.Rewrites(
        Pass,
        "graph \"g\" %x = input \"x\" : float32[2, 3] %1 = Reshape(%x) {Dims=[6]} %2 = Reshape(%1) {Dims=[3, 2]} return \"y\" = %2",
        "graph \"g\" %x = input \"x\" : float32[2, 3] %1 = Reshape(%x) {Dims=[3, 2]} return \"y\" = %1");

    [Test]
    public void Reshape_ToTheSameShape_Vanishes() => Becomes("Reshape(%1) {Dims=[2, 3]}", "");

    [Test]
    public void Reshapes_WithSymbols_Meet() => PassAssert.Rewrites(
        Pass,
        """
        graph "g"
        symbol N = 1..8
        %x = input "x" : float32[N, 2, 3, 1]
        %1 = Flatten(%x)
        %2 = Squeeze(%x) {Axes=[3]}
        %3 = Reshape(%1) {Dims=[N, 2, 3]}
        %4 = Add(%2, %3)
        return "y" = %4
        """,
        """
        graph "g"
        symbol N = 1..8
        %x = input "x" : float32[N, 2, 3, 1]
        %1 = Reshape(%x) {Dims=[N, 2, 3]}
        %2 = Add(%1, %1)
        return "y" = %2
        """);

    [Test]
    public void Transpose_ThatMovesOnlyOnes_IsAReshape() => Becomes("Transpose(%1) {Perm=[0, 2, 1]}", "Reshape(%1) {Dims=[2, 3, 1]}", "float32[2, 1, 3]");

    [Test]
    public void Transposes_Meet() => PassAssert.Rewrites(
        Pass,
        """
        graph "g"
        %x = input "x" : float32[2, 3, 4]
        %1 = Transpose(%x) {Perm=[1, 2, 0]}
        %2 = Transpose(%1) {Perm=[2, 0, 1]}
        %3 = Transpose(%1)
        return "y" = %2, "z" = %3
        """,
        """
        graph "g"
        %x = input "x" : float32[2, 3, 4]
        %1 = Transpose(%x) {Perm=[0, 2, 1]}
        return "y" = %x, "z" = %1
        """);
}
