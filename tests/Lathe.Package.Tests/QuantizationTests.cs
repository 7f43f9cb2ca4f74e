using System.Runtime.InteropServices;

namespace Lathe.Package.Tests;

/// <summary>A model that is quantised in the build, with samples as files of the project.</summary>
public sealed class QuantizationTests
{
    private const string Item =
        """<OnnxModel Include="characters.onnx" Class="MyApp.Recognizer" Mean="128" Scale="64" Precision="int8" Calibration="calib/**/*.bin" />""";

    [Test]
    public void Samples_AreInputsOfTheBuild()
    {
        Consumer app = new Consumer("quantization").WithCharacters().Project(Item).Write("Program.cs", Programs.Reads);
        BuildResult without = app.TryBuild();
        Assert.That(without.ExitCode, Is.Not.Zero);
        Assert.That(without.Problems.Single(), Does.Contain("error LATHE0701"));

        Sample(app, "calib/A.bin", turned: false);
        Assert.That(app.Build().Compiled, Has.Count.EqualTo(1));
        Assert.That(app.Run(), Does.StartWith("A "));
        string manifest = Directory.GetFiles(app["obj/lathe"], "MyApp.Recognizer.lathe.json", SearchOption.AllDirectories).Single();
        Assert.That(File.ReadAllText(manifest), Does.Match("\"precision\": *\"int8\""));

        Assert.That(app.Build().Compiled, Is.Empty);
        Sample(app, "calib/more/A.bin", turned: true);
        Assert.That(app.Build().Compiled, Has.Count.EqualTo(1), "a sample more");
        File.Delete(app["calib/A.bin"]);
        Assert.That(app.Build().Compiled, Has.Count.EqualTo(1), "a sample less");
        Assert.That(app.Build().Compiled, Is.Empty);
    }

    /// <summary>Writes the image's pixels as the model takes them: floats, without a header.</summary>
    private static void Sample(Consumer app, string path, bool turned)
    {
        float[] pixels = [.. File.ReadAllBytes(app["A.pgm"])[^1024..].Select(p => (float)p)];
        if (turned) Array.Reverse(pixels);
        Directory.CreateDirectory(Path.GetDirectoryName(app[path])!);
        File.WriteAllBytes(app[path], MemoryMarshal.AsBytes(pixels.AsSpan()).ToArray());
    }
}
