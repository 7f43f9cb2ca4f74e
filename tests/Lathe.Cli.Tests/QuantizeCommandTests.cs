using System.Text.Json;
using Lathe.Compiler.Graph;
using Lathe.Compiler.Onnx;
using Lathe.Runtime;
using Lathe.Runtime.Plans;

namespace Lathe.Cli.Tests;

/// <summary>Quantisation of the sample model: how much accuracy it costs, and what it says of bad samples.</summary>
public sealed class QuantizeCommandTests
{
    private static readonly string[] Form = ["--mean", "128", "--scale", "64", "--input-format", "u8"];

    [Test]
    public void SampleModel_LosesLessThanHalfAPoint()
    {
        using TemporaryFolder folder = new();
        Cli.Json(0, "compile", ["compile", Places.Model("characters.onnx"), "-o", folder["floats.dll"], "--isa", Isas.Best().Name(), .. Form]);
        Cli.Json(0, "compile", ["compile", Places.Model("characters.onnx"), "-o", folder["bytes.dll"], "--precision", "int8", "--calibration", Places.Model("calibration"), "--isa", Isas.Best().Name(), .. Form]);
        (double floats, _) = Accuracy(folder["floats.dll"]);
        (double bytes, RunCounts ran) = Accuracy(folder["bytes.dll"]);
        TestContext.Out.WriteLine($"fp32 {floats:P2}, int8 {bytes:P2}");
        Assert.That(floats, Is.GreaterThan(0.99), "what the model's page says");
        Assert.That(bytes, Is.GreaterThanOrEqualTo(floats - 0.005));
        // Softmax, the convolution of the image, and what stands between it and the first bytes.
        Assert.That(ran.Precisions["int8"], Is.GreaterThan(4 * ran.Precisions["fp32"]));
    }

    [Test]
    public void File_RunsAndSaysWhatItLost()
    {
        using TemporaryFolder folder = new();
        Write(folder, "a.npy", Row(1));
        Write(folder, "b.npy", TensorData.OfFloats([.. Enumerable.Range(0, 72).Select(i => (i % 13) - 6f)], 3, 24));
        JsonElement json = Cli.Json(0, "quantize", "quantize", folder["product.onnx"], "--calibration", folder.Path, "-o", folder["q.onnx"]);
        Assert.That(json.GetProperty("samples").GetInt32(), Is.EqualTo(4), "a file of three rows is three samples");
        Assert.That(json.GetProperty("quantized").GetInt32(), Is.EqualTo(1));
        Assert.That(json.GetProperty("sqnr_db").GetDouble(), Is.GreaterThan(30));
        JsonElement ran = Cli.Json(0, "run", "run", folder["q.onnx"], "--precision", "int8").GetProperty("ran");
        Assert.That(ran.GetProperty("precisions").GetProperty("int8").GetInt32(), Is.Positive);
        Assert.That(Cli.Fails(1, "quantize", folder["q.onnx"], "--calibration", folder["a.npy"], "-o", folder["r.onnx"]), Does.Contain("error LATHE0703"));
    }

    [TestCase("mobilenetv1_0.25_128_fp32")]
    [TestCase("squeezenet1.0_fp32")]
    public void Classifier_KeepsItsFirst(string model)
    {
        string folder = Places.Shared("models", model);
        JsonElement json = Cli.Json(0, "verify", "verify", folder, "--data", folder, "--precision", "int8", "--calibration", folder, "--atol", "0.1", "--top", "1", "--isa", Isas.Best().Name());
        Assert.That(json.GetProperty("ran").GetProperty("precisions").GetProperty("int8").GetInt32(), Is.GreaterThan(4 * json.GetProperty("ran").GetProperty("precisions").GetProperty("fp32").GetInt32()));
    }

