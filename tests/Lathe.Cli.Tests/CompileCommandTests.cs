using System.Text.Json;
using Lathe.Compiler;
using Lathe.Compiler.Graph;
using Lathe.Runtime.Native;
using Lathe.Runtime.Plans;

namespace Lathe.Cli.Tests;

public sealed class CompileCommandTests
{
    [Test]
    public void Folder_GetsAssemblySymbolsAndManifest()
    {
        using TemporaryFolder folder = new();
        File.WriteAllBytes(folder["tiny.onnx"], TinyOnnx.AddRelu());
        JsonElement json = Cli.Json(0, "compile", "compile", folder["tiny.onnx"], "-o", folder["out"], "--class", "My.Tiny", "--emit-source", folder["src"]);
        Assert.That(folder.Files().Where(file => file.StartsWith("out")), Is.EquivalentTo(new[] { "out/My.Tiny.Lathe.dll", "out/My.Tiny.Lathe.pdb", "out/My.Tiny.lathe.json" }));
        Assert.That(folder.Files().Where(file => file.StartsWith("src") && file.EndsWith(".cs")), Is.Not.Empty);
        Assert.That(json.GetProperty("files").EnumerateArray().Select(file => file.GetString()), Is.All.Matches<string>(File.Exists));
        Assert.That(json.GetProperty("files").EnumerateArray().Last().GetString(), Is.EqualTo(folder["out/My.Tiny.lathe.json"]));
        Assert.That(json.GetProperty("weight_bytes").GetInt64(), Is.GreaterThanOrEqualTo(16));
        Assert.That(json.GetProperty("warnings").GetArrayLength(), Is.Zero);
    }

    [Test]
    public void Assembly_StandsAloneUnderAnyName()
    {
        using TemporaryFolder folder = new();
        File.WriteAllBytes(folder["tiny.onnx"], TinyOnnx.AddRelu());
        Cli.Json(0, "compile", "compile", folder["tiny.onnx"], "-o", folder["deep/any name.dll"]);
        Assert.That(folder.Files(), Is.EqualTo(new[] { "deep/any name.dll", "tiny.onnx" }));
        JsonElement json = Cli.Json(0, "run", "run", folder["deep/any name.dll"], "--shape", "x=3,4");
        Assert.That(json.GetProperty("outputs")[0].GetProperty("shape").ToString(), Is.EqualTo("[3,4]"));
    }

    [Test]
    public void SameModelTwice_GivesTheSameBytes()
    {
        using TemporaryFolder folder = new();
        File.WriteAllBytes(folder["tiny.onnx"], TinyOnnx.AddRelu());
        foreach (string name in (string[])["a", "b"]) Cli.Json(0, "compile", "compile", folder["tiny.onnx"], "-o", folder[name]);
        foreach (string file in folder.Files().Where(file => file.StartsWith("a/")))
            Assert.That(File.ReadAllBytes(folder[file]), Is.EqualTo(File.ReadAllBytes(folder["b" + file[1..]])), file);
    }

    [Test]
    public void Inputs_ListsTheModelAndItsExternalData()
    {
        using TemporaryFolder folder = new();
        File.WriteAllBytes(folder["tiny.onnx"], TinyOnnx.AddReluWithExternalBias("bias.bin"));
        File.WriteAllBytes(folder["bias.bin"], TinyOnnx.Bias.Bytes);
        Cli.Json(0, "compile", "compile", folder["tiny.onnx"], "-o", folder["out"], "--inputs", folder["list"]);
        Assert.That(File.ReadAllLines(folder["list"]), Is.EqualTo(new[] { folder["tiny.onnx"], folder["bias.bin"] }));
    }

    [Test]
    public void Inputs_OfNativeKernels_SayWhatTheyAreMadeBy()
    {
        using TemporaryFolder folder = new();
        File.WriteAllBytes(folder["tiny.onnx"], TinyOnnx.AddRelu());
        Cli.Json(0, "compile", "compile", folder["tiny.onnx"], "-o", folder["out"], "--kernels", "native", "--isa", "avx2", "--inputs", folder["list"]);
        string[] inputs = File.ReadAllLines(folder["list"]);
        Assert.That(inputs[1..], Is.All.Matches<string>(File.Exists));
        // Another version replaces the library, or comes into the loader's list; so does the first.
        Assert.That(inputs[1..].Any(path => Path.GetFileName(path).StartsWith("libLLVM", StringComparison.Ordinal)), Is.EqualTo(CompileOptions.LibLLVM is not null));
        if (File.Exists("/etc/ld.so.cache")) Assert.That(inputs, Does.Contain("/etc/ld.so.cache"));
    }

