using Lathe.Cli.Tuning;
using Lathe.Compiler.Tuning;
using Lathe.Runtime.Plans;

namespace Lathe.Cli.Tests.Tuning;

public sealed class TimesTests
{
    [Test]
    public void Best_IsTheFastestBeyondNoise()
    {
        Times times = Of(("a", [1.00, 1.01, 1.00]), ("b", [0.90, 0.91, 0.90]), ("c", [0.85, 0.86, 0.85]));
        Assert.That(times.Best(), Is.EqualTo("c"));
        Assert.That(times.EntryFor("c").Figures, Is.EqualTo(new TuningFigure[] { new("c", 850, false), new("b", 900, false), new("a", 1000, true) }));
    }

    [Test]
    public void Best_WithinNoise_IsTheDefault()
    {
        Assert.That(Of(("a", [1.00, 1.00, 1.00]), ("b", [0.99, 0.99, 0.99])).Best(), Is.EqualTo("a"), "a gain of a hundredth");
        Assert.That(Of(("a", [1.00, 1.20, 1.30]), ("b", [1.10, 1.10, 1.10])).Best(), Is.EqualTo("a"), "the default varies by more than the gain");
        Assert.That(Of(("a", [1.00, 1.00, 1.00]), ("b", [0.70, 0.90, 2.00])).Best(), Is.EqualTo("a"), "the candidate varies by more than the gain");
        Assert.That(Of(("a", [1.00])).Best(), Is.EqualTo("a"));
    }

    private static Times Of(params (string Choice, double[] Rounds)[] measured)
    {
        Times times = new(new Decision(Isa.Avx2, "s", [.. measured.Select(m => m.Choice)], measured[0].Choice, IsTuned: false, IsOfAlgorithm: false));
        foreach ((string choice, double[] rounds) in measured)
            foreach (double ms in rounds) times.Add(choice, ms);
        return times;
    }
}
