using Lathe.Compiler.Graph;
using Lathe.Compiler.Passes;

namespace Lathe.Compiler.Tests.Passes;

[TestFixture]
internal sealed class FoldConstantsTests
{
    private static readonly IPass Pass = new FoldConstants();

    [Test]
    public void ConstantsAlone_AreComputed() => PassAssert.Rewrites(
        Pass,
        """
        graph "g"
        %x = input "x" : float32[2]
        %1 = Add(float32[2] {1, 2}, float32[2] {10, 20})
        %2 = Mul(%1, %x)
        return "y" = %2, "c" = %1
        """,
        """
        graph "g"
        %x = input "x" : float32[2]
        %1 = Mul(float32[2] {11, 22}, %x)
        return "y" = %1, "c" = float32[2] {11, 22}
        """);

    [Test]
    public void KnownShapes_AreConstants() => PassAssert.Rewrites(
        Pass,
        """
        graph "g"
        %x = input "x" : float32[2, 3]
        %1 = Shape(%x)
        %2 = Mul(%1, int64[] {2})
        return "y" = %2
        """,
        """
        graph "g"
        %x = input "x" : float32[2, 3]
        return "y" = int64[2] {4, 6}
        """);

    [Test]
    public void ShapesWithSymbols_Stay() => PassAssert.Keeps(
        Pass,
        """
        graph "g"
        symbol N = 1..8
        %x = input "x" : float32[N, 3]
        %1 = Shape(%x)
        return "y" = %1
        """);

    [Test]
    public void WhatWouldGrowAModel_Stays()
    {
        const string text = """
            graph "g"
            %x = input "x" : float32[1]
            %1 = Expand(float32[1] {1}) {Shape=[1000, 1000]}
            %2 = Mul(%1, %x)
            return "y" = %2
            """;
        Compiler.Graph.Graph graph = Pass.Run(GraphParser.Parse(text), new PassContext(new CompileOptions()));
        Assert.That(GraphPrinter.Print(graph), Does.Contain("Expand"));
    }

    [Test]
    public void LargeWeights_AreComputed_IfTheyDoNotGrow()
    {
        const string text = """
            graph "g"
            %x = input "x" : float32[1, 300]
            %w = float32[200, 300] random(1)
            %1 = Transpose(%w)
            %2 = MatMul(%x, %1)
            return "y" = %2
            """;
        Compiler.Graph.Graph graph = Pass.Run(GraphParser.Parse(text), new PassContext(new CompileOptions()));
        Assert.That(GraphPrinter.Print(graph), Does.Not.Contain("Transpose"));
        PassAssert.AssertSame(GraphParser.Parse(text), graph, 0);
    }

    [Test]
    public void WhatCannotBeComputed_IsLeftToTheModel() => Assert.That(
        GraphPrinter.Print(Pass.Run(
            GraphParser.Parse("""
                graph "g"
                %1 = Cast(string[1] {"no number"}) {To=Float32}
                return "y" = %1
                """),
            new PassContext(new CompileOptions()))),
        Does.Contain("Cast"));
}
