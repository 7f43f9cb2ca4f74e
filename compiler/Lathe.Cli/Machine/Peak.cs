using Lathe.Runner;
using Lathe.Runtime.Plans;

namespace Lathe.Cli.Machine;

/// <summary>What one core computes at most, by the loop that <c>lathe bench -pc</c> measures layers against.</summary>
internal static class Peak
{
    private const int Rounds = 20;

    /// <summary>The fastest of several rounds, in GFLOP/s.</summary>
    public static double GflopsOf(Isa isa)
    {
        PeakLoop loop = new(isa);
        for (int i = 0; i < Rounds; i++) loop.Run();
        return loop.Best;
    }
}
