using System.Globalization;
using System.Text.Json;
using System.Xml.Linq;
using Lathe.Tests;

namespace Lathe.Cli.Tests;

/// <summary>The sample model in lower precisions.</summary>
public sealed class AccuracyCommandTests
{
    private static readonly string[] Images = ["--mean", "128", "--scale", "64", "--input-format", "u8,NCHW,GRAY"];

    /// <summary>A tenth of a point, of 2016 labelled images.</summary>
    [TestCase("fp16")]
    [TestCase("bf16")]
    public void SampleModel_LosesLessThanATenthOfAPoint(string precision)
    {
        JsonElement json = Cli.Json(
            0, "accuracy", ["accuracy", Places.Model("characters.onnx"), .. Images, "--data", Places.Model("testset/images.bin"), "--labels", Places.Model("testset/labels.bin"), "--precision", precision]);
        Assert.That(json.GetProperty("samples").GetInt32(), Is.EqualTo(2016));
        JsonElement output = json.GetProperty("outputs")[0];
        double fp32 = output.GetProperty("reference_top1").GetDouble();
        // One error in 2016, says the model's own page.
        Assert.That(fp32, Is.EqualTo(2015.0 / 2016).Within(1e-9));
        Assert.That(output.GetProperty("top1").GetDouble(), Is.EqualTo(fp32).Within(0.001));
        Assert.That(output.GetProperty("top1_agreement").GetDouble(), Is.GreaterThanOrEqualTo(0.999));
        Assert.That(output.GetProperty("sqnr_db").GetDouble(), Is.GreaterThan(precision == "fp16" ? 50 : 30).And.LessThan(120), "weights are rounded");
        Assert.That(json.GetProperty("ran").GetProperty("precisions").TryGetProperty(precision, out _));
    }

    [Test]
    public void Layers_AreRankedAndDrawn()
    {
        using TemporaryFolder folder = new();
        string plot = Path.Combine(folder.Path, "plot.svg");
        JsonElement json = Cli.Json(
            0, "accuracy", ["accuracy", Places.Model("characters.onnx"), "--data", Places.Model(""), "--precision", "bf16", "--plot", plot]);
        JsonElement[] layers = [.. json.GetProperty("layers").EnumerateArray()];
        Assert.That(layers, Has.Length.EqualTo(13), "12 convolutions and a product");
        // A first layer of few weights stays in fp32: no error at all, which JSON has no number for.
        double[] ratios = [.. layers.Select(l => l.GetProperty("sqnr_db") is { ValueKind: JsonValueKind.Number } ratio ? ratio.GetDouble() : double.PositiveInfinity)];
        Assert.That(ratios, Is.Ordered);
        Assert.That(layers[^1].GetProperty("max_error").GetDouble(), Is.Zero);
        Assert.That(layers.Select(l => l.GetProperty("position").GetInt32()).Order(), Is.EqualTo(Enumerable.Range(0, 13)));
        XElement svg = XDocument.Load(plot).Root!;
        XNamespace ns = svg.GetDefaultNamespace();
        Assert.That(svg.Elements(ns + "rect").Count(), Is.EqualTo(1 + 13 + 1), "the ground, the layers, the output");
        Assert.That(File.ReadAllText(plot), Does.Contain(">" + ratios[0].ToString("F1", CultureInfo.InvariantCulture) + "<"));
    }

    [Test]
    public void SamePrecision_IsEqual()
    {
        JsonElement json = Cli.Json(0, "accuracy", "accuracy", Places.Model("characters.onnx"), "--data", Places.Model(""));
        Assert.That(json.GetProperty("outputs")[0].GetProperty("is_equal").GetBoolean());
        Assert.That(json.GetProperty("outputs")[0].GetProperty("top1_agreement").GetDouble(), Is.EqualTo(1));
    }

    [Test]
    public void Against_AnotherModel_ComparesOutputs()
    {
        using TemporaryFolder folder = new();
        File.WriteAllBytes(Path.Combine(folder.Path, "a.onnx"), TinyOnnx.AddRelu());
        File.WriteAllBytes(Path.Combine(folder.Path, "b.onnx"), TinyOnnx.Product());
        string[] data = ["--data", Path.Combine(folder.Path, "x.npy")];
        WriteNpy(data[1], [1, 2, 3, 4], 1, 4);
        JsonElement json = Cli.Json(0, "accuracy", ["accuracy", Path.Combine(folder.Path, "a.onnx"), "--against", Path.Combine(folder.Path, "a.onnx"), .. data]);
        Assert.That(json.GetProperty("layers").GetArrayLength(), Is.Zero);
        Assert.That(json.GetProperty("outputs")[0].GetProperty("is_equal").GetBoolean());
        Assert.That(Cli.Fails(1, ["accuracy", Path.Combine(folder.Path, "a.onnx"), "--against", Path.Combine(folder.Path, "b.onnx"), .. data]), Does.Contain("error LATHE0602"));
    }