    [Test]
    public void Compilation_IsKeptAsLongAsTheSamplesAreTheSame()
    {
        using TemporaryFolder folder = new();
        Write(folder, "calib/a.npy", Row(1));
        string[] run = ["run", folder["product.onnx"], "--precision", "int8", "--calibration", folder["calib"], "--verbose"];
        Assert.That(Quantises(), Is.True);
        Assert.That(Quantises(), Is.False);
        Write(folder, "calib/a.npy", Row(2));
        Assert.That(Quantises(), Is.True);
        Write(folder, "calib/b.npy", Row(1));
        Assert.That(Quantises(), Is.True);
        Assert.That(Quantises("--calibrator", "entropy"), Is.True);
        Assert.That(Quantises("--bias-correction", "off"), Is.True);
        Assert.That(Quantises("--min-sqnr", "3"), Is.True);

        bool Quantises(params string[] more)
        {
            (int exitCode, _, string error) = Cli.Run([.. run, .. more]);
            Assert.That(exitCode, Is.Zero, error);
            return error.Contains("quantising", StringComparison.Ordinal);
        }
    }

    [Test]
    public void Inputs_ListsTheSamples()
    {
        using TemporaryFolder folder = new();
        Write(folder, "calib/a.npy", Row(1));
        Cli.Json(0, "compile", "compile", folder["product.onnx"], "-o", folder["out"], "--precision", "int8", "--calibration", folder["calib/*.npy"], "--inputs", folder["list"]);
        // A model of bytes has native kernels: behind these stands what they are made by.
        Assert.That(File.ReadAllLines(folder["list"]).Where(path => path.StartsWith(folder[""], StringComparison.Ordinal)), Is.EqualTo(new[] { folder["product.onnx"], folder["calib/a.npy"] }));
    }

    [Test]
    public void Int8WithoutSamples_IsOneError()
    {
        using TemporaryFolder folder = new();
        File.WriteAllBytes(folder["product.onnx"], TinyOnnx.Product());
        foreach (string command in (string[])["run", "inspect", "bench"])
            Assert.That(Cli.Fails(1, command, folder["product.onnx"], "--precision", "int8").Split("LATHE"), Has.Length.EqualTo(2).And.Some.StartsWith("0706"), command);
        Assert.That(Cli.Fails(2, "run", folder["product.onnx"], "--calibration", folder.Path), Does.Contain("--precision int8"));
        Assert.That(Cli.Fails(2, "quantize", folder["product.onnx"], "-o", folder["q.onnx"]), Does.Contain("--calibration"));
        Assert.That(Cli.Fails(2, "run", "product.dll", "--precision", "int8"), Does.Contain("compiled already"));
    }

    private static IEnumerable<TestCaseData> BadSamples()
    {
        yield return Case("missing", _ => { }, "no such file or folder", "nowhere");
        yield return Case("nothing in the folder", f => File.WriteAllText(f["calib/notes.txt"], "x"), "has no .npy, .pb or .bin");
        yield return Case("nothing matches", f => File.WriteAllText(f["calib/notes.txt"], "x"), "matches", "calib/*.npy");
        yield return Case("no array", f => File.WriteAllText(f["calib/a.npy"], "x"), "a.npy");
        yield return Case("empty file", f => File.WriteAllText(f["calib/a.npy"], ""), "a.npy");
        yield return Case("empty tensor", f => NumpyFile.Write(f["calib/a.npy"], TensorData.OfFloats([], 0, 24)), "shape");
        yield return Case("another shape", f => NumpyFile.Write(f["calib/a.npy"], TensorData.OfFloats(new float[25], 1, 25)), "[1,25]");
        yield return Case("another rank", f => NumpyFile.Write(f["calib/a.npy"], TensorData.OfFloats(new float[24], 24)), "[24]");
        yield return Case("another type", f => NumpyFile.Write(f["calib/a.npy"], TensorData.Zeros(ElementType.UInt8, 1, 24)), "uint8");
        yield return Case("raw of another length", f => File.WriteAllBytes(f["calib/a.bin"], new byte[97]), "97 bytes");
        yield return Case("no number", f => NumpyFile.Write(f["calib/a.npy"], TensorData.OfFloats([.. Enumerable.Repeat(float.NaN, 24)], 1, 24)), "NaN");
        yield return Case("infinite", f => NumpyFile.Write(f["calib/a.npy"], TensorData.OfFloats([.. Enumerable.Repeat(float.NegativeInfinity, 24)], 1, 24)), "Infinity");
        yield return Case("several inputs", f => { File.WriteAllBytes(f["calib/input_0.pb"], TensorPb.Of("x", Row(1))); File.WriteAllBytes(f["calib/input_1.pb"], TensorPb.Of("x", Row(1))); }, "it has 2 inputs, the model 1");
    }

