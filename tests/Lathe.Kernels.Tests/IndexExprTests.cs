using Lathe.Kernels.Loops;

namespace Lathe.Kernels.Tests;

/// <summary>The rules of the normal form, one by one.</summary>
public sealed class IndexExprTests
{
    private static readonly IndexVar X = new("x", 0, 1000), Y = new("y", 0, 1000), B = new("b", 0, 9), U = new("u", 0, 7), V = new("v", 0, 15),
        S = new("s", -5, 5), H = new("H", 1, long.MaxValue), W = new("W", 1, long.MaxValue);

    private static IEnumerable<TestCaseData> Forms()
    {
        static TestCaseData Case(IndexExpr expression, string text) => new TestCaseData(expression, text).SetArgDisplayNames(text);

        // Polynomials.
        yield return Case(X - X, "0");
        yield return Case(X * Y - Y * X + 3, "3");
        yield return Case((X + 1) * (X - 1), "x*x - 1");
        yield return Case(2 - X, "-x + 2");
        yield return Case(-3 * X - Y, "-3*x - y");
        yield return Case((H + 2) * (W + 2) - (W + 2) * H, "2*W + 4");

        // (k*q + r) div k = q + r div k.
        yield return Case((16 * B + V) / 16, "b");
        yield return Case((16 * B + V) % 16, "v");
        yield return Case((16 * B + X) / 16, "(x div 16) + b");
        yield return Case((X + 35) / 16, "((x + 3) div 16) + 2");
        yield return Case((X + 35) % 16, "((x + 3) mod 16)");
        yield return Case((16 * B + V - 1) / 16, "((v + 15) div 16) + b - 1");
        yield return Case((20 * X + Y) % 16, "((4*x + y) mod 16)");
        yield return Case((16 * H * W + V) / 16, "H*W");

        // Not where the rest could be negative: what is left would be divided wrongly by targets.
        yield return Case((16 * B - V) / 16, "((16*b - v) div 16)");
        yield return Case((16 * B + S) % 16, "((16*b + s) mod 16)");

        // A rest that stays within one multiple.
        yield return Case((V + 16) / 16, "1");
        yield return Case((new IndexVar("t", 1, 16) + 15) / 16, "1");
        yield return Case((new IndexVar("t", 1, 16) + 15) % 16, "t - 1");

        // A common divisor of the coefficients and the divisor.
        yield return Case((8 * X + U) / 16, "(x div 2)");
        yield return Case((8 * X + U) % 16, "8*(x mod 2) + u");
        yield return Case((6 * X) / 4, "(x div 2) + x");
        yield return Case((4 * X + 8 * Y + 2) / 16, "((x + 2*y) div 4)");
        yield return Case((4 * X + 8 * Y + 2) % 16, "4*((x + 2*y) mod 4) + 2");
        yield return Case((4 * B + X % 4 + 40 * Y) / 8, "(b div 2) + 5*y");
        yield return Case((8 * X + U + 3) / 16, "((u + 8*x + 3) div 16)");

        // Quotients and remainders of each other.
        yield return Case(X / 4 / 3, "(x div 12)");
        yield return Case(X / 4 % 3, "((x div 4) mod 3)");
        yield return Case(X % 12 / 4, "((x div 4) mod 3)");
        yield return Case(X % 12 % 4, "(x mod 4)");
        yield return Case(X % 12 / 5, "((x mod 12) div 5)");

        // Recombination.
        yield return Case(4 * (X / 4) + X % 4, "x");
        yield return Case(12 * H * (X / 4) + 3 * H * (X % 4), "3*H*x");
        yield return Case(12 * ((X + Y) / 4) + 3 * ((X + Y) % 4), "3*x + 3*y");
        yield return Case(4 * (X / 12) + X / 4 % 3 + (X / 4) * 2 - (X / 12) * 6 - 2 * (X / 4 % 3), "-((x div 4) mod 3) - 2*(x div 12) + 2*(x div 4)");
        yield return Case(3 * (X / 12) + X / 4 % 3, "(x div 4)");
        yield return Case(4 * (X / 4 % 3) + X % 4, "(x mod 12)");
        yield return Case(24 * ((X / 4) / 6) + 4 * (X / 4 % 6) + X % 4, "x");
        yield return Case(4 * ((X / 4 + 2) % 3) + X % 4, "((x + 8) mod 12)");
        yield return Case(12 * ((X + 8) / 12) + 4 * ((X / 4 + 2) % 3) + X % 4, "x + 8");
        yield return Case(4 * ((X / 4 + V) % 3) + X % 4, "((4*v + x) mod 12)");
        yield return Case(4 * ((X / 4 + S) % 3) + X % 4, "4*(((x div 4) + s) mod 3) + (x mod 4)");
        yield return Case(4 * (X / 4) + 2 * (X % 4), "4*(x div 4) + 2*(x mod 4)");

        // Divisors that are not constant.
        yield return Case(6 * H * W / W, "6*H");
        yield return Case(6 * H * W % (2 * W), "0");
        yield return Case((H + W) / (H + W), "1");
        yield return Case(V / (W + 15), "0");
        yield return Case(V % (W + 15), "v");
        yield return Case(V / (W + 14), "(v div (W + 14))");
        yield return Case(X / (2 * H), "(x div (2*H))");
        yield return Case(X / (H * W), "(x div (H*W))");
        yield return Case(IndexExpr.CeilDiv(H, 16), "((H + 15) div 16)");

        // Minima, maxima and choices that ranges decide.
        yield return Case(IndexExpr.Min(V, 15), "v");
        yield return Case(IndexExpr.Min(V, 14), "min(14, v)");
        yield return Case(IndexExpr.Max(V, 0), "v");
        yield return Case(IndexExpr.Max(X + V, X - 1), "v + x");
        yield return Case(IndexExpr.Min(H + 2, H), "H");
        yield return Case(IndexExpr.Max(Y, X) - IndexExpr.Max(X, Y), "0");
        yield return Case(IndexExpr.IfLess(V, 16, 1, 2), "1");
        yield return Case(IndexExpr.IfLess(V + 3, 3, 1, 2), "2");
        yield return Case(IndexExpr.IfLess(V, 3, X, X), "x");
        yield return Case(IndexExpr.IfLess(V, 3, X, Y), "select(v < 3, x, y)");
    }

