using System.Text.Json;
using Lathe.Runtime.Plans;

namespace Lathe.Cli.Tests;

/// <summary>Real models, where they are at hand: beside the repository, or where LATHE_SHARED says.</summary>
public sealed class SharedModelTests
{
    [TestCase("iris_mlp")]
    [TestCase("mnist_cntk")]
    [TestCase("mobilenetv1_0.25_128_fp32")]
    public void Verify_AtTheDefaultTolerances_Passes(string model)
    {
        string folder = Find(model);
        JsonElement json = Cli.Json(0, "verify", "verify", folder, "--data", folder, "--top", "1");
        Assert.That(json.GetProperty("passed").GetInt32(), Is.EqualTo(json.GetProperty("cases").GetInt32()));
        Assert.That(json.GetProperty("ran").GetProperty("fallbacks").GetArrayLength(), Is.Zero);
    }

    [Test]
    public void Verify_OfAQuantisedModel_IsExact([Values("csharp", "native")] string kernels)
    {
        string folder = Find("mobilenetv1_0.25_128_qop");
        JsonElement json = Cli.Json(0, "verify", "verify", folder, "--data", folder, "--rtol", "0", "--atol", "0", "--kernels", kernels), ran = json.GetProperty("ran");
        Assert.That(json.GetProperty("outputs").EnumerateArray().Select(o => o.GetProperty("max_abs").GetDouble()), Is.All.Zero);
        Assert.That(ran.GetProperty("precisions").EnumerateObject().Select(p => p.Name), Is.EqualTo(new[] { "int8" }));
        if (kernels == "native") Assume.That(ran.GetProperty("fallbacks").GetArrayLength(), Is.Zero, "native kernels cannot be made or run here");
    }

    [TestCase("iris_mlp")]
    [TestCase("mnist_cntk")]
    [TestCase("mobilenetv1_0.25_128_fp32")]
    [TestCase("mobilenetv1_0.25_128_qdq")]
    public void Run_WithOneOrTwoThreads_GivesTheSameBytes(string model)
    {
        string folder = Find(model);
        string? before = Environment.GetEnvironmentVariable("LATHE_ISA");
        try
        {
            foreach (Isa isa in Enum.GetValues<Isa>().Where(isa => isa.IsAvailable()))
            {
                Environment.SetEnvironmentVariable("LATHE_ISA", isa.Name());
                using TemporaryFolder one = new(), two = new();
                Cli.Json(0, "run", "run", folder, "--threads", "1", "--dump", one.Path);
                Cli.Json(0, "run", "run", folder, "--threads", "2", "--dump", two.Path);
                string[] files = [.. Directory.GetFiles(one.Path).Select(file => Path.GetFileName(file))];
                Assert.That(files, Has.Length.GreaterThan(2), "a manifest, inputs and outputs");
                foreach (string file in files) Assert.That(File.ReadAllBytes(two[file]), Is.EqualTo(File.ReadAllBytes(one[file])), $"{isa.Name()}: {file}");
            }
        }
        finally
        {
            Environment.SetEnvironmentVariable("LATHE_ISA", before);
        }
    }

    [Test]
    public void Verify_WithAPrecisionThatNeedsSamples_SaysSo() =>
        Assert.That(Cli.Fails(1, "verify", Find("mnist_cntk"), "--data", Find("mnist_cntk"), "--precision", "int8"), Does.Contain("error LATHE0706"));

    [Test]
    public void Bench_TakesTheTestDataAsInput()
    {
        string folder = Find("mnist_cntk");
        JsonElement json = Cli.Json(
            0, "bench", "bench", Path.Combine(folder, "model.onnx"), "-nthreads", "1", "-t", "0.1", "-api", "sync", "--input",
            $"Input3={Path.Combine(folder, "test_data_set_0", "input_0.pb")}");
        Assert.That(json.GetProperty("latency_ms").GetProperty("median").GetDouble(), Is.Positive);
        Assert.That(json.GetProperty("peak_rss_mb").GetDouble(), Is.Positive);
    }

    [Test]
    public void Inspect_OfAModelWithAnUnknownOperator_NamesEveryNode()
    {
        JsonElement json = Cli.Json(1, "inspect", "inspect", Find("negative/unsupported_custom_op_resnet8"));
        Assert.That(json.GetProperty("unsupported").GetArrayLength(), Is.EqualTo(14));
    }

    private static string Find(string model) => Places.Shared("models", model);
}