    [Test]
    public void Bytes_AreComparedWithFloats()
    {
        using TemporaryFolder folder = new();
        string[] lowered = ["--precision", "int8", "--calibration", Places.Model("calibration"), "--mean", "128", "--scale", "64", "--input-format", "u8"];
        string[] data = ["--data", Places.Model("calibration")];
        JsonElement json = Cli.Json(0, "accuracy", ["accuracy", Places.Model("characters.onnx"), .. lowered, .. data]);
        Assert.That(json.GetProperty("precision").GetString(), Is.EqualTo("int8"));
        Assert.That(json.GetProperty("outputs")[0].GetProperty("sqnr_db").GetDouble(), Is.GreaterThan(20).And.LessThan(80));
        Assert.That(json.GetProperty("layers").EnumerateArray().Count(l => l.GetProperty("max_error").GetDouble() > 0), Is.GreaterThan(5));
        string error = Cli.Fails(1, ["compile", Places.Model("characters.onnx"), "-o", folder["out"], .. lowered, "--accuracy-budget", "300dB", "--accuracy-data", Places.Model("calibration")]);
        Assert.That(error, Does.Contain("error LATHE0620: the accuracy budget of 300dB is exceeded: in int8").And.Match("largest errors are '"));
        Assert.That(Directory.Exists(folder["out"]), Is.False);
    }

    [Test]
    public void QuantisedModel_NeedsAnotherToBeComparedWith()
    {
        using TemporaryFolder folder = new();
        File.WriteAllBytes(folder["floats.onnx"], TinyOnnx.Product());
        WriteNpy(folder["x.npy"], [.. Enumerable.Range(0, 24).Select(i => (i * 5 % 11) - 5f)], 1, 24);
        Cli.Json(0, "quantize", "quantize", folder["floats.onnx"], "--calibration", folder["x.npy"], "-o", folder["bytes.onnx"]);
        Assert.That(Cli.Fails(1, "accuracy", folder["bytes.onnx"], "--data", folder["x.npy"]), Does.Contain("error LATHE0622"));
        JsonElement json = Cli.Json(0, "accuracy", "accuracy", folder["bytes.onnx"], "--against", folder["floats.onnx"], "--data", folder["x.npy"]);
        Assert.That(json.GetProperty("precision").GetString(), Does.Contain("int8"));
        Assert.That(json.GetProperty("outputs")[0].GetProperty("sqnr_db").GetDouble(), Is.GreaterThan(20).And.LessThan(100));
    }

    [Test]
    public void Bench_Precisions_AreMeasuredAndCompared()
    {
        JsonElement json = Cli.Json(0, "bench-precisions", "bench", Places.Model("characters.onnx"), "--precisions", "fp32,bf16,fp16", "-niter", "3", "--precompile", "off");
        JsonElement[] precisions = [.. json.GetProperty("precisions").EnumerateArray()];
        Assert.That(precisions.Select(p => p.GetProperty("precision").GetString()), Is.EqualTo(new[] { "fp32", "bf16", "fp16" }));
        double[] ratios = [.. precisions.Select(p => p.GetProperty("outputs")[0].GetProperty("sqnr_db") is { ValueKind: JsonValueKind.Number } ratio ? ratio.GetDouble() : double.PositiveInfinity)];
        Assert.That((ratios[0], ratios[1] < ratios[2]), Is.EqualTo((double.PositiveInfinity, true)), "float16 has more digits than bfloat16");
        long[] weights = [.. precisions.Select(p => p.GetProperty("weight_bytes").GetInt64())];
        Assert.That(weights[1], Is.EqualTo(weights[2]).And.LessThan(weights[0] * 0.55));
        Assert.That(precisions.All(p => p.GetProperty("median_ms").GetDouble() > 0));
    }