    [Test]
    public void NativeCode_AsALibrary_IsLoadedInPlaceOfWhatIsMapped()
    {
        if (CompileOptions.LibLLVM is null || !CpuFeatures.CanRun(Isa.Avx2)) Assert.Ignore("native kernels cannot be made or run here");
        using TemporaryFolder folder = new();
        File.WriteAllBytes(folder["tiny.onnx"], TinyOnnx.AddRelu());
        Cli.Json(0, "compile", "compile", folder["tiny.onnx"], "-o", folder["out"], "--native-code", "library", "--kernels", "native", "--isa", "avx2", "--class", "Tiny");
        Assert.That(folder.Files(), Does.Contain("out/Tiny.Lathe.so"));
        string assembly = folder["out/Tiny.Lathe.dll"];
        Assert.That(Cli.Json(0, "run", "run", assembly, "--shape", "x=3,4").GetProperty("ran").GetProperty("kernels").GetProperty("native").GetInt32(), Is.Positive);
        // One of another compilation is not taken, and nothing else stands in for one that is missing.
        Cli.Json(0, "compile", "compile", folder["tiny.onnx"], "-o", folder["other"], "--native-code", "library", "--kernels", "native", "--isa", "avx512", "--class", "Tiny");
        Directory.CreateDirectory(folder["moved"]);
        File.Copy(assembly, folder["moved/Tiny.Lathe.dll"]);
        foreach (bool isOther in (bool[])[false, true])
        {
            if (isOther) File.Copy(folder["other/Tiny.Lathe.so"], folder["moved/Tiny.Lathe.so"]);
            Assert.That(Cli.Fails(1, "run", folder["moved/Tiny.Lathe.dll"], "--shape", "x=3,4"), Does.Contain("error LATHE0501: ").And.Contain("Tiny.Lathe.so"));
        }
    }

    [Test]
    public void NativeCode_AsAnObjectFile_IsWrittenBesideTheAssembly_WhichHasItToo()
    {
        if (CompileOptions.LibLLVM is null || !CpuFeatures.CanRun(Isa.Avx2)) Assert.Ignore("native kernels cannot be made or run here");
        using TemporaryFolder folder = new();
        File.WriteAllBytes(folder["tiny.onnx"], TinyOnnx.AddRelu());
        Cli.Json(0, "compile", "compile", folder["tiny.onnx"], "-o", folder["out"], "--native-code", "object", "--kernels", "native", "--isa", "avx2", "--class", "Tiny");
        Assert.That(folder.Files(), Does.Contain("out/Tiny.Lathe.o"));
        Assert.That(File.ReadAllBytes(folder["out/Tiny.Lathe.o"]).AsSpan(0, 4).ToArray(), Is.EqualTo(new byte[] { 0x7F, (byte)'E', (byte)'L', (byte)'F' }));
        Assert.That(Cli.Json(0, "run", "run", folder["out/Tiny.Lathe.dll"], "--shape", "x=3,4").GetProperty("ran").GetProperty("kernels").GetProperty("native").GetInt32(), Is.Positive);
    }

    [Test]
    public void NativeCode_OfAModelWithoutNativeKernels_IsAWarning()
    {
        using TemporaryFolder folder = new();
        File.WriteAllBytes(folder["tiny.onnx"], TinyOnnx.AddRelu());
        JsonElement json = Cli.Json(0, "compile", "compile", folder["tiny.onnx"], "-o", folder["out"], "--native-code", "object");
        Assert.That(json.GetProperty("warnings")[0].GetProperty("id").GetString(), Is.EqualTo("LATHE0605"));
        Assert.That(folder.Files().Where(file => file.EndsWith(".o", StringComparison.Ordinal)), Is.Empty);
        Assert.That(Cli.Fails(2, "compile", folder["tiny.onnx"], "-o", folder["out"], "--native-code", "static"), Does.Contain("--native-code"));
    }

    [Test]
    public void ModelThatCannotBeCompiled_LeavesNothing()
    {
        using TemporaryFolder folder = new();
        File.WriteAllBytes(folder["bad.onnx"], TinyOnnx.Unsupported());
        JsonElement json = Cli.Json(1, "failure", "compile", folder["bad.onnx"], "-o", folder["out"], "--emit-source", folder["src"], "--inputs", folder["list"]);
        Assert.That(json.GetProperty("errors").EnumerateArray().Select(e => e.GetProperty("id").GetString()), Is.EqualTo(new[] { "LATHE0004", "LATHE0004" }));
        Assert.That(folder.Files(), Is.EqualTo(new[] { "bad.onnx" }));
        Assert.That(Directory.Exists(folder["out"]), Is.False);
    }

    [Test]
    public void PlaceThatCannotBeWritten_LeavesItAsItWas()
    {
        using TemporaryFolder folder = new();
        File.WriteAllBytes(folder["tiny.onnx"], TinyOnnx.AddRelu());
        Directory.CreateDirectory(folder["out/Tiny.Lathe.pdb"]);
        File.WriteAllText(folder["out/Tiny.Lathe.dll"], "old");
        Assert.That(Cli.Fails(1, "compile", folder["tiny.onnx"], "-o", folder["out"]), Does.Contain("tiny.onnx : error LATHE0603: "));
        Assert.That(folder.Files(), Is.EqualTo(new[] { "out/Tiny.Lathe.dll", "tiny.onnx" }));
        Assert.That(File.ReadAllText(folder["out/Tiny.Lathe.dll"]), Is.EqualTo("old"));
        Assert.That(Cli.Fails(1, "compile", folder["tiny.onnx"], "-o", folder["tiny.onnx"]), Does.Contain("error LATHE0603: "));
    }

