using System.Diagnostics;
using Lathe.Runtime.Plans;

namespace Lathe.Conformance.Tests;

/// <summary>
/// ONNX's backend tests on every instruction set of this machine, optimised and not, against the list of what is expected to fail. The whole tree runs
/// optimised on the best instruction set, and every eighth case on the others: kernels differ by instruction set and optimisation, what surrounds them
/// does not. <c>./build.sh Conformance</c> runs the whole tree on all.
/// </summary>
public sealed class SuiteTests
{
    private const string Part = "1/8";

    [TestCaseSource(nameof(Targets))]
    public void Tree_IsAsExpected(Isa isa, bool optimized)
    {
        List<string> arguments = [Path.Combine(AppContext.BaseDirectory, "lathe.dll"), "conformance", Tree(), "--expect", Path.Combine(AppContext.BaseDirectory, "conformance-expected.txt")];
        if (!optimized) arguments.Add("--no-optimize");
        if (isa != Isas.Best() || !optimized) arguments.AddRange(["--partition", Part]);
        ProcessStartInfo start = new("dotnet", arguments) { RedirectStandardOutput = true, RedirectStandardError = true, Environment = { ["LATHE_ISA"] = isa.Name() } };
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        string error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        TestContext.Out.WriteLine(output.Result.TrimEnd().Split('\n')[^1]);
        Assert.That(process.ExitCode, Is.Zero, error);
    }

    private static IEnumerable<TestCaseData> Targets() =>
        from isa in Enum.GetValues<Isa>().OrderDescending()
        where isa.IsAvailable()
        from optimized in (bool[])[true, false]
        select new TestCaseData(isa, optimized);

    /// <summary>The tree in the directory that LATHE_SHARED names, or in <c>shared</c> beside the repository.</summary>
    private static string Tree()
    {
        string? shared = Environment.GetEnvironmentVariable("LATHE_SHARED");
        for (DirectoryInfo? at = new(AppContext.BaseDirectory); shared is null && at is not null; at = at.Parent)
            if (Directory.Exists(Path.Combine(at.FullName, "shared", "conformance"))) shared = Path.Combine(at.FullName, "shared");
        string tree = Path.Combine(shared ?? "", "conformance");
        if (!Directory.Exists(tree)) Assert.Ignore("ONNX's backend tests are not at hand: they are looked for in shared/conformance beside the repository, and where LATHE_SHARED says.");
        return tree;
    }
}
