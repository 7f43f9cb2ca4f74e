using Lathe.Runtime.Devices;
using System.Text.Json;
using System.Xml.Linq;
using Lathe.Compiler.Placement;

namespace Lathe.Cli.Tests;

/// <summary>The commands with a list of devices.</summary>
public sealed class HeteroTests
{
    private const string Devices = "HETERO:SIM,CPU";

    /// <summary>An accelerator for which the smallest steps pay.</summary>
    private const string Eager = """{ "devices": [ { "device": "SIM", "launch_us": 0.01, "transfer_us": 0.01, "transfer_gbs": 1000, "bandwidth_gbs": 1000 } ] }""";

    private static string Model => Places.Shared("models", "iris_mlp");

    [Test]
    public void Inspect_Explains_AndDraws()
    {
        using TemporaryFolder folder = new();
        File.WriteAllText(folder["profile.json"], Eager);
        string[] command = ["inspect", Model, "--device", Devices, "--device-profile", folder["profile.json"], "--dot", folder["drawings"]];
        JsonElement json = Cli.Json(0, "inspect", command);
        JsonElement[] subgraphs = [.. json.GetProperty("subgraphs").EnumerateArray()];
        Assert.That(subgraphs.Select(s => s.GetProperty("device").GetString()), Is.EqualTo(new[] { "SIM" }));
        Assert.That(subgraphs[0].GetProperty("reason").GetString(), Does.Contain("ms here").And.Contain("on the CPU"));
        Assert.That(subgraphs.Sum(s => s.GetProperty("groups").GetInt32()), Is.EqualTo(json.GetProperty("groups").GetArrayLength()));
        Assert.That(json.GetProperty("groups").EnumerateArray().Select(g => g.GetProperty("device").GetString()), Has.All.EqualTo("SIM"));
        Assert.That(json.GetProperty("affinity").GetString(), Is.EqualTo("cost"));
        JsonElement arena = json.GetProperty("device_arenas").EnumerateArray().Single();
        Assert.That((arena.GetProperty("device").GetString(), arena.GetProperty("arena_bytes").GetInt64() > 0, json.GetProperty("arena_bytes").GetInt64()), Is.EqualTo(("SIM", true, 0L)));
        Dictionary<string, double> alternatives = json.GetProperty("alternatives").EnumerateArray().ToDictionary(a => a.GetProperty("name").GetString()!, a => a.GetProperty("ms").GetDouble());
        Assert.That(alternatives.Keys, Is.EquivalentTo(new[] { "cost", "priority", "CPU", "SIM" }));
        Assert.That(json.GetProperty("predicted_ms").GetDouble(), Is.EqualTo(alternatives.Values.Min()).And.GreaterThan(0));
        foreach (string name in (string[])["hetero_affinity", "hetero_subgraphs"])
        {
            Assert.That(File.ReadAllText(folder[$"drawings/{name}.dot"]), Does.StartWith("digraph \"").And.Contain("SIM"));
            Assert.That(XDocument.Load(folder[$"drawings/{name}.svg"]).Root!.Name.LocalName, Is.EqualTo("svg"));
        }

        Assert.That(Cli.Run(command).Output, Does.Contain("ms are predicted (cost)").And.Contain(", on SIM "));
    }

    [Test]
    public void Inspect_SaysWhatDoesNotPay_AndWhatIsMeasured()
    {
        using TemporaryFolder folder = new();
        // With the shipped profile the copies take longer than the network.
        JsonElement json = Cli.Json(0, "inspect", "inspect", Model, "--device", Devices);
        Assert.That(json.GetProperty("advice")[0].GetString(), Does.StartWith("SIM does not pay for this network"));
        Assert.That(json.GetProperty("subgraphs").EnumerateArray().Select(s => s.GetProperty("device").GetString()), Is.EqualTo(new[] { "CPU" }));
        Assert.That(json.TryGetProperty("device_arenas", out _), Is.False);
        File.WriteAllText(folder["measured.json"], Cli.Run("bench", Model, "--device", Devices, "--affinity", "priority", "-niter", "3", "-pc", "--json").Output);
        json = Cli.Json(0, "inspect", "inspect", Model, "--device", Devices, "--affinity", "priority", "--measured", folder["measured.json"]);
        Assert.That(json.GetProperty("subgraphs")[0].GetProperty("measured_ms").GetDouble(), Is.GreaterThan(0));
        Assert.That(json.GetProperty("advice").EnumerateArray().Select(a => a.GetString()), Has.Some.Contains("--affinity cost"));
        Assert.That(Cli.Fails(1, "inspect", Model, "--device", Devices, "--measured", folder["none.json"]), Does.Contain("--measured"));
        File.WriteAllText(folder["other.json"], "{}");
        Assert.That(Cli.Fails(1, "inspect", Model, "--device", Devices, "--measured", folder["other.json"]), Does.Contain("no line of lathe bench"));
    }