    [Test]
    public void Threads_WhichAreChosenAtLoad_AreAWarning()
    {
        using TemporaryFolder folder = new();
        File.WriteAllBytes(folder["tiny.onnx"], TinyOnnx.AddRelu());
        JsonElement json = Cli.Json(0, "compile", "compile", folder["tiny.onnx"], "-o", folder["out"], "--threads", "2");
        Assert.That(json.GetProperty("warnings")[0].GetProperty("id").GetString(), Is.EqualTo("LATHE0605"));
    }

    [Test]
    public void PostprocessingAndLabels_AreCompiledIn()
    {
        using TemporaryFolder folder = new();
        File.WriteAllBytes(folder["tiny.onnx"], TinyOnnx.AddRelu());
        File.WriteAllText(folder["labels.txt"], "a\r\n\"b\"\r\nc\r\nd\r\n\r\n");
        string[] options = ["--postprocess", "topk=2", "--labels", $"y={folder["labels.txt"]}"];
        JsonElement outputs = Cli.Json(0, "run", ["run", folder["tiny.onnx"], .. options]).GetProperty("outputs");
        Assert.That(outputs.EnumerateArray().Select(o => o.GetProperty("name").GetString()), Is.EqualTo(new[] { "y", "y_indices" }));
        Cli.Json(0, "compile", ["compile", folder["tiny.onnx"], "-o", folder["out"], "--inputs", folder["inputs.txt"], .. options]);
        using JsonDocument manifest = JsonDocument.Parse(File.ReadAllText(folder["out/Tiny.lathe.json"]));
        JsonElement[] tensors = [.. manifest.RootElement.GetProperty("outputs").EnumerateArray()];
        Assert.That(tensors[0].GetProperty("labels").EnumerateArray().Select(l => l.GetString()), Is.EqualTo(new[] { "a", "\"b\"", "c", "d" }));
        Assert.That(tensors[1].TryGetProperty("labels", out _), Is.False);
        Assert.That(File.ReadAllLines(folder["inputs.txt"]), Does.Contain(folder["labels.txt"]));
    }

    [Test]
    public void InputThatIsNoImage_IsNotResized()
    {
        using TemporaryFolder folder = new();
        File.WriteAllBytes(folder["tiny.onnx"], TinyOnnx.AddReluOfImage());
        Assert.That(Cli.Fails(1, "compile", folder["tiny.onnx"], "-o", folder["out"], "--resize", "x:crop"), Does.Contain("error LATHE0007: option --resize: ").And.Contain("channels"));
    }

    [Test]
    public void LabelsThatCannotBeUsed_AreRefused()
    {
        using TemporaryFolder folder = new();
        File.WriteAllBytes(folder["tiny.onnx"], TinyOnnx.AddRelu());
        File.WriteAllText(folder["three.txt"], "a\nb\nc");
        File.WriteAllText(folder["empty.txt"], "\n");
        File.WriteAllBytes(folder["binary.txt"], [0xFF, 0xFE, 0x00]);
        foreach ((string file, string message) in (IEnumerable<(string, string)>)[("three", "3 labels"), ("empty", "no labels"), ("missing", "missing.txt"), ("binary", "--labels")])
            Assert.That(Cli.Fails(1, "compile", folder["tiny.onnx"], "-o", folder["out"], "--labels", folder[$"{file}.txt"]), Does.Contain("error LATHE0007: ").And.Contain(message));
    }

    [Test]
    public void MeanAndScale_AreFoldedIn_NegativeNumbersToo()
    {
        using TemporaryFolder folder = new();
        File.WriteAllBytes(folder["tiny.onnx"], TinyOnnx.AddReluOfImage());
        Check([1, 2, 3, 4], [0, 1, 5, 6]);

        // (x - mean) / scale, and then relu(… + c) with c = -1, 2.
        Check([1, 2, 3, 4], [0, 0.5f, 3, 3.25f], "--mean", "-1,-1", "--scale", "x:2,4");

        void Check(float[] x, float[] y, params string[] options)
        {
            TensorPb.WriteSet(folder["test_data_set_0"], [("x", TensorData.OfFloats(x, 1, 2, 1, 2))], [("y", TensorData.OfFloats(y, 1, 2, 1, 2))]);
            (int exitCode, _, string error) = Cli.Run(["verify", folder["tiny.onnx"], "--data", folder.Path, .. options]);
            Assert.That(exitCode, Is.Zero, error);
        }
    }
}
