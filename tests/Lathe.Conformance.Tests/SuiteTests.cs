using System.Diagnostics;
using Lathe.Runtime.OpenCl;
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
        List<string> arguments = optimized ? [] : ["--no-optimize"];
        if (isa != Isas.Best() || !optimized) arguments.AddRange(["--partition", Part]);
        Run(arguments, new() { ["LATHE_ISA"] = isa.Name() });
    }

    /// <summary>
    /// A part of the tree on an OpenCL device, every sixteenth case by name: PoCL takes a second or more of a processor for each, and a minute for a large network. All of it:
    /// <c>lathe conformance ../shared/conformance --device GPU --expect tests/Lathe.Conformance.Tests/conformance-expected.txt</c>.
    /// </summary>
    [Test]
    public void Tree_OnADevice_IsAsExpected()
    {
        if (OpenClDevice.All().Count == 0) Assert.Ignore("There is no OpenCL device (apt-get install pocl-opencl-icd ocl-icd-libopencl1).");
        Run(["--device", "GPU", "--filter", "^(?!light/)", "--partition", "3/16"], []);
    }

    private static IEnumerable<TestCaseData> Targets() =>
        from isa in Enum.GetValues<Isa>().OrderDescending()
        where isa.IsAvailable()
        from optimized in (bool[])[true, false]
        select new TestCaseData(isa, optimized);

    private static void Run(IReadOnlyList<string> options, Dictionary<string, string> environment)
    {
        string[] arguments =
        [
            Path.Combine(AppContext.BaseDirectory, "lathe.dll"), "conformance", Places.Shared("conformance"), "--expect", Path.Combine(AppContext.BaseDirectory, "conformance-expected.txt"), .. options,
        ];
        ProcessStartInfo start = new("dotnet", arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach ((string name, string value) in environment) start.Environment[name] = value;
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        string error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        TestContext.Out.WriteLine(output.Result.TrimEnd().Split('\n')[^1]);
        Assert.That(process.ExitCode, Is.Zero, error);
    }
}
