using Lathe.Compiler.Placement;

namespace Lathe.Compiler.Tests.Placement;

/// <summary>Cuts of random networks against all cuts.</summary>
public sealed class MinimumCutTests
{
    [Test]
    public void Is_the_cheapest_of_all_cuts([Range(0, 99)] int seed)
    {
        Random random = new(seed);
        int nodes = random.Next(2, 11);
        (int From, int To, double Capacity)[] edges = [.. Enumerable.Range(0, random.Next(40)).Select(_ => (random.Next(nodes), random.Next(nodes), random.Next(20) == 0 ? 0 : random.NextDouble() * 10))];
        MinimumCut cut = new(nodes);
        foreach ((int from, int to, double capacity) in edges) cut.Add(from, to, capacity);
        bool[] side = cut.SourceSide(0, nodes - 1);
        Assert.That(side[0], Is.True);
        Assert.That(side[^1], Is.False);
        double least = Enumerable.Range(0, 1 << nodes).Where(set => (set & 1) != 0 && (set >> (nodes - 1) & 1) == 0).Min(set => Cost(node => (set >> node & 1) != 0));
        Assert.That(Cost(node => side[node]), Is.EqualTo(least).Within(1e-9));

        double Cost(Func<int, bool> isOnSourceSide) => edges.Where(e => isOnSourceSide(e.From) && !isOnSourceSide(e.To)).Sum(e => e.Capacity);
    }

    [Test]
    public void Edges_that_are_never_cut_are_not()
    {
        MinimumCut cut = new(4);
        cut.Add(0, 1, 1);
        cut.Add(1, 2, MinimumCut.Never);
        cut.Add(2, 3, 5);
        Assert.That(cut.SourceSide(0, 3), Is.EqualTo(new[] { true, false, false, false }));
    }
}
