using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Linear;
using static Lathe.Compiler.Tests.Operators.OperatorCase;

namespace Lathe.Compiler.Tests.Operators;

/// <summary>Einstein's sums against values worked out by hand.</summary>
internal sealed class EinsumTests
{
    private static readonly TensorData Square = TensorData.OfFloats([1, 2, 3, 4], 2, 2), Vector = Floats(10, 100);

    [TestCase("ij->ji", new float[] { 1, 3, 2, 4 })]
    [TestCase("ba", new float[] { 1, 3, 2, 4 })]
    [TestCase("ii", new float[] { 5 })]
    [TestCase("ii->i", new float[] { 1, 4 })]
    [TestCase("i...->...", new float[] { 4, 6 })]
    [TestCase(" i j -> ", new float[] { 10 })]
    public void Einsum_OfASquare(string equation, float[] expected) => Assert.That(Floats(new Einsum(equation), Square), Is.EqualTo(expected));

    [TestCase("ij,j->i", new float[] { 210, 430 })]
    [TestCase("ij,j", new float[] { 210, 430 })]
    [TestCase("...j,...->j", new float[] { 310, 420 })]
    [TestCase("ij,k->kij", new float[] { 10, 20, 30, 40, 100, 200, 300, 400 })]
    public void Einsum_OfASquareAndAVector(string equation, float[] expected) => Assert.That(Floats(new Einsum(equation), Square, Vector), Is.EqualTo(expected));

    [Test]
    public void Einsum_RepeatsAxesOfLength1() =>
        Assert.That(Floats(new Einsum("ij,j->i"), Square, Floats(10)), Is.EqualTo(new float[] { 30, 70 }));

    [TestCase("ij->ik", "no choice")]
    [TestCase("ij->ii", "no choice")]
    [TestCase("i->i", "rank 2")]
    [TestCase("i?->i", "no list")]
    [TestCase("ij->i->j", "arrow")]
    [TestCase("ij,jk->ik", "2 terms")]
    public void Einsum_OfANonsensicalEquation_IsRefused(string equation, string reason) =>
        Assert.That(Refusal(new Einsum(equation), Float32("2", "2")), Does.Contain(reason));

    [Test]
    public void Einsum_OfAxesThatDiffer_IsRefused() =>
        Assert.That(Refusal(new Einsum("ij,jk->ik"), Float32("2", "3"), Float32("4", "5")), Does.Contain("one label"));
}
