using Lathe.Compiler.Passes;

namespace Lathe.Compiler.Tests.Passes;

[TestFixture]
internal sealed class SeparateOutputsTests
{
    private static readonly IPass Pass = new SeparateOutputs();

    [Test]
    public void OutputsThatNoOperatorMakes_AreCopied() => PassAssert.Rewrites(
        Pass,
        "graph \"g\" %x = input \"x\" : float32[2] return \"y\" = %x, \"z\" = float32[1] {1}",
        "graph \"g\" %x = input \"x\" : float32[2] %1 = Identity(%x) %2 = Identity(float32[1] {1}) return \"y\" = %1, \"z\" = %2");

    [Test]
    public void OutputsThatAreTheSame_AreCopied() => PassAssert.Rewrites(
        Pass,
        "graph \"g\" %x = input \"x\" : float32[2] %1 = Relu(%x) return \"a\" = %1, \"b\" = %1, \"c\" = %1, \"d\" = %x, \"e\" = %x",
        """
        graph "g"
        %x = input "x" : float32[2]
        %1 = Relu(%x)
        %2 = Identity(%1)
        %3 = Identity(%2)
        %4 = Identity(%x)
        %5 = Identity(%4)
        return "a" = %1, "b" = %2, "c" = %3, "d" = %4, "e" = %5
        """);
}
