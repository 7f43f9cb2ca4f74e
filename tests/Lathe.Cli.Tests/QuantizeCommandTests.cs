using System.Text.Json;
using Lathe.Runtime;

namespace Lathe.Cli.Tests;

/// <summary>Quantisation of the sample model: how much accuracy it costs, and what it says of bad samples.</summary>
public sealed class QuantizeCommandTests
{
    private static readonly string[] Form = ["--mean", "128", "--scale", "64", "--input-format", "u8"];

    [Test]
    public void SampleModel_LosesLessThanHalfAPoint()
    {
        using TemporaryFolder folder = new();
        Cli.Json(0, "compile", ["compile", Places.Model("characters.onnx"), "-o", folder["floats.dll"], .. Form]);
        Cli.Json(0, "compile", ["compile", Places.Model("characters.onnx"), "-o", folder["bytes.dll"], "--precision", "int8", "--calibration", Places.Model("calibration"), .. Form]);
        (double floats, _) = Accuracy(folder["floats.dll"]);
        (double bytes, RunCounts ran) = Accuracy(folder["bytes.dll"]);
        TestContext.Out.WriteLine($"fp32 {floats:P2}, int8 {bytes:P2}");
        Assert.That(floats, Is.GreaterThan(0.99), "what the model's page says");
        Assert.That(bytes, Is.GreaterThanOrEqualTo(floats - 0.005));
        // Softmax, the convolution of the image, and what stands between it and the first bytes.
        Assert.That(ran.Precisions["int8"], Is.GreaterThan(4 * ran.Precisions["fp32"]));
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