    [TestCase("500dB", 1, "error LATHE0620: the accuracy budget of 500dB is exceeded: in bf16, over 5 samples, output 'probabilities' has ")]
    [TestCase("500dB,warn", 0, "warning LATHE0621: ")]
    [TestCase("0.5", 0, null)]
    public void Budget_OfACompilation_IsKeptOrExplained(string budget, int exitCode, string? says)
    {
        using TemporaryFolder folder = new();
        string output = Path.Combine(folder.Path, "out"), list = Path.Combine(folder.Path, "list.txt");
        // Five images in one file are five samples.
        string data = Path.Combine(folder.Path, "images.bin");
        File.WriteAllBytes(data, File.ReadAllBytes(Places.Model("testset/images.bin"))[..(5 * 1024)]);
        (int actual, _, string error) = Cli.Run(
            ["compile", Places.Model("characters.onnx"), "-o", output, .. Images, "--precision", "bf16", "--inputs", list, "--accuracy-budget", budget, "--accuracy-data", data]);
        Assert.That(actual, Is.EqualTo(exitCode), error);
        Assert.That(Directory.Exists(output), Is.EqualTo(exitCode == 0), "nothing is written where the budget is exceeded");
        if (says is null) Assert.That(error, Is.Empty);
        else Assert.That(error, Does.Contain(says).And.Match("largest errors are '[^']+' \\([0-9.]+ dB\\), '"));
        if (exitCode == 0) Assert.That(File.ReadAllLines(list), Does.Contain(data), "a build runs again when samples change");
    }

    [TestCase("accuracy a.onnx")]
    [TestCase("accuracy a.onnx --data d --layers 1.5")]
    [TestCase("accuracy a.onnx --data d --accuracy-budget much")]
    [TestCase("accuracy a.onnx --data d --accuracy-budget -1")]
    [TestCase("accuracy a.onnx --data d --against b.onnx --layers 3")]
    [TestCase("accuracy a.dll --data d")]
    [TestCase("bench a.onnx --precisions fp32,int9")]
    [TestCase("bench a.onnx --precisions fp32,fp32")]
    [TestCase("bench a.onnx --precisions fp32,bf16 -pc")]
    [TestCase("bench a.onnx --precisions fp32,bf16 --precision fp16")]
    [TestCase("bench a.dll --precisions fp32,bf16")]
    [TestCase("compile a.onnx -o d --accuracy-budget 1")]
    [TestCase("compile a.onnx -o d --accuracy-data d")]
    public void WrongUsage_IsSaid(string line) => Assert.That(Cli.Fails(2, line.Split(' ')), Does.StartWith("lathe : error LATHE0601: "));

    [Test]
    public void WrongData_IsOneDiagnostic()
    {
        using TemporaryFolder folder = new();
        string model = Places.Model("characters.onnx"), labels = Path.Combine(folder.Path, "labels.txt"), images = Path.Combine(folder.Path, "images.bin");
        Assert.That(Cli.Fails(1, "accuracy", model, "--data", folder.Path), Does.Contain("error LATHE0604"));
        Assert.That(Cli.Fails(1, "accuracy", model, "--data", Path.Combine(folder.Path, "none")), Does.Contain("error LATHE0604"));
        File.WriteAllBytes(images, new byte[1000]);
        Assert.That(Cli.Fails(1, ["accuracy", model, "--data", images]), Does.Contain("error LATHE0604"));
        File.WriteAllBytes(images, new byte[2048]);
        File.WriteAllText(labels, "1\nA\n");
        Assert.That(Cli.Fails(1, ["accuracy", model, .. Images, "--data", images, "--labels", labels]), Does.Contain("error LATHE0007: option --labels: line 2"));
        File.WriteAllText(labels, "1\n");
        Assert.That(Cli.Fails(1, ["accuracy", model, .. Images, "--data", images, "--labels", labels]), Does.Contain("there are 1 labels and 2 items"));
    }

    private static void WriteNpy(string path, float[] values, params int[] dims)
    {
        string header = $"{{'descr': '<f4', 'fortran_order': False, 'shape': ({string.Join(", ", dims)}), }}";
        header = header.PadRight(117) + "\n";
        byte[] bytes = new byte[values.Length * sizeof(float)];
        Buffer.BlockCopy(values, 0, bytes, 0, bytes.Length);
        File.WriteAllBytes(path, [0x93, .. "NUMPY"u8, 1, 0, (byte)header.Length, 0, .. header.Select(c => (byte)c), .. bytes]);
    }
}
