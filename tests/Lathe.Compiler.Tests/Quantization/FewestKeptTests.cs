using Lathe.Compiler.Quantization;

namespace Lathe.Compiler.Tests.Quantization;

[TestFixture]
internal sealed class FewestKeptTests
{
    [Test]
    public void Noise_ThatAddsUp_IsKeptToByTheFewest([Range(1, 20)] int seed)
    {
        Random random = new(seed);
        double[] noise = [.. Enumerable.Range(0, random.Next(1, 80)).Select(_ => Math.Exp(random.NextDouble() * 8))];
        double most = random.NextDouble() * noise.Sum();
        int[] ranked = [.. Enumerable.Range(0, noise.Length).OrderByDescending(i => noise[i])];
        int trials = 0;
        IReadOnlySet<int> kept = FewestKept.Find(ranked, Suffices)!;
        int found = trials;
        Assert.That(Suffices(kept));
        int fewest = Enumerable.Range(0, noise.Length + 1).First(count => Suffices(ranked.Take(count).ToHashSet()));
        Assert.That(kept, Has.Count.EqualTo(fewest));
        Assert.That(found, Is.LessThanOrEqualTo(fewest + Math.Log2(noise.Length) + 4));

        bool Suffices(IReadOnlySet<int> chosen)
        {
            trials++;
            return noise.Where((_, i) => !chosen.Contains(i)).Sum() <= most;
        }
    }

    [Test]
    public void WrongRanking_LeavesNoneThatIsNotNeeded([Range(1, 10)] int seed)
    {
        Random random = new(seed);
        HashSet<int> needed = [.. Enumerable.Range(0, 40).Where(_ => random.Next(5) == 0)];
        Assert.That(FewestKept.Find([.. Enumerable.Range(0, 40)], kept => needed.IsSubsetOf(kept)), Is.EquivalentTo(needed));
    }

    [Test]
    public void NotEvenAll_IsNull() => Assert.That(FewestKept.Find([1, 2, 3], _ => false), Is.Null);

    [Test]
    public void NoCandidates_IsNullOrNone([Values] bool suffices) => Assert.That(FewestKept.Find(Array.Empty<int>(), _ => suffices), suffices ? Is.Empty : Is.Null);
}
