using System.Globalization;
using System.Text.Json;
using Lathe.Compiler.Graph;
using Lathe.Compiler.Onnx;
using Lathe.Runtime.Plans;

namespace Lathe.Cli.Tests;

/// <summary>Precisions by node, and what they are predicted to take.</summary>
public sealed class MixedPrecisionCommandTests
{
    private static readonly string[] Form = ["--mean", "128", "--scale", "64", "--input-format", "u8"];

    /// <summary>Every eighth of the calibration samples: enough to choose by.</summary>
    private static string[] Calibrated(TemporaryFolder folder)
    {
        TensorData all = NumpyFile.Read(Places.Model("calibration/images.npy"));
        int items = (int)all.Dims[0], size = all.Bytes.Length / items;
        byte[] some = [.. Enumerable.Range(0, items / 8).SelectMany(i => all.Bytes[(i * 8 * size)..(((i * 8) + 1) * size)])];
        NumpyFile.Write(folder["calibration.npy"], TensorData.FromBytes(all.Element, [items / 8, .. all.Dims[1..]], some));
        return ["--calibration", folder["calibration.npy"], .. Form];
    }

    [Test]
    public void Quantize_KeepsTheFewest_AndItsRulesGiveTheSameFile()
    {
        using TemporaryFolder folder = new();
        JsonElement json = Cli.Json(0, "quantize", ["quantize", Places.Model("characters.onnx"), .. Calibrated(folder), "--mixed", "52dB", "-o", folder["mixed.onnx"], "--rules-out", folder["rules.txt"]]);
        JsonElement mixed = json.GetProperty("mixed");
        Assert.That(mixed.GetProperty("sqnr_db").GetDouble(), Is.GreaterThanOrEqualTo(52).And.EqualTo(json.GetProperty("sqnr_db").GetDouble()));
        Assert.That(mixed.GetProperty("sqnr_db_before").GetDouble(), Is.LessThan(52));
        int kept = mixed.GetProperty("kept").GetInt32(), candidates = mixed.GetProperty("candidates").GetInt32();
        Assert.That(kept, Is.InRange(1, candidates - 1));
        Assert.That(json.GetProperty("quantized").GetInt32(), Is.EqualTo(candidates - kept));
        Assert.That(json.GetProperty("files").EnumerateArray().Select(f => f.GetString()), Is.EqualTo(new[] { folder["mixed.onnx"], folder["rules.txt"] }));
        JsonElement again = Cli.Json(0, "quantize", ["quantize", Places.Model("characters.onnx"), .. Calibrated(folder), "--precision-rules", folder["rules.txt"], "-o", folder["again.onnx"]]);
        Assert.That(again.GetProperty("mixed").ValueKind, Is.EqualTo(JsonValueKind.Null));
        Assert.That(File.ReadAllBytes(folder["again.onnx"]), Is.EqualTo(File.ReadAllBytes(folder["mixed.onnx"])));
    }

    [Test]
    public void Compile_OfSixteenBits_KeepsTheFewest()
    {
        using TemporaryFolder folder = new();
        string[] bf16 = ["compile", Places.Model("characters.onnx"), "--precision", "bf16", "--isa", Isas.Best().Name(), .. Form];
        string[] samples = Calibrated(folder)[..2];
        JsonElement all = Cli.Json(0, "compile", [.. bf16, .. samples, "--mixed", "1dB", "-o", folder["all"]]).GetProperty("mixed");
        Assert.That(all.GetProperty("kept").GetInt32(), Is.Zero);
        double least = all.GetProperty("sqnr_db").GetDouble() + 5;
        JsonElement json = Cli.Json(0, "compile", [.. bf16, .. samples, "--mixed", least.ToString("F3", CultureInfo.InvariantCulture) + "dB", "-o", folder["mixed"], "--rules-out", folder["rules.txt"], "--inputs", folder["inputs"]]);
        Assert.That(json.GetProperty("mixed").GetProperty("kept").GetInt32(), Is.Positive);
        JsonElement compared = Cli.Json(0, "accuracy", ["accuracy", .. bf16[1..], .. samples, "--data", samples[1], "--mixed", least.ToString("F3", CultureInfo.InvariantCulture) + "dB"]);
        Assert.That(compared.GetProperty("mixed").GetRawText(), Is.EqualTo(json.GetProperty("mixed").GetRawText()), "the same search");
        JsonElement again = Cli.Json(0, "compile", [.. bf16, "--precision-rules", folder["rules.txt"], "-o", folder["again"], "--inputs", folder["inputs"]]);
        Assert.That(again.GetProperty("weight_bytes").GetInt64(), Is.EqualTo(json.GetProperty("weight_bytes").GetInt64()));
        Assert.That(File.ReadAllLines(folder["inputs"]), Does.Contain(folder["rules.txt"]), "a build runs again when rules change");
    }