    [Test]
    public void Models_RunAndVerifyOnSeveralDevices()
    {
        using TemporaryFolder folder = new();
        Assert.That(Cli.Run("compile", Model, "--device", Devices, "--affinity", "priority", "-o", folder["m.dll"]).ExitCode, Is.Zero);
        foreach (string[] command in (string[][])
            [["run", folder["m.dll"]], ["bench", folder["m.dll"], "-niter", "3"], ["verify", Model, "--data", Model, "--device", Devices, "--affinity", "priority"], ["run", Model, "--device", Devices, "--affinity", "priority", "--require-device"]])
        {
            JsonElement ran = Cli.Json(0, command[0], command).GetProperty("ran");
            Assert.That(ran.GetProperty("devices").GetProperty("SIM").GetInt32(), Is.GreaterThan(0), string.Join(' ', command));
            Assert.That(ran.GetProperty("fallbacks").GetArrayLength(), Is.Zero);
        }
    }

    [Test]
    public void Rules_AreInputsOfTheCompilation_AndHold()
    {
        using TemporaryFolder folder = new();
        File.WriteAllText(folder["rules.txt"], "# everything\n/./ = SIM\nop:Gemm = CPU\n");
        (int exitCode, _, string error) = Cli.Run("compile", Model, "--device", Devices, "--affinity", folder["rules.txt"], "-o", folder["m.dll"], "--inputs", folder["inputs.txt"]);
        Assert.That(exitCode, Is.Zero, error);
        Assert.That(File.ReadAllLines(folder["inputs.txt"]), Has.Some.EndsWith("rules.txt"));
        JsonElement json = Cli.Json(0, "inspect", "inspect", Model, "--device", Devices, "--affinity", folder["rules.txt"]);
        foreach (JsonElement group in json.GetProperty("groups").EnumerateArray())
            Assert.That(group.GetProperty("device").GetString(), Is.EqualTo(group.GetProperty("op").GetString()!.Contains("Gemm") ? "CPU" : "SIM"));
        Assert.That(json.GetProperty("subgraphs").EnumerateArray().Select(s => s.GetProperty("reason").GetString()), Has.All.Contains("of the rules"));
    }

    [Test]
    public void Precision_OfADevice_IsWhatItsStepsHave()
    {
        using TemporaryFolder folder = new();
        File.WriteAllText(folder["rules.txt"], "op:Conv = SIM");
        string[] Precisions(params string[] more) =>
        [
            .. Cli.Json(0, "inspect", ["inspect", Places.Shared("models", "cifar10_cnn"), "--device", Devices, "--affinity", folder["rules.txt"], "--winograd", "off", .. more]).GetProperty("subgraphs").EnumerateArray()
                .Where(s => s.GetProperty("device").GetString() == "SIM").Select(s => s.GetProperty("precision").GetString()!),
        ];
        Assert.That(Precisions(), Is.Not.Empty.And.All.EqualTo("fp32"));
        Assert.That(Precisions("--precision", "SIM=bf16,CPU=fp32"), Has.Some.StartsWith("bf16"));
    }

    [TestCase("HETERO:NPU,CPU", null, "LATHE0232")]
    [TestCase("HETERO:SIM,SIM,CPU", null, "LATHE0233")]
    [TestCase("HETERO:SIM", null, "LATHE0233")]
    [TestCase(Devices, "nothing = SIM", "LATHE0231")]
    [TestCase(Devices, "op:Gemm = GPU", "LATHE0230")]
    [TestCase(Devices, "op:Gemm", "LATHE0230")]
    public void WhatIsWrong_IsOneDiagnostic(string devices, string? rules, string id)
    {
        using TemporaryFolder folder = new();
        if (rules is not null) File.WriteAllText(folder["rules.txt"], rules);
        foreach (string command in (string[])["run", "inspect", "bench"])
            Assert.That(Cli.Fails(1, [command, Model, "--device", devices, .. rules is null ? (string[])[] : ["--affinity", folder["rules.txt"]]]).Trim(), Does.Match($@"^\S+ : error {id}: [^\n]+$"), command);
    }

    [Test]
    public void FilesThatAreNone_AreOneDiagnostic()
    {
        using TemporaryFolder folder = new();
        Assert.That(Cli.Fails(1, "run", Model, "--device", Devices, "--affinity", folder["none.txt"]).Trim(), Does.Match(@"^\S+ : error LATHE0007: option --affinity: [^\n]+$"));
        Assert.That(Cli.Fails(1, "run", Model, "--device", Devices, "--device-profile", folder["none.json"]).Trim(), Does.Match(@"^\S+ : error LATHE0007: option --device-profile: [^\n]+$"));
        File.WriteAllText(folder["broken.json"], "{");
        Assert.That(Cli.Fails(1, "run", Model, "--device", Devices, "--device-profile", folder["broken.json"]).Trim(), Does.Match(@"^\S+ : error LATHE0236: [^\n]+$"));
    }

    [Test]
    public void Devices_WritesAProfile_ThatIsRead()
    {
        using TemporaryFolder folder = new();
        Cli.Json(0, "devices", "devices", "-o", folder["profile.json"]);
        IReadOnlyDictionary<string, DeviceProfile> profiles = DeviceProfileText.Parse(File.ReadAllText(folder["profile.json"]));
        Assert.That(profiles["CPU"].Origin, Does.StartWith("measured on "));
        Assert.That(profiles["CPU"].Gmacs["fp32"], Is.GreaterThan(0));
        Cli.Json(0, "inspect", "inspect", Model, "--device", Devices, "--device-profile", folder["profile.json"]);
    }
}
