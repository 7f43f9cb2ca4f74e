using Lathe.Compiler.Passes;

namespace Lathe.Compiler.Tests.Passes;

[TestFixture]
internal sealed class InlineBranchesTests
{
    private const string Bodies = """
        {Then={
            graph "then"
            %a = input "captured_0" : float32[2]
            %1 = Neg(%a)
            return "0" = %1
        }, Else={
            graph "else"
            %a = input "captured_0" : float32[2]
            %1 = Abs(%a)
            return "0" = %1
        }}
        """;

    [TestCase(1, "Neg")]
    [TestCase(0, "Abs")]
    public void DecidedBranch_TakesTheOperatorsPlace(int condition, string operation) => PassAssert.Rewrites(
        new InlineBranches(),
        $"graph \"g\" %x = input \"x\" : float32[2] %1 = If(bool[] {{{condition}}}, %x) {Bodies} return \"y\" = %1",
        $"graph \"g\" %x = input \"x\" : float32[2] %1 = {operation}(%x) return \"y\" = %1");

    [Test]
    public void OpenBranch_Stays() => PassAssert.Keeps(
        new InlineBranches(),
        $"graph \"g\" %x = input \"x\" : float32[2] %c = input \"c\" : bool[] %1 = If(%c, %x) {Bodies} return \"y\" = %1");

    [Test]
    public void Passes_RunInBodies()
    {
        const string text = """
            graph "g"
            %x = input "x" : float32[2]
            %c = input "c" : bool[]
            %1 = If(%c, %x) {Then={
                graph "then"
                %a = input "captured_0" : float32[2]
                %1 = Identity(%a)
                %2 = Relu(%1)
                return "0" = %2
            }, Else={
                graph "else"
                %a = input "captured_0" : float32[2]
                return "0" = %a
            }}
            return "y" = %1
            """;
        Compiler.Graph.Graph graph = Compiler.Graph.GraphParser.Parse(text);
        Compiler.Graph.Graph result = Pipeline.RunNormalise(graph, new PassContext(new CompileOptions { Verify = true }));
        string printed = Compiler.Graph.GraphPrinter.Print(result);
        Assert.That(printed, Does.Not.Contain("Identity(%1)").And.Contain("Relu(%captured_0)").And.Contain("Identity(%captured_0)"));
        PassAssert.AssertSame(graph, result, 0);
    }
}