    [Test]
    public void Rules_ChangeWhatRuns()
    {
        using TemporaryFolder folder = new();
        File.WriteAllBytes(folder["product.onnx"], TinyOnnx.Product());
        File.WriteAllText(folder["rules"], "op:MatMul = bf16\n");
        Assert.That(Precisions(), Does.Not.Contain("bf16"));
        Assert.That(Precisions("--precision-rules", folder["rules"]), Does.Contain("bf16"));
        File.WriteAllText(folder["rules"], "product = fp32\n");
        Assert.That(Precisions("--precision", "bf16", "--precision-rules", folder["rules"]), Does.Not.Contain("bf16"));

        string[] Precisions(params string[] more) =>
            [.. Cli.Json(0, "run", ["run", folder["product.onnx"], .. more]).GetProperty("ran").GetProperty("precisions").EnumerateObject().Where(p => p.Value.GetInt32() > 0).Select(p => p.Name)];
    }

    [TestCase("product = int7", "error LATHE0230")]
    [TestCase("other = bf16", "error LATHE0231")]
    [TestCase("product = int8", "error LATHE0631")]
    [TestCase("product", "error LATHE0230")]
    public void WrongRule_IsOneError(string rule, string expected)
    {
        using TemporaryFolder folder = new();
        File.WriteAllBytes(folder["product.onnx"], TinyOnnx.Product());
        File.WriteAllText(folder["rules"], rule);
        string error = Cli.Fails(1, "inspect", folder["product.onnx"], "--precision-rules", folder["rules"]);
        Assert.That(error, Does.Contain(expected));
        Assert.That(error.Split("LATHE"), Has.Length.EqualTo(2), error);
    }

    [Test]
    public void Rules_ThatCannotBeRead_AreOneError()
    {
        using TemporaryFolder folder = new();
        File.WriteAllBytes(folder["product.onnx"], TinyOnnx.Product());
        Assert.That(Cli.Fails(1, "inspect", folder["product.onnx"], "--precision-rules", folder["none"]), Does.Contain("error LATHE0007: option --precision-rules"));
    }

    [Test]
    public void Budget_ThatCannotBeKept_IsOneError()
    {
        using TemporaryFolder folder = new();
        File.WriteAllBytes(folder["product.onnx"], TinyOnnx.Product());
        NumpyFile.Write(folder["x.npy"], TensorData.OfFloats([.. Enumerable.Range(0, 24).Select(i => (i % 11) - 5.3f)], 1, 24));
        string error = Cli.Fails(1, "quantize", folder["product.onnx"], "--calibration", folder["x.npy"], "--mixed", "150dB", "-o", folder["q.onnx"]);
        Assert.That(error, Does.Contain("error LATHE0632: no choice of layers that stay in fp32 keeps to the budget of 150dB: with all in int8 it is "));
    }

    [TestCase("compile a.onnx -o d --mixed 30dB")]
    [TestCase("compile a.onnx -o d --precision int8 --mixed 30dB")]
    [TestCase("compile a.onnx -o d --precision int8 --mixed 30dB --min-sqnr 3 --calibration c")]
    [TestCase("compile a.onnx -o d --precision bf16 --calibration c")]
    [TestCase("compile a.onnx -o d --precision bf16 --mixed 30dB --calibration c --calibrator mse")]
    [TestCase("compile a.onnx -o d --precision int8 --mixed much --calibration c")]
    [TestCase("compile a.onnx -o d --rules-out r")]
    [TestCase("run a.dll --precision-rules r")]
    [TestCase("run a.dll --mixed 3dB")]
    [TestCase("inspect a.onnx --device-profile p")]
    [TestCase("inspect a.onnx --precisions fp32 --device GPU")]
    [TestCase("inspect a.onnx --precisions fp32 --device HETERO:SIM,CPU")]
    [TestCase("inspect a.onnx --precisions fp32,int8")]
    [TestCase("inspect a.onnx --precisions fp32,int4")]
    [TestCase("bench a.onnx --precisions fp32,int8")]
    public void WrongUsage_IsSaid(string line) => Assert.That(Cli.Fails(2, line.Split(' ')), Does.StartWith("lathe : error LATHE0601: "));

