using Lathe.Cli.Verification;
using Lathe.Compiler.Graph;

namespace Lathe.Cli.Tests.Verification;

public sealed class RankingTests
{
    [Test]
    public void EqualElementsOfTheReference_MayChangePlaces()
    {
        TensorData reference = TensorData.OfFloats([3, 3, 1], 3);
        Assert.That(Ranking.AreEqual(TensorData.OfFloats([3.1f, 3, 1], 3), reference, 2), Is.True);
        Assert.That(Ranking.AreEqual(TensorData.OfFloats([3, 3.1f, 1], 3), reference, 2), Is.True);
        Assert.That(Ranking.AreEqual(TensorData.OfFloats([3, 1, 3.1f], 3), reference, 2), Is.False);
    }

    [Test]
    public void EachItemOfABatch_IsRankedAlone()
    {
        TensorData reference = TensorData.OfFloats([1, 2, 30, 40], 2, 2);
        Assert.That(Ranking.AreEqual(TensorData.OfFloats([50, 60, 3, 4], 2, 2), reference, 1), Is.True);
        Assert.That(Ranking.AreEqual(TensorData.OfFloats([2, 1, 30, 40], 2, 2), reference, 1), Is.False);
    }

    [Test]
    public void TrailingDimsOfOne_DoNotHideTheOrder() =>
        Assert.That(Ranking.AreEqual(TensorData.OfFloats([2, 1], 1, 2, 1, 1), TensorData.OfFloats([1, 2], 1, 2, 1, 1), 1), Is.False);

    [Test]
    public void MoreThanThereAre_ComparesAll() => Assert.That(Ranking.AreEqual(TensorData.OfFloats([1, 2], 2), TensorData.OfFloats([1, 2], 2), 10), Is.True);

    [Test]
    public void NaN_IsNeverAmongTheLargest() =>
        Assert.That(Ranking.AreEqual(TensorData.OfFloats([float.NaN, 2, 1], 3), TensorData.OfFloats([0, 2, 1], 3), 2), Is.True);

    [Test]
    public void Empty_IsEqual() => Assert.That(Ranking.AreEqual(TensorData.OfFloats([], 0, 4), TensorData.OfFloats([], 0, 4), 3), Is.True);
}
