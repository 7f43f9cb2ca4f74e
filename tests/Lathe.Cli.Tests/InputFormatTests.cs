using System.Text.Json;
using Lathe.Cli.Tensors;

namespace Lathe.Cli.Tests;

/// <summary><c>--input-format</c>, <c>--mean</c> and <c>--scale</c> from the command line to the result.</summary>
public sealed class InputFormatTests
{
    [TestCase("u8,NHWC,BGRA", new byte[] { 10, 20, 30, 9, 11, 21, 31, 9, 12, 22, 32, 9, 13, 23, 33, 9 })]
    [TestCase("u8,NHWC,BGR", new byte[] { 10, 20, 30, 11, 21, 31, 12, 22, 32, 13, 23, 33 })]
    [TestCase("u8,NHWC,RGBA", new byte[] { 30, 20, 10, 9, 31, 21, 11, 9, 32, 22, 12, 9, 33, 23, 13, 9 })]
    [TestCase("u8,NHWC,RGB,model=BGR", new byte[] { 10, 20, 30, 11, 21, 31, 12, 22, 32, 13, 23, 33 })]
    [TestCase("x:u8,RGBP", new byte[] { 30, 31, 32, 33, 20, 21, 22, 23, 10, 11, 12, 13 })]
    [TestCase("x:i8,NCHW", new byte[] { 30, 31, 32, 33, 20, 21, 22, 23, 10, 11, 12, 13 })]
    public void Image_IsReadAsItIs(string format, byte[] image)
    {
        using TemporaryFolder folder = new();
        File.WriteAllBytes(folder["tiny.onnx"], TinyOnnx.AddReluOfColours());
        File.WriteAllBytes(folder["x.bin"], image);
        JsonElement json = Cli.Json(
            0, "run", "run", folder["tiny.onnx"], "--shape", "x=1,3,2,2", "--input-format", format, "--mean", "20,22,10", "--scale", "2,1,4", "--input", $"x={folder["x.bin"]}", "--dump", folder["out"]);
        // ((x - mean) / scale) + c, of red, green and blue.
        Assert.That(DumpFolder.Read(folder["out"]).Outputs[0].Data.Span<float>().ToArray(), Is.EqualTo(new[] { 4, 4.5f, 5, 5.5f, 0, 1, 2, 3, 0, 0.25f, 0.5f, 0.75f }));
        Assert.That(json.GetProperty("ran").GetProperty("kernels").GetProperty("csharp").GetInt32(), Is.EqualTo(1), "no step converts");
    }

    [Test]
    public void Manifest_SaysHowTheMemoryLies()
    {
        using TemporaryFolder folder = new();
        File.WriteAllBytes(folder["tiny.onnx"], TinyOnnx.AddReluOfColours());
        Cli.Json(0, "compile", "compile", folder["tiny.onnx"], "-o", folder["out"], "--class", "Tiny", "--input-format", "u8,NHWC,BGRA", "--scale", "255,255,255");
        JsonElement input = JsonDocument.Parse(File.ReadAllText(folder["out/Tiny.lathe.json"])).RootElement.GetProperty("inputs")[0];
        Assert.That(input.GetProperty("type").GetString(), Is.EqualTo("uint8"));
        Assert.That(input.GetProperty("dims").EnumerateArray().Select(d => d.ToString()), Is.EqualTo(new[] { "N", "2", "2", "4" }));
        Assert.That(input.GetProperty("layout").GetString(), Is.EqualTo("NHWC"));
        Assert.That(input.GetProperty("channels").GetString(), Is.EqualTo("BGRA"));
        Assert.That(input.GetProperty("strided").EnumerateArray().Select(d => d.GetInt32()), Is.EqualTo(new[] { 0, 1 }));
        Assert.That(input.GetProperty("scale").GetArrayLength(), Is.EqualTo(3));
    }

    [TestCase("--mean 1,2", "option --mean: 2 values do not fit the channels of input 'x'")]
    [TestCase("--scale 1,2,3,4", "option --scale: 4 values do not fit")]
    [TestCase("--mean 1,2,3 --scale 1,2", "option --scale: 2 values do not fit")]
    [TestCase("--mean z:1,2,3", "option --mean: the model has no input 'z'")]
    [TestCase("--input-format z:u8", "option --input-format: the model has no input 'z'")]
    [TestCase("--input-format u8 --input-format x:NHWC", "option --input-format: input 'x' is given twice")]
    [TestCase("--input-format u8,model=RGBA", "option --input-format: a model of 3 channels does not take RGBA")]
    [TestCase("--input-format u8,RGB,model=GRAY", "option --input-format: a model of 3 channels does not take GRAY")]
    public void WhatDoesNotFit_IsOneDiagnostic(string options, string message) => AssertRefused(TinyOnnx.AddReluOfColours(), options, message);

    [TestCase("--input-format u8", "option --input-format: input 'x' is float32[N, 4], not an image of 4 dims")]
    [TestCase("--scale 1,2,3", "option --scale: input 'x' is float32[N, 4], not an image of 4 dims")]
    public void WhatIsNoImage_IsRefused(string options, string message) => AssertRefused(TinyOnnx.AddRelu(), options, message);

    [TestCase("--input-format u8", "option --input-format: input 'x' is float32[N, 2, 1, 2], which has no axis of 1, 3 or 4 channels")]
    [TestCase("--input-format RGB --mean 1,2", "option --input-format: RGB does not fit a model of 2 channels")]
    public void OtherChannels_AreRefused(string options, string message) => AssertRefused(TinyOnnx.AddReluOfImage(), options, message);

    private static void AssertRefused(byte[] model, string options, string message)
    {
        using TemporaryFolder folder = new();
        File.WriteAllBytes(folder["tiny.onnx"], model);
        string error = Cli.Fails(1, ["inspect", folder["tiny.onnx"], .. options.Split(' ')]);
        Assert.That(error, Does.Contain("error LATHE0007: " + message));
        Assert.That(error.Trim(), Does.Not.Contain('\n'));
    }
}
