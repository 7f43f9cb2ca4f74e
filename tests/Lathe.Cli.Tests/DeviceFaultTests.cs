using System.Text.Json;

namespace Lathe.Cli.Tests;

/// <summary>Commands with an accelerator that fails.</summary>
[NonParallelizable]
public sealed class DeviceFaultTests
{
    private static readonly string[] Options = [Places.Shared("models", "iris_mlp"), "--device", "HETERO:SIM,CPU", "--affinity", "priority"];

    [TearDown]
    public void NoFaults() => Environment.SetEnvironmentVariable("LATHE_SIM", null);

    [Test]
    public void Failures_AreWarnedOf_OrAnError_WhereTheDeviceIsRequired([Values("build", "allocate", "launch:1", "read:1", "lost:3")] string fault)
    {
        Environment.SetEnvironmentVariable("LATHE_SIM", $$"""{ "faults": ["{{fault}}"] }""");
        (int exitCode, string output, string error) = Cli.Run(["run", .. Options, "--json"]);
        Assert.That(exitCode, Is.Zero, error);
        Assert.That(error.Trim(), Does.Match(@"^\S+ : warning LATHE0610: The CPU stands in for SIM: [^\n]+$"));
        JsonElement ran = JsonDocument.Parse(output).RootElement.GetProperty("ran");
        Assert.That(ran.GetProperty("devices").EnumerateObject().Select(d => d.Name), Is.EqualTo(new[] { "CPU" }));
        Assert.That(ran.GetProperty("fallbacks").GetArrayLength(), Is.GreaterThan(0));
        Assert.That(Cli.Fails(1, ["run", .. Options, "--require-device"]).Trim(), Does.Match(@"^\S+ : error LATHE05(06|11|12): [^\n]+$"));
    }

    [Test]
    public void Bench_WarnsOfADeviceThatFails_AndTellsTheSimulatedTimeOfOneThatDoesNot()
    {
        JsonElement json = Cli.Json(0, "bench", ["bench", .. Options, "-niter", "5", "-pc"]);
        Assert.That(json.GetProperty("simulated_ms").GetProperty("min").GetDouble(), Is.GreaterThan(0.04), "two copies of 20 microseconds");
        Assert.That(json.GetProperty("layers").EnumerateArray().Select(l => l.GetProperty("op").GetString()), Has.Exactly(2).EqualTo("Transfer"));
        Assert.That(json.GetProperty("layers").EnumerateArray().Select(l => l.GetProperty("subgraph").GetInt32()), Has.All.GreaterThan(0));
        Environment.SetEnvironmentVariable("LATHE_SIM", """{ "faults": ["launch:5"] }""");
        (int exitCode, string output, string error) = Cli.Run(["bench", .. Options, "-niter", "5", "--json"]);
        Assert.That(exitCode, Is.Zero, error);
        Assert.That(error, Does.Contain("LATHE0610: The CPU stands in for SIM: "));
        Assert.That(JsonDocument.Parse(output).RootElement.GetProperty("ran").GetProperty("fallbacks").GetArrayLength(), Is.GreaterThan(0));
    }

    [Test]
    public void Bench_RequiresTheDeviceOfAnAssembly_InTheProcessThatMeasures()
    {
        using TemporaryFolder folder = new();
        Assert.That(Cli.Run(["compile", .. Options, "-o", folder["m.dll"]]).ExitCode, Is.Zero);
        Environment.SetEnvironmentVariable("LATHE_SIM", """{ "faults": ["launch:5"] }""");
        Assert.That(Cli.Run("bench", folder["m.dll"], "-niter", "5").ExitCode, Is.Zero);
        Assert.That(Cli.Fails(1, "bench", folder["m.dll"], "-niter", "5", "--require-device").Trim(), Does.Match(@"^\S+ : error LATHE0511: [^\n]+$"));
    }
}
