using Lathe.Runtime;

namespace Lathe.Cli.Models;

/// <summary>Inferences that are counted.</summary>
internal static class Inference
{
    /// <summary>Runs one inference and adds what it executed to a report.</summary>
    /// <returns>What it executed.</returns>
    public static RunCounts InferAndCount(this InferRequest request, RunReport report)
    {
        request.Infer();
        RunCounts counts = request.Ran;
        report.Add(counts);
        return counts;
    }
}
