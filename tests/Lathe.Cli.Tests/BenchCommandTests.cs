using System.Text.Json;
using Lathe.Compiler.Graph;

namespace Lathe.Cli.Tests;

public sealed class BenchCommandTests
{
    [Test]
    public void Json_HasAllFigures()
    {
        JsonElement json = Cli.Json(0, "bench", "bench", "-m", DoublingModule.Path, "-d", "CPU", "-nthreads", "1", "-niter", "50", "-api", "sync", "-enforcebf16=false", "-pin=no");
        Assert.That(json.GetProperty("model").GetString(), Is.EqualTo(Path.GetFileName(DoublingModule.Path)));
        Assert.That(json.GetProperty("device").GetString(), Is.EqualTo("CPU"));
        Assert.That(json.GetProperty("precision").GetString(), Is.EqualTo("fp32"));
        Assert.That(json.GetProperty("kernels").GetString(), Is.EqualTo("csharp"));
        Assert.That(json.GetProperty("iterations").GetInt32(), Is.EqualTo(50));
        Assert.That(json.GetProperty("compile_ms").ValueKind, Is.EqualTo(JsonValueKind.Null), "the assembly was compiled before");
        Assert.That(json.TryGetProperty("layers", out _), Is.False);
        JsonElement latency = json.GetProperty("latency_ms");
        Assert.That(latency.GetProperty("median").GetDouble(), Is.InRange(latency.GetProperty("min").GetDouble(), latency.GetProperty("p99").GetDouble()));
    }

    [Test]
    public void PerLayer_AddsLayersAndPeak()
    {
        JsonElement json = Cli.Json(0, "bench", "bench", DoublingModule.Path, "-t", "0.2", "-pc", "-api", "async", "-nireq", "2", "-hint", "latency");
        Assert.That(json.GetProperty("peak_gflops").GetDouble(), Is.Positive);
        JsonElement layer = json.GetProperty("layers")[0];
        Assert.That(layer.GetProperty("name").GetString(), Is.EqualTo(DoublingModule.Node));
        Assert.That(layer.GetProperty("macs").GetInt64(), Is.EqualTo(3));
        Assert.That(json.GetProperty("hint").GetString(), Is.EqualTo("latency"));
        Assert.That(json.GetProperty("requests").GetInt32(), Is.EqualTo(2));
    }

    [Test]
    public void Batch_SetsTheNamedDim()
    {
        Assert.That(Cli.Json(0, "bench", "bench", DoublingModule.Path, "-niter", "1", "-b", "5").GetProperty("batch").GetInt32(), Is.EqualTo(5));
        Assert.That(Cli.Fails(1, "bench", DoublingModule.Path, "-niter", "1", "-b", "65"), Does.Contain("1 to 64"));
    }

    [Test]
    public void Input_IsMeasuredInItsShape()
    {
        using TemporaryFolder folder = new();
        File.WriteAllBytes(folder["x.pb"], TensorPb.Of("x", TensorData.OfFloats(new float[12], 4, 3)));
        JsonElement json = Cli.Json(0, "bench", "bench", DoublingModule.Path, "-niter", "1", "--input", $"x={folder["x.pb"]}");
        Assert.That(json.GetProperty("batch").GetInt32(), Is.EqualTo(4));
    }

    [Test]
    public void InstructionSetThatIsUnknown_IsOneDiagnosticWithItsId()
    {
        string? before = Environment.GetEnvironmentVariable("LATHE_ISA");
        try
        {
            Environment.SetEnvironmentVariable("LATHE_ISA", "sse");
            Assert.That(Cli.Fails(1, "bench", DoublingModule.Path, "-niter", "1").Trim(), Does.Match(@"^\S+ : error LATHE0505: [^\n]+$"));
        }
        finally
        {
            Environment.SetEnvironmentVariable("LATHE_ISA", before);
        }
    }
}
