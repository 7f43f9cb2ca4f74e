using System.Diagnostics;
using System.Text.Json;

namespace Lathe.Runtime.Tests;

public sealed class RunnerTests
{
    private string _directory = "";

    [SetUp]
    public void MakeDirectory() => _directory = Directory.CreateTempSubdirectory("lathe").FullName;

    [TearDown]
    public void RemoveDirectory() => Directory.Delete(_directory, recursive: true);

    [Test]
    public void Run_Once_GivesRanAndDumpsTheTensors()
    {
        string bias = Path.Combine(_directory, "bias");
        File.WriteAllBytes(bias, new byte[3 * sizeof(float)]);
        string dump = Path.Combine(_directory, "dump");
        JsonElement json = Run(0, [], SelfModule.Path, "--iterations", "0", "--dim", "N=3", "--input", $"bias={bias}", "--dump", dump);
        Assert.That(json.GetProperty("ran").GetProperty("devices").GetProperty("CPU").GetInt32(), Is.EqualTo(2));
        Assert.That(json.GetProperty("outputs")[0].GetProperty("shape")[0].GetInt32(), Is.EqualTo(3));
        Assert.That(json.GetProperty("latency_ms").ValueKind, Is.EqualTo(JsonValueKind.Null));
        float[] x = Floats(Path.Combine(dump, "in_0.bin")), y = Floats(Path.Combine(dump, "out_0.bin"));
        Assert.That(y, Is.EqualTo(x.Select(value => 2 * value)));
        JsonElement manifest = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(dump, "manifest.json"))).RootElement;
        Assert.That(manifest.GetProperty("outputs")[0].GetProperty("file").GetString(), Is.EqualTo("out_0.bin"));
    }

    [Test]
    public void Run_Measured_GivesNumbersAndLayers([Values("sync", "async")] string api)
    {
        JsonElement json = Run(0, [], SelfModule.Path, "--iterations", "2000", "--api", api, "--streams", "2", "-pc");
        Assert.That(json.GetProperty("iterations").GetInt32(), Is.EqualTo(2000));
        Assert.That(json.GetProperty("allocated_bytes_per_inference").GetDouble(), Is.LessThan(16));
        Assert.That(json.GetProperty("peak_gflops").GetDouble(), Is.Positive);
        Assert.That(json.GetProperty("layers").EnumerateArray().Select(layer => layer.GetProperty("name").GetString()), Is.EqualTo(new[] { "scale", "add" }));
        JsonElement latency = json.GetProperty("latency_ms");
        Assert.That(latency.GetProperty("p99").GetDouble(), Is.GreaterThanOrEqualTo(latency.GetProperty("min").GetDouble()));
    }

    [Test]
    public void Run_InstructionSetThatTheProcessCannotUse_Fails()
    {
        string error = Fail(1, new() { ["DOTNET_EnableAVX512"] = "0", ["DOTNET_EnableAVX512F"] = "0", ["LATHE_ISA"] = "avx512" }, SelfModule.Path);
        Assert.That(error, Does.StartWith("error LATHE0505: "));
    }

    [TestCase("--iterations")]
    [TestCase("--threads", "0")]
    [TestCase("--nonsense", "1")]
    [TestCase("--input", "nothing=/dev/null")]
    [TestCase("--streams", "2", "--requests", "1")]
    public void Run_WrongUsage_ExitsWith2(params string[] options) => Assert.That(Fail(2, [], [SelfModule.Path, .. options]), Does.StartWith("error: "));

    [Test]
    public void Run_InputOfWrongLength_Fails()
    {
        string file = Path.Combine(_directory, "x");
        File.WriteAllBytes(file, new byte[7]);
        Assert.That(Fail(1, [], SelfModule.Path, "--input", $"x={file}"), Does.Contain("7 bytes").And.Contain("takes 20"));
    }

    private static float[] Floats(string path)
    {
        byte[] bytes = File.ReadAllBytes(path);
        float[] floats = new float[bytes.Length / sizeof(float)];
        Buffer.BlockCopy(bytes, 0, floats, 0, bytes.Length);
        return floats;
    }

    private static string Fail(int exitCode, Dictionary<string, string> environment, params string[] arguments)
    {
        (string output, string error) = Start(exitCode, environment, arguments);
        Assert.That(output, Is.Empty);
        return error;
    }

    private static JsonElement Run(int exitCode, Dictionary<string, string> environment, params string[] arguments)
    {
        (string output, string error) = Start(exitCode, environment, arguments);
        Assert.That(output.TrimEnd('\n'), Does.Not.Contain('\n'), error);
        return JsonDocument.Parse(output).RootElement;
    }

    private static (string Output, string Error) Start(int exitCode, Dictionary<string, string> environment, string[] arguments)
    {
        ProcessStartInfo info = new("dotnet", [Path.Combine(AppContext.BaseDirectory, "Lathe.Runner.dll"), .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach ((string name, string value) in environment) info.Environment[name] = value;
        using Process process = Process.Start(info)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.That(process.ExitCode, Is.EqualTo(exitCode), error.Result);
        return (output, error.Result);
    }
}