    [Test]
    public void Inspect_PredictsEachPrecision()
    {
        using TemporaryFolder folder = new();
        JsonElement json = Cli.Json(0, "inspect", ["inspect", Places.Model("characters.onnx"), "--precisions", "fp32,bf16,int8", .. Calibrated(folder), "--isa", "avx512"]);
        JsonElement predictions = json.GetProperty("predictions");
        JsonElement[] precisions = [.. predictions.GetProperty("precisions").EnumerateArray()];
        Assert.That(precisions.Select(p => p.GetProperty("precision").GetString()), Is.EqualTo(new[] { "fp32", "bf16", "int8" }));
        Assert.That(precisions[0].GetProperty("ratio").GetDouble(), Is.EqualTo(1));
        long[] weights = [.. precisions.Select(p => p.GetProperty("weight_bytes").GetInt64())];
        Assert.That(weights[1], Is.LessThan(weights[0] * 0.55));
        Assert.That(weights[2], Is.LessThan(weights[0] * 0.4));
        Assert.That(predictions.GetProperty("isa").GetString(), Is.EqualTo("avx512"));

        // The same on a processor of another profile, which has no dot products of bytes.
        File.WriteAllText(folder["cpu.json"], """{"cpu":{"name":"old","isa":["avx2"],"vnni":[],"caches":[],"peak_gflops":{"avx2":50},"memory_gbs":10}}""");
        (int exitCode, string output, string error) = Cli.Run(["inspect", Places.Model("characters.onnx"), "--precisions", "int8,fp32", .. Calibrated(folder), "--device-profile", folder["cpu.json"], "--json"]);
        Assert.That(exitCode, Is.Zero, error);
        JsonElement old = JsonDocument.Parse(output).RootElement.GetProperty("predictions");
        Assert.That((old.GetProperty("cpu").GetString(), old.GetProperty("isa").GetString()), Is.EqualTo(("old", "avx2")));
        JsonElement int8 = old.GetProperty("precisions")[0];
        Assert.That(int8.GetProperty("ratio").GetDouble(), Is.GreaterThan(precisions[2].GetProperty("ratio").GetDouble()));
        Assert.That(error.Contains("warning LATHE0633: int8 is predicted to be slower than fp32 on old", StringComparison.Ordinal), Is.EqualTo(int8.GetProperty("is_slower").GetBoolean()));
    }

    [TestCase("")]
    [TestCase("[]")]
    [TestCase("""{"cpu":{}}""")]
    [TestCase("""{"cpu":{"name":"x","caches":[],"peak_gflops":{"sse":1},"memory_gbs":10}}""")]
    [TestCase("""{"cpu":{"name":"x","caches":[],"peak_gflops":{"avx2":-1},"memory_gbs":10}}""")]
    [TestCase("""{"cpu":{"name":"x","caches":[],"peak_gflops":{"avx2":1e-300},"memory_gbs":10}}""")]
    [TestCase("""{"cpu":{"name":"x","caches":["a"],"peak_gflops":{"avx2":1},"memory_gbs":10}}""")]
    public void WhatIsNoProfile_IsOneError(string profile)
    {
        using TemporaryFolder folder = new();
        File.WriteAllBytes(folder["product.onnx"], TinyOnnx.Product());
        File.WriteAllText(folder["cpu.json"], profile);
        Assert.That(Cli.Fails(1, "inspect", folder["product.onnx"], "--precisions", "fp32", "--device-profile", folder["cpu.json"]), Does.Contain("error LATHE0007: option --device-profile: no profile of 'lathe devices -o'"));
    }

    [Test]
    public void Devices_WriteAProfileThatInspectReads()
    {
        using TemporaryFolder folder = new();
        File.WriteAllBytes(folder["product.onnx"], TinyOnnx.Product());
        Cli.Json(0, "devices", "devices", "-o", folder["cpu.json"]);
        JsonElement json = Cli.Json(0, "inspect", "inspect", folder["product.onnx"], "--precisions", "fp32", "--device-profile", folder["cpu.json"]);
        Assert.That(json.GetProperty("predictions").GetProperty("isa").GetString(), Is.EqualTo(Isas.Best().Name()));
    }
}