    [TestCaseSource(nameof(Forms))]
    public void NormalForm_Rule_GivesTheText(IndexExpr expression, string text) => Assert.That(expression.ToString(), Is.EqualTo(text));

    [TestCase("x", 0, 1000)]
    [TestCase("neg", -1000, 0)]
    [TestCase("sum", -5, 1005)]
    [TestCase("product", -5000, 5000)]
    [TestCase("div", 0, 142)]
    [TestCase("mod", 0, 6)]
    [TestCase("modSigned", 0, 6)]
    [TestCase("divSigned", -1, 0)]
    [TestCase("min", -5, 5)]
    [TestCase("max", 0, 1000)]
    [TestCase("select", -5, 7)]
    [TestCase("symbolic", 2, long.MaxValue)]
    [TestCase("symbolicNeg", long.MinValue, 0)]
    public void Range_Expression_IsTheTightInterval(string name, long min, long max)
    {
        IndexExpr expression = name switch
        {
            "x" => X,
            "neg" => -(IndexExpr)X,
            "sum" => X + S,
            "product" => X * S,
            "div" => X / 7,
            "mod" => X % 7,
            "modSigned" => (X + S) % 7,
            "divSigned" => S / 7,
            "min" => IndexExpr.Min(X, S),
            "max" => IndexExpr.Max(X, S),
            "select" => IndexExpr.IfLess(X, Y, S, U),
            "symbolic" => H + W,
            _ => 1 - H,
        };
        Assert.That(expression.Range, Is.EqualTo(new IndexRange(min, max)));
    }

