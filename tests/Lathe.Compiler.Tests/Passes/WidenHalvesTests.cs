using Lathe.Compiler.Passes;

namespace Lathe.Compiler.Tests.Passes;

/// <summary>The rounding that the pass leaves out is what its results may differ by: 2^-11 of a value per operator.</summary>
[TestFixture]
internal sealed class WidenHalvesTests
{
    private const double Tolerance = 4e-3;

    private static readonly IPass Pass = new WidenHalves();

    private static string Graph(string statements) => $"graph \"g\" %x = input \"x\" : float16[2, 3] {statements} return \"y\" = %y";

    [Test]
    public void Operators_ComputeInSingle_BetweenTheEnds() => PassAssert.Rewrites(
        Pass,
        Graph("%a = Relu(%x) %b = Add(%a, %x) %y = Exp(%b)"),
        Graph("%w = Cast(%x) {To=Float32} %a = Relu(%w) %b = Add(%a, %w) %e = Exp(%b) %y = Cast(%e) {To=Float16}"),
        Tolerance);

    [Test]
    public void Movement_MovesWhatItIsGiven()
    {
        PassAssert.Keeps(Pass, Graph("%y = Transpose(%x) {Perm=[1, 0]}"));
        PassAssert.Rewrites(
            Pass,
            Graph("%a = Relu(%x) %b = Transpose(%a) {Perm=[1, 0]} %y = Neg(%b)"),
            Graph("%w = Cast(%x) {To=Float32} %a = Relu(%w) %b = Transpose(%a) {Perm=[1, 0]} %n = Neg(%b) %y = Cast(%n) {To=Float16}"),
            Tolerance);
    }

    [Test]
    public void Casts_OfTheModel_Round() => PassAssert.Rewrites(
        Pass,
        Graph("%a = Cast(%x) {To=Float32} %b = Exp(%a) %c = Cast(%b) {To=Float16} %y = Neg(%c)"),
        Graph("%a = Cast(%x) {To=Float32} %b = Exp(%a) %c = Cast(%b) {To=Float16} %w = Cast(%c) {To=Float32} %n = Neg(%w) %y = Cast(%n) {To=Float16}"),
        0);

    [Test]
    public void Bits_AreThoseOfHalves() => PassAssert.Keeps(Pass, Graph("%y = BitCast(%x) {To=Int16}"));

    [Test]
    public void OtherTypes_AreLeftAlone() => PassAssert.Keeps(Pass, "graph \"g\" %x = input \"x\" : float32[2, 3] %a = Relu(%x) return \"y\" = %a");
}
