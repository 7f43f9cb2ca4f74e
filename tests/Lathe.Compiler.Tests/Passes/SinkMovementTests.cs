using Lathe.Compiler.Passes;

namespace Lathe.Compiler.Tests.Passes;

[TestFixture]
internal sealed class SinkMovementTests
{
    private static readonly IPass Pass = new SinkMovement();

    [Test]
    public void Transpose_SinksBehindElementwiseOperators_AndMeetsItsInverse() => PassAssert.Rewrites(
        Pass,
        """
        graph "g"
        %x = input "x" : float32[2, 3, 4, 5]
        %z = input "z" : float32[2, 3, 4, 5]
        %1 = Transpose(%x) {Perm=[0, 2, 3, 1]}
        %2 = Relu(%1)
        %3 = Transpose(%z) {Perm=[0, 2, 3, 1]}
        %4 = Mul(%2, %3)
        %5 = Clip(%4, float32[] {0}, float32[] {0.5})
        %6 = Transpose(%5) {Perm=[0, 3, 1, 2]}
        return "y" = %6
        """,
        """
        graph "g"
        %x = input "x" : float32[2, 3, 4, 5]
        %z = input "z" : float32[2, 3, 4, 5]
        %1 = Relu(%x)
        %2 = Mul(%1, %z)
        %3 = Clip(%2, float32[] {0}, float32[] {0.5})
        return "y" = %3
        """);

    [Test]
    public void Constants_AreMovedTheOtherWay() => PassAssert.Rewrites(
        Pass,
        """
        graph "g"
        %x = input "x" : float32[2, 3, 4]
        %1 = Transpose(%x) {Perm=[0, 2, 1]}
        %2 = Add(%1, float32[3] {1, 2, 3})
        %3 = Mul(float32[4, 1] {1, 2, 3, 4}, %2)
        return "y" = %3
        """,
        """
        graph "g"
        %x = input "x" : float32[2, 3, 4]
        %1 = Add(%x, float32[1, 3, 1] {1, 2, 3})
        %2 = Mul(float32[1, 1, 4] {1, 2, 3, 4}, %1)
        %3 = Transpose(%2) {Perm=[0, 2, 1]}
        return "y" = %3
        """);

    [Test]
    public void Transpose_ThatOthersRead_Stays() => PassAssert.Keeps(
        Pass,
        """
        graph "g"
        %x = input "x" : float32[2, 3, 4]
        %1 = Transpose(%x) {Perm=[0, 2, 1]}
        %2 = Relu(%1)
        return "y" = %2, "z" = %1
        """);

    [Test]
    public void DifferentTransposes_Stay() => PassAssert.Keeps(
        Pass,
        """
        graph "g"
        %x = input "x" : float32[3, 3, 3]
        %1 = Transpose(%x) {Perm=[0, 2, 1]}
        %2 = Transpose(%x) {Perm=[1, 0, 2]}
        %3 = Add(%1, %2)
        return "y" = %3
        """);

    [Test]
    public void Reshape_SinksBehindElementwiseOperators() => PassAssert.Rewrites(
        Pass,
        """
        graph "g"
        symbol N = 1..8
        %x = input "x" : float32[N, 2, 3]
        %z = input "z" : float32[N, 2, 3]
        %1 = Reshape(%x) {Dims=[N, 6]}
        %2 = Sigmoid(%1)
        %3 = Reshape(%z) {Dims=[N, 6]}
        %4 = Mul(%2, %3)
        %5 = Reshape(%4) {Dims=[2*N, 3]}
        return "y" = %5
        """,
        """
        graph "g"
        symbol N = 1..8
        %x = input "x" : float32[N, 2, 3]
        %z = input "z" : float32[N, 2, 3]
        %1 = Sigmoid(%x)
        %2 = Mul(%1, %z)
        %3 = Reshape(%2) {Dims=[2*N, 3]}
        return "y" = %3
        """);

    [Test]
    public void Reshape_BesideSomethingThatIsBroadcast_Stays() => PassAssert.Keeps(
        Pass,
        """
        graph "g"
        %x = input "x" : float32[2, 3]
        %1 = Reshape(%x) {Dims=[6]}
        %2 = Add(%1, float32[6] {1, 2, 3, 4, 5, 6})
        %3 = Reshape(%x) {Dims=[1, 6]}
        %4 = Add(%3, float32[1, 1, 1] {1})
        return "y" = %2, "z" = %4
        """);

    [Test]
    public void Transposes_GoIntoGemm() => PassAssert.Rewrites(
        Pass,
        """
        graph "g"
        %a = input "a" : float32[4, 2]
        %b = input "b" : float32[4, 3]
        %1 = Transpose(%a) {Perm=[1, 0]}
        %2 = Transpose(%b)
        %3 = Gemm(%1, %2) {TransB=true}
        return "y" = %3
        """,
        """
        graph "g"
        %a = input "a" : float32[4, 2]
        %b = input "b" : float32[4, 3]
        %1 = Gemm(%a, %b) {TransA=true}
        return "y" = %1
        """);
}
