using Lathe.Cli.Verification;
using Lathe.Compiler.Graph;
using Lathe.Runtime;

namespace Lathe.Cli.Tests.Verification;

public sealed class TensorComparisonTests
{
    private static readonly Tolerance Default = new();

    [Test]
    public void Floats_WithinTheRelativeTolerance_Pass()
    {
        // 1e-3 * 100 + 1e-4 * 1000 = 0.2.
        Assert.That(Compare([100.19f, 1000], [100, 1000]).Ok, Is.True);
        Assert.That(Compare([100.21f, 1000], [100, 1000]).Ok, Is.False);
    }

    [Test]
    public void Floats_NearZero_AreJudgedByTheLargestElement()
    {
        Assert.That(Compare([0.09f, -1000], [0, -1000]).Ok, Is.True);
        Assert.That(Compare([0.11f, -1000], [0, -1000]).Ok, Is.False);
        Assert.That(Compare([1e-6f, 0], [0, 0]).Ok, Is.False, "all references are zero");
    }

    [Test]
    public void GivenTolerances_ReplaceTheDefaults()
    {
        Assert.That(Compare([1.05f], [1], new Tolerance(0.1, 0)).Ok, Is.True);
        Assert.That(Compare([1.05f], [1], new Tolerance(0, 0.01)).Ok, Is.False);
        Assert.That(Compare([1.05f], [1], new Tolerance(0, 0.06)).Ok, Is.True);
    }

    [Test]
    public void SpecialValues_EqualOnlyThemselves()
    {
        Assert.That(Compare([float.NaN, float.PositiveInfinity, 1], [float.NaN, float.PositiveInfinity, 1]).Ok, Is.True);
        Assert.That(Compare([1], [float.NaN]).Ok, Is.False);
        Assert.That(Compare([float.NaN], [1]).Ok, Is.False);
        Assert.That(Compare([float.NegativeInfinity], [float.PositiveInfinity]).Ok, Is.False);
        Assert.That(Compare([1e38f], [float.PositiveInfinity]).Ok, Is.False);
    }

    [Test]
    public void Infinity_DoesNotWidenTheTolerance() =>
        Assert.That(Compare([float.PositiveInfinity, 2], [float.PositiveInfinity, 1]).Outside, Is.EqualTo(0.5));

    [Test]
    public void Figures_AreThoseOfTheDefinitions()
    {
        TensorComparison comparison = Compare([3, 0, 5], [4, 0, 5], new Tolerance(0, 0));
        Assert.That(comparison.MaxAbs, Is.EqualTo(1));
        Assert.That(comparison.MaxRel, Is.EqualTo(0.25));
        Assert.That(comparison.Cosine, Is.EqualTo(37 / Math.Sqrt(34 * 41)).Within(1e-12));
        Assert.That(comparison.Outside, Is.EqualTo(1.0 / 3));
        Assert.That(comparison.TopKEqual, Is.Null);
    }

    [Test]
    public void Cosine_OfZeros_IsOne()
    {
        Assert.That(Compare([0, 0], [0, 0]).Cosine, Is.EqualTo(1));
        Assert.That(Compare([1, 0], [0, 0]).Cosine, Is.Zero);
    }

    [Test]
    public void Allow_IsAShareThatMayFail()
    {
        Assert.That(Compare([1, 2, 3, 9], [1, 2, 3, 4], new Tolerance(Allow: 0.25)).Ok, Is.True);
        Assert.That(Compare([1, 2, 9, 9], [1, 2, 3, 4], new Tolerance(Allow: 0.25)).Ok, Is.False);
    }

    [Test]
    public void Integers_MustBeEqual()
    {
        Assert.That(TensorComparison.Of(TensorData.OfInt64s(1L << 60), TensorData.OfInt64s((1L << 60) + 1), new Tolerance(1, 1)).Ok, Is.False);
        Assert.That(TensorComparison.Of(TensorData.OfInt64s(7, -7), TensorData.OfInt64s(7, -7), Default).Ok, Is.True);
        TensorData yes = TensorData.Of<byte>(ElementType.Bool, [1], 1), no = TensorData.Of<byte>(ElementType.Bool, [0], 1);
        Assert.That(TensorComparison.Of(yes, no, Default).Ok, Is.False);
    }

    [Test]
    public void Strings_MustBeEqual()
    {
        TensorData ours = TensorData.OfStrings(["a", "b"], 2);
        Assert.That(TensorComparison.Of(ours, TensorData.OfStrings(["a", "b"], 2), Default).Ok, Is.True);
        Assert.That(TensorComparison.Of(ours, TensorData.OfStrings(["a", "c"], 2), Default).Outside, Is.EqualTo(0.5));
    }

    [Test]
    public void OtherTypeOrShape_FailsAndSaysWhich()
    {
        TensorData floats = TensorData.OfFloats([1, 2], 2);
        Assert.That(TensorComparison.Of(floats, TensorData.OfInt64s(1, 2), Default).Mismatch, Is.EqualTo("its type is float32, not int64"));
        Assert.That(TensorComparison.Of(floats, floats.Reshape(1, 2), Default).Mismatch, Is.EqualTo("its shape is [2], not [1,2]"));
        Assert.That(TensorComparison.Of(floats, floats.Reshape(2, 1), Default).Outside, Is.EqualTo(1));
    }

    [Test]
    public void Empty_Passes() => Assert.That(Compare([], []).Ok, Is.True);

    [Test]
    public void Top_ComparesTheOrderOfTheLargest()
    {
        Tolerance order = new(Allow: 1, Top: 2);
        Assert.That(Compare([0, 5, 9, 1], [0, 50, 90, 1], order), Has.Property("TopKEqual").True.And.Property("Ok").True);
        Assert.That(Compare([0, 9, 5, 1], [0, 50, 90, 1], order), Has.Property("TopKEqual").False.And.Property("Ok").False);
        Assert.That(Compare([0, 9, 5, 1], [0, 50, 90, 1], new Tolerance(Allow: 1)).Ok, Is.True);
    }

    private static TensorComparison Compare(float[] actual, float[] reference, Tolerance? tolerance = null) =>
        TensorComparison.Of(TensorData.OfFloats(actual, actual.Length), TensorData.OfFloats(reference, reference.Length), tolerance ?? Default);
}
