using System.Text.Json;
using Lathe.Compiler.Graph;
using Lathe.Runtime.Plans;

namespace Lathe.Cli.Tests;

/// <summary>Commands from the ONNX file to their result.</summary>
public sealed class ModelCommandTests
{
    private TemporaryFolder _folder = new();

    private string Model => _folder["tiny.onnx"];

    [SetUp]
    public void Write()
    {
        _folder = new TemporaryFolder();
        File.WriteAllBytes(Model, TinyOnnx.AddRelu());
        TensorPb.WriteSet(
            _folder["test_data_set_0"],
            [("x", TensorData.OfFloats([0, 0, 0, 0, 2, -1, -1, -3], 2, 4))],
            [("y", TensorData.OfFloats([0, 0, 1, 2, 1, 0, 0, 0], 2, 4))]);
    }

    [TearDown]
    public void Remove() => _folder.Dispose();

    [Test]
    public void Run_ANamedDim_IsOneUnlessGiven()
    {
        Assert.That(Cli.Json(0, "run", "run", Model).GetProperty("outputs")[0].GetProperty("shape").ToString(), Is.EqualTo("[1,4]"));
        Assert.That(Cli.Json(0, "run", "run", Model, "--shape", "x=5,4").GetProperty("outputs")[0].GetProperty("shape").ToString(), Is.EqualTo("[5,4]"));
        Assert.That(Cli.Json(0, "run", "run", Model, "--shape", "x=B=2..8,4").GetProperty("outputs")[0].GetProperty("shape").ToString(), Is.EqualTo("[2,4]"));
    }

    [Test]
    public void Verify_ModelOrFolder_Passes([Values] bool folder)
    {
        JsonElement json = Cli.Json(0, "verify", "verify", folder ? MakeModelFolder() : Model, "--data", _folder.Path);
        Assert.That(json.GetProperty("passed").GetInt32(), Is.EqualTo(1));
        Assert.That(json.GetProperty("outputs")[0].GetProperty("max_abs").GetDouble(), Is.Zero);
    }

    [Test]
    public void Verify_NativeKernels_PassesAndCountsThem([Values("csharp", "native", "auto")] string kernels)
    {
        (int exitCode, string output, string error) = Cli.Run("verify", Model, "--data", _folder.Path, "--json", "--kernels", kernels);
        Assert.That(exitCode, Is.Zero, error);
        Assume.That(error, Does.Not.Contain("LATHE0301"), "no libLLVM is installed");
        JsonElement ran = JsonDocument.Parse(output).RootElement.GetProperty("ran").GetProperty("kernels");
        Assert.That(ran.GetProperty(kernels == "native" ? "native" : "csharp").GetInt32(), Is.Positive, error);
        Assert.That(ran.GetProperty(kernels == "native" ? "csharp" : "native").GetInt32(), Is.Zero, error);
    }

    [Test]
    public void Verify_EveryInstructionSetAndThreadCount_Passes([Values("avx512", "avx2", "vector128")] string isa, [Values("1", "2")] string threads)
    {
        string? before = Environment.GetEnvironmentVariable("LATHE_ISA");
        try
        {
            Environment.SetEnvironmentVariable("LATHE_ISA", isa);
            (int exitCode, string output, string error) = Cli.Run("verify", Model, "--data", _folder.Path, "--json", "--threads", threads);
            Assume.That(error, Does.Not.Contain("LATHE0505"), "this machine does not have it");
            Assert.That(exitCode, Is.Zero, error);
            Assert.That(JsonDocument.Parse(output).RootElement.GetProperty("ran").GetProperty("isa").GetString(), Is.EqualTo(isa));
        }
        finally
        {
            Environment.SetEnvironmentVariable("LATHE_ISA", before);
        }
    }

    [Test]
    public void Emulate_RunsAvx512InSoftwareAndSaysSo()
    {
        Assume.That(Isa.Avx2.IsAvailable(), "emulated kernels need AVX2");
        JsonElement verified = Cli.Json(0, "verify", "verify", Model, "--data", _folder.Path, "--isa", "avx512", "--emulate");
        Assert.That(verified.GetProperty("passed").GetInt32(), Is.EqualTo(1));
        JsonElement ran = verified.GetProperty("ran");
        Assert.That(ran.GetProperty("isa").GetString(), Is.EqualTo("avx2"), "what the kernels needed");
        Assert.That(ran.GetProperty("fallbacks")[0].GetProperty("reason").GetString(), Does.Contain("avx512 kernels run in software"));
        Assert.That(Cli.Run("run", Model, "--isa", "avx512", "--emulate").Error, Does.Contain("warning LATHE0614: "));
        Directory.Move(_folder["test_data_set_0"], Path.Combine(MakeModelFolder(), "test_data_set_0"));
        (int exitCode, string output, string error) = Cli.Run("conformance", _folder.Path, "--isa", "avx512", "--emulate", "--jobs", "1");
        Assert.That(exitCode, Is.Zero);
        Assert.That(error, Does.Contain("warning LATHE0614: "));
        Assert.That(output, Does.Contain("1 passed, 0 failed"));
    }

