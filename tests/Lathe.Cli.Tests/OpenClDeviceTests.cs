using System.Text.Json;
using Lathe.Runtime.OpenCl;

namespace Lathe.Cli.Tests;

/// <summary>The commands with <c>--device GPU</c>.</summary>
public sealed class OpenClDeviceTests
{
    private static string Model => Places.Shared("models", "iris_mlp");

    [Test]
    public void Inspect_NamesTheDevice_AndAllThatItLacks()
    {
        JsonElement json = Cli.Json(0, "inspect", "inspect", Model, "--device", "GPU");
        Assert.That(json.GetProperty("groups").EnumerateArray().Select(g => g.GetProperty("device").GetString()), Has.All.EqualTo("GPU"));
        Assert.That(json.GetProperty("subgraphs").EnumerateArray().Select(g => g.GetProperty("device").GetString()), Is.EqualTo(new[] { "GPU" }));
        JsonElement lacking = Cli.Json(1, "inspect", "inspect", Places.Shared("conformance", "node", "test_top_k"), "--device", "GPU");
        JsonElement only = lacking.GetProperty("unsupported").EnumerateArray().Single();
        Assert.That(only.GetProperty("op").GetString(), Does.Contain("TopK"));
        Assert.That(only.GetProperty("reason").GetString(), Does.Contain("GPU"));
    }

    [Test]
    public void Kernels_AreOpenCl_WhateverIsAskedForBeside()
    {
        using TemporaryFolder folder = new();
        (int exitCode, string output, string error) = Cli.Run("compile", Model, "--device", "GPU", "--kernels", "native", "-o", folder["m.dll"], "--json");
        Assert.That(exitCode, Is.Zero, error);
        Assert.That(output, Does.Contain("m.dll"));
        Assert.That(error, Does.Contain("LATHE0605").And.Contain("--kernels"));
    }

    [Test]
    public void Tune_MeasuresNoDevice_AndSaysSo() =>
        Assert.That(Cli.Fails(1, "tune", Model, "--device", "GPU").Trim(), Does.Match(@"^\S+ : error LATHE0007: option --device: GPU [^\n]*$"));

    [TestCase("bf16", "-enforcebf16", "true")]
    [TestCase("fp16", "--precision", "fp16")]
    public void Bench_InSixteenBits_SaysSo_HoweverItIsAskedFor(string precision, string option, string value)
    {
        NeedsADevice();
        JsonElement ran = Cli.Json(0, "bench", "bench", Model, "-niter", "1", "--device", "GPU", option, value).GetProperty("ran");
        Assert.That(ran.GetProperty("devices").EnumerateObject().Single().Name, Is.EqualTo("GPU"));
        Assert.That(ran.GetProperty("precisions").GetProperty(precision).GetInt32(), Is.GreaterThan(0));
    }

    [Test]
    public void Models_RunAndVerifyOnTheDevice()
    {
        NeedsADevice();
        using TemporaryFolder folder = new();
        Assert.That(Cli.Run("compile", Model, "--device", "GPU", "-o", folder["m.dll"]).ExitCode, Is.Zero);
        Assert.That(Cli.Json(0, "run", "run", folder["m.dll"]).GetProperty("ran").GetProperty("devices").EnumerateObject().Single().Name, Is.EqualTo("GPU"));
        Assert.That(Cli.Fails(2, "run", folder["m.dll"], "--device", "GPU"), Does.Contain("compiled already"));
        foreach (string[] command in (string[][])[["verify", Model, "--data", Model], ["run", Model], ["bench", Model, "-niter", "3"], ["bench", Model, "-niter", "3", "-pc"]])
        {
            JsonElement json = Cli.Json(0, command[0], [.. command, "--device", "GPU"]);
            JsonElement ran = json.GetProperty("ran");
            Assert.That(ran.GetProperty("devices").EnumerateObject().Single().Name, Is.EqualTo("GPU"), command[0]);
            Assert.That(ran.GetProperty("kernels").GetProperty("opencl").GetInt32(), Is.GreaterThan(0), command[0]);
            Assert.That(ran.GetProperty("kernels").GetProperty("csharp").GetInt32(), Is.Zero, command[0]);
            if (command[^1] == "-pc") Assert.That(json.GetProperty("layers").EnumerateArray().Sum(l => l.GetProperty("ms").GetDouble()), Is.GreaterThan(0));
        }
    }

    [Test]
    public void Device_ThatIsNotThere_IsOneError()
    {
        NeedsADevice();
        try
        {
            Environment.SetEnvironmentVariable(OpenClDevice.Variable, "no such device");
            foreach (string[] command in (string[][])[["run", Model], ["bench", Model, "-niter", "1"], ["conformance", Places.Shared("conformance"), "--filter", "node/test_relu$"]])
                Assert.That(Cli.Fails(1, [.. command, "--device", "GPU"]).Trim(), Does.Match(@"^(\S+ : )?error LATHE0510: [^\n]*no such device[^\n]*$"), command[0]);
        }
        finally
        {
            Environment.SetEnvironmentVariable(OpenClDevice.Variable, null);
        }
    }

    private static void NeedsADevice()
    {
        if (OpenClDevice.All().Count == 0) Assert.Ignore("There is no OpenCL device (apt-get install pocl-opencl-icd ocl-icd-libopencl1).");
    }
}