    [Test]
    public void Arithmetic_BeyondSixtyFourBits_Throws()
    {
        IndexExpr big = long.MaxValue * X;
        Assert.Multiple(() =>
        {
            Assert.That(() => big + X, Throws.TypeOf<OverflowException>());
            Assert.That(() => big * 2, Throws.TypeOf<OverflowException>());
            Assert.That(() => big * (X + Y + Y), Throws.TypeOf<OverflowException>());
            Assert.That(() => -(IndexExpr)long.MinValue, Throws.TypeOf<OverflowException>());
            Assert.That(() => big.Evaluate(_ => 2), Throws.TypeOf<OverflowException>());
            Assert.That(() => (big + Y).Evaluate(_ => 1), Throws.TypeOf<OverflowException>());
            Assert.That(big.Range, Is.EqualTo(new IndexRange(0, long.MaxValue)), "a range saturates");
        });
    }

    [Test]
    public void Divide_ByZeroOrLess_Throws()
    {
        Assert.That(() => X / 0, Throws.TypeOf<DivideByZeroException>());
        Assert.That(() => X % 0, Throws.TypeOf<DivideByZeroException>());
        Assert.That(() => X / -2, Throws.TypeOf<ArgumentOutOfRangeException>());
    }

    [Test]
    public void Coefficient_Variable_IsKnownOnlyWhereItIsLinear()
    {
        IndexExpr e = 3 * X + H * Y + V / 4 + 7;
        Assert.Multiple(() =>
        {
            Assert.That(e.Coefficient(X), Is.EqualTo(3));
            Assert.That(e.Coefficient(U), Is.Zero);
            Assert.That(e.Coefficient(Y), Is.Null);
            Assert.That(e.Coefficient(V), Is.Null);
            Assert.That((e + X * X).Coefficient(X), Is.Null);
        });
    }

    [Test]
    public void Substitute_LoopVariableByConstants_FoldsIntoPlainIndices()
    {
        IndexExpr index = (16 * B + X) / 16 * H + X % 16;
        Assert.Multiple(() =>
        {
            Assert.That(index.Substitute(X, 35).ToString(), Is.EqualTo("2*H + H*b + 3"));
            Assert.That(index.Substitute(v => v == X ? B * 16 + V : v == H ? 1 : null).ToString(), Is.EqualTo("2*b + v"));
            Assert.That(index.Substitute(Y, 1), Is.SameAs(index));
        });
    }

    [Test]
    public void Variables_InsideAtoms_AreFoundOnce()
    {
        IndexExpr e = IndexExpr.Min(X, Y) * H + IndexExpr.IfLess(X, B, U / 3, V % (W + 2));
        Assert.That(e.Variables.Select(v => v.Name), Is.EquivalentTo(new[] { "H", "x", "y", "b", "u", "v", "W" }));
        Assert.That(e.Variables.All(e.DependsOn), Is.True);
        Assert.That(e.DependsOn(S), Is.False);
    }

    [Test]
    public void Constant_Value_OnlyOfConstants()
    {
        Assert.That((X - X + 4).Value, Is.EqualTo(4));
        Assert.That((X + 4).Constant, Is.EqualTo(4));
        Assert.That(() => (X + 4).Value, Throws.InvalidOperationException);
    }

    [Test]
    public void Atom_With_ForgetsTheOldText()
    {
        IndexDiv atom = new(X, 3);
        Assert.That(atom.ToString(), Is.EqualTo("(x div 3)"));
        Assert.That((atom with { Divisor = 5 }).ToString(), Is.EqualTo("(x div 5)"));
        Assert.That(atom, Is.EqualTo(new IndexDiv(X, 3)).And.Not.EqualTo(atom with { Divisor = 5 }));
    }
}
