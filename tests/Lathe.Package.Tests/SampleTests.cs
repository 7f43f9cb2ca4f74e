using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace Lathe.Package.Tests;

/// <summary>The samples beside the demo, as a user builds them.</summary>
public sealed class SampleTests
{
    [Test]
    public void Buffers_ReadsTheCharactersInTheMemoryOfOthers()
    {
        Consumer app = Copy("Buffers", "model", "Characters/GrayMap.cs");
        string[] lines = Build(app, "Buffers").Split('\n', StringSplitOptions.TrimEntries)[1..];
        Assert.That(lines, Has.Length.EqualTo(8));
        foreach (string line in lines)
        {
            string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            Assert.That(words[1], Is.EqualTo(words[0].Split('-')[0]), line);
            Assert.That(words[4..], Is.EqualTo(words[1..4]), line);
        }
    }

    [Test]
    public void Detector_FindsWhatIsOnAPhotograph()
    {
        string model = Places.Shared("models", "yolox_nano", "model.onnx");
        Consumer app = Copy("Detector");

        // The model's test input is a photograph: planes of blue, green and red. The upper 300 of its rows are the image.
        float[] photograph = MemoryMarshal.Cast<byte, float>(File.ReadAllBytes(Places.Shared("models", "yolox_nano", "test_data_set_0", "input_0.pb")).AsSpan()[^(3 * 416 * 416 * 4)..]).ToArray();
        byte[] pixels = [.. Enumerable.Range(0, 300 * 416 * 3).Select(i => (byte)photograph[((2 - (i % 3)) * 416 * 416) + (i / 3)])];
        File.WriteAllBytes(app["image.ppm"], [.. Encoding.ASCII.GetBytes("P6\n416 300\n255\n"), .. pixels]);

        string[] lines = Build(app, "Detector", [$"-p:Model={model}"], app["image.ppm"]).Split('\n', StringSplitOptions.TrimEntries);
        Assert.That(lines[0], Does.StartWith("class "));
        foreach (string line in lines)
        {
            double[] box = [.. line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^4..].Select(word => double.Parse(word, CultureInfo.InvariantCulture))];
            Assert.That(box[0] >= 0 && box[1] >= 0 && box[2] > box[0] && box[3] > box[1] && box[2] <= 416 && box[3] <= 300, line);
        }
    }

    [Test]
    public void Detector_WithoutAModel_SaysHowToGiveOne() =>
        Assert.That(Copy("Detector").Dotnet("build", "Detector").Output, Does.Contain("-p:Model="));

    /// <summary>Copies parts of the samples, but for the settings that they have inside of the repository.</summary>
    private static Consumer Copy(params string[] parts)
    {
        Consumer app = new("sample");
        string samples = Path.Combine(Places.Root, "samples");
        foreach (string part in parts)
        {
            string from = Path.Combine(samples, part);
            foreach (string file in File.Exists(from) ? [from] : Directory.GetFiles(from, "*", SearchOption.AllDirectories))
            {
                string relative = Path.GetRelativePath(samples, file);
                if (relative.Split('/', '\\') is [.., "obj" or "bin", _] || Path.GetFileName(file) is "nuget.config" or "Directory.Build.props" or "Directory.Build.targets" or "Directory.Packages.props") continue;
                Directory.CreateDirectory(Path.GetDirectoryName(app[relative])!);
                File.Copy(file, app[relative], overwrite: true);
            }
        }

        return app;
    }

    private static string Build(Consumer app, string project, string[]? options = null, params string[] arguments)
    {
        BuildResult result = app.Dotnet(["build", project, "-o", app["out"], "-nodeReuse:false", .. options ?? []]);
        Assert.That(result.ExitCode, Is.Zero, result.Output);
        Assert.That(result.Problems, Is.Empty, result.Output);
        return app.Execute("dotnet", [app[$"out/{project}.dll"], .. arguments]);
    }
}
