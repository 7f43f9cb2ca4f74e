using Lathe.Cli.Conformance;
using Lathe.Runtime.Plans;

namespace Lathe.Cli.Tests.Conformance;

public sealed class ExpectedFailuresTests
{
    [TestCase("*", true, true, true, true)]
    [TestCase("avx2", true, true, false, false)]
    [TestCase("*/optimized", true, false, true, false)]
    [TestCase("*/unoptimized", false, true, false, true)]
    [TestCase("vector128/unoptimized", false, false, false, true)]
    public void Target_SaysWhereALineHolds(string target, params bool[] holds)
    {
        using TemporaryFolder folder = new();
        File.WriteAllText(folder["expected.txt"], $"\n  # a comment\nnode/test_a {target} # because\n");
        Assert.That(new[] { (Isa.Avx2, true), (Isa.Avx2, false), (Isa.Vector128, true), (Isa.Vector128, false) }.Select(place => IsExpected(folder, place.Item1, place.Item2)), Is.EqualTo(holds));
    }

    [Test]
    public void Expression_MatchesTheWholeName()
    {
        using TemporaryFolder folder = new();
        File.WriteAllText(folder["expected.txt"], "node/test_a|node/test_b * # because\n");
        ExpectedFailures expected = ExpectedFailures.Read(folder["expected.txt"], Isa.Avx2.Name(), true);
        Assert.That(expected.Judge(new CaseResult("node/test_b", CaseResult.Failed, "wrong")), Is.Null);
        Assert.That(expected.Judge(new CaseResult("node/test_b_2", CaseResult.Failed, "wrong")), Is.Not.Null);
        Assert.That(expected.Judge(new CaseResult("more_node/test_b", CaseResult.Failed, "wrong")), Is.Not.Null);
    }

    private static bool IsExpected(TemporaryFolder folder, Isa isa, bool optimized) =>
        ExpectedFailures.Read(folder["expected.txt"], isa.Name(), optimized).Judge(new CaseResult("node/test_a", CaseResult.Unsupported, "no such operator")) is null;
}