    [TestCaseSource(nameof(BadSamples))]
    public void BadSample_IsOneErrorThatNamesIt(Delegate write, string expected, string place)
    {
        using TemporaryFolder folder = new();
        File.WriteAllBytes(folder["product.onnx"], TinyOnnx.Product());
        Directory.CreateDirectory(folder["calib"]);
        ((Action<TemporaryFolder>)write)(folder);
        string error = Cli.Fails(1, "quantize", folder["product.onnx"], "--calibration", folder[place], "-o", folder["q.onnx"]);
        Assert.That(error, Does.Contain("error LATHE0701: calibration '" + folder.Path).And.Contain(expected));
        Assert.That(error.Split("LATHE07"), Has.Length.EqualTo(2), error);
        Assert.That(File.Exists(folder["q.onnx"]), Is.False);
    }

    [Test]
    public void Samples_OfManyForms()
    {
        using TemporaryFolder folder = new();
        Write(folder, "calib/first/unused.txt", Row(1));
        File.WriteAllBytes(folder["calib/first/input_0.pb"], TensorPb.Of("x", Row(1)));
        File.WriteAllBytes(folder["calib/first/output_0.pb"], TensorPb.Of("y", Row(2)));
        File.WriteAllBytes(folder["calib/raw.bin"], [.. Row(1).Bytes, .. Row(2).Bytes]);
        JsonElement json = Cli.Json(0, "quantize", "quantize", folder["product.onnx"], "--calibration", folder["calib"], "-o", folder["q.onnx"]);
        Assert.That(json.GetProperty("samples").GetInt32(), Is.EqualTo(3));
    }

    private static TestCaseData Case(string name, Action<TemporaryFolder> write, string expected, string place = "calib") => new TestCaseData(write, expected, place).SetArgDisplayNames(name);

    private static TensorData Row(int step) => TensorData.OfFloats([.. Enumerable.Range(0, 24).Select(i => (i * step % 11) - 5f)], 1, 24);

    /// <summary>Writes a sample, and the model beside it.</summary>
    private static void Write(TemporaryFolder folder, string name, TensorData data)
    {
        File.WriteAllBytes(folder["product.onnx"], TinyOnnx.Product());
        Directory.CreateDirectory(Path.GetDirectoryName(folder[name])!);
        NumpyFile.Write(folder[name], data);
    }

    private static (double Accuracy, RunCounts Ran) Accuracy(string assembly)
    {
        const int Batch = 252;
        byte[] images = File.ReadAllBytes(Places.Model("testset/images.bin")), labels = File.ReadAllBytes(Places.Model("testset/labels.bin"));
        int size = images.Length / labels.Length, right = 0;
        using CompiledModel model = CompiledModel.Load(assembly, new LatheOptions { Unloadable = true });
        using InferRequest request = model.CreateRequest(new Dictionary<string, long> { [model.Info.Symbols[0].Name] = Batch });
        Assert.That(labels.Length % Batch, Is.Zero);
        for (int first = 0; first < labels.Length; first += Batch)
        {
            images.AsSpan(first * size, Batch * size).CopyTo(request.InputBytes(0));
            request.Infer();
            ReadOnlySpan<float> outputs = System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(request.OutputBytes(0));
            int classes = outputs.Length / Batch;
            for (int i = 0; i < Batch; i++)
            {
                ReadOnlySpan<float> row = outputs.Slice(i * classes, classes);
                int largest = 0;
                for (int c = 1; c < classes; c++) largest = row[c] > row[largest] ? c : largest;
                if (largest == labels[first + i]) right++;
            }
        }

        return ((double)right / labels.Length, request.Ran);
    }
}