    [Test]
    public void Bench_CompilesOnceIntoTheCache()
    {
        JsonElement first = Cli.Json(0, "bench", "bench", Model, "-niter", "1"), again = Cli.Json(0, "bench", "bench", Model, "-niter", "1");
        Assert.That(first.GetProperty("compile_ms").GetDouble(), Is.Positive);
        Assert.That(again.GetProperty("compile_ms").GetDouble(), Is.EqualTo(first.GetProperty("compile_ms").GetDouble()), "what the first compilation took");
        JsonElement other = Cli.Json(0, "bench", "bench", Model, "-niter", "1", "--isa", "vector128");
        Assert.That(other.GetProperty("ran").GetProperty("isa").GetString(), Is.EqualTo("vector128"));
    }

    [Test]
    public void Bench_Batch_IsTheFirstDim()
    {
        JsonElement json = Cli.Json(0, "bench", "bench", Model, "-niter", "1", "-b", "7", "-pc");
        Assert.That(json.GetProperty("batch").GetInt32(), Is.EqualTo(7));
        Assert.That(json.GetProperty("layers").GetArrayLength(), Is.Positive);
    }

    [Test]
    public void Inspect_ShowsGroupsAndSizes()
    {
        JsonElement json = Cli.Json(0, "inspect", "inspect", Model);
        Assert.That(json.GetProperty("parameters").GetInt64(), Is.EqualTo(4));
        Assert.That(json.GetProperty("groups").GetArrayLength(), Is.EqualTo(1), "add and relu are one group");
        Assert.That(json.GetProperty("groups")[0].GetProperty("op").GetString(), Does.Contain("Add").And.Contain("Relu"));
        Assert.That(json.GetProperty("subgraphs")[0].GetProperty("device").GetString(), Is.EqualTo("CPU"));
        Assert.That(json.GetProperty("unsupported").GetArrayLength(), Is.Zero);
    }

    [Test]
    public void Inspect_ListsEveryUnsupportedNode()
    {
        File.WriteAllBytes(Model, TinyOnnx.Unsupported());
        JsonElement json = Cli.Json(1, "inspect", "inspect", Model);
        Assert.That(
            json.GetProperty("unsupported").EnumerateArray().Select(u => (u.GetProperty("node").GetString(), u.GetProperty("op").GetString())),
            Is.EqualTo(new[] { ("first\nnode", "Frobnicate"), ("Frobnicate_b", "Frobnicate"), ("last", "Unheard") }));
        Assert.That(json.GetProperty("macs").ValueKind, Is.EqualTo(JsonValueKind.Null));
    }

    [Test]
    public void DumpAfter_WritesTheGraph_EvenIfTheModelIsInTheCache()
    {
        Cli.Json(0, "run", "run", Model);
        (int exitCode, _, string error) = Cli.Run("run", Model, "--dump-after", "FoldConstants");
        Assert.That(exitCode, Is.Zero, error);
        Assert.That(error, Does.Contain("// after FoldConstants\n"));
    }

    [Test]
    public void FileThatIsNoModel_IsOneDiagnostic([Values("run", "inspect", "bench", "compile", "verify")] string command)
    {
        foreach (byte[] content in (byte[][])[[], [0xFF, 0xFE, 0xFD], [.. File.ReadAllBytes(Model).Take(60)]])
        {
            File.WriteAllBytes(_folder["bad.onnx"], content);
            string[] more = command switch { "compile" => ["-o", _folder["out"]], "verify" => ["--data", _folder.Path], _ => [] };
            Assert.That(Cli.Fails(1, [command, _folder["bad.onnx"], .. more]).Trim(), Does.Match(@"^\S*bad\.onnx : error LATHE(?!0000)\d{4}: [^\n]+$"));
            Assert.That(Directory.Exists(_folder["out"]), Is.False);
        }
    }

    [Test]
    public void MissingModel_IsOneDiagnostic([Values("run", "inspect", "bench", "compile", "verify")] string command)
    {
        string[] more = command switch { "compile" => ["-o", _folder["out"]], "verify" => ["--data", _folder.Path], _ => [] };
        Assert.That(Cli.Fails(1, [command, _folder["missing.onnx"], .. more]).Trim(), Does.Match(@"^\S*missing\.onnx : error LATHE0001: [^\n]+$"));
    }

    [Test]
    public void ShapeOfAnInputThatIsNotThere_IsOneDiagnostic() =>
        Assert.That(Cli.Fails(1, "run", Model, "--shape", "z=1,4").Trim(), Does.Match(@"^\S*tiny\.onnx : error LATHE0007: option --shape: [^\n]+$"));

    private string MakeModelFolder()
    {
        Directory.CreateDirectory(_folder["model"]);
        File.Copy(Model, _folder["model/model.onnx"]);
        return _folder["model"];
    }
}
