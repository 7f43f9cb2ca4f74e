using System.Text.Json;
using Lathe.Compiler.Graph;

namespace Lathe.Cli.Tests;

public sealed class ConformanceCommandTests
{
    private static readonly TensorData X = TensorData.OfFloats([1, 2, 3, 4], 1, 4);
    private static readonly TensorData Y = TensorData.OfFloats([0, 2, 4, 6], 1, 4);

    [Test]
    public void EveryCase_HasAStatus()
    {
        using TemporaryFolder folder = new();
        Write(folder, "node/test_right", TinyOnnx.AddRelu(), Y);
        Write(folder, "node/test_wrong", TinyOnnx.AddRelu(), X);
        Write(folder, "simple/test_unsupported", TinyOnnx.Unsupported(), Y);
        Write(folder, "simple/test_broken", [1, 2, 3], Y);
        JsonElement json = Cli.Json(0, "conformance", "conformance", folder.Path, "--jobs", "2", "-nthreads", "1");
        Assert.That(
            json.GetProperty("cases").EnumerateArray().Select(c => (c.GetProperty("name").GetString(), c.GetProperty("status").GetString())),
            Is.EqualTo(new[] { ("node/test_right", "passed"), ("node/test_wrong", "failed"), ("simple/test_broken", "failed"), ("simple/test_unsupported", "unsupported") }));
        Assert.That(json.GetProperty("passed").GetInt32(), Is.EqualTo(1));
        Assert.That(json.GetProperty("failed").GetInt32(), Is.EqualTo(2));
        Assert.That(json.GetProperty("unsupported").GetInt32(), Is.EqualTo(1));
        Assert.That(json.GetProperty("cases")[1].GetProperty("reason").GetString(), Does.StartWith("test_data_set_0, output 'y': 3 of 4 elements"));
        Assert.That(json.GetProperty("cases")[3].GetProperty("reason").GetString(), Does.Contain("LATHE0004").And.Contain("Frobnicate"));
    }

    [Test]
    public void Filter_ChoosesByName()
    {
        using TemporaryFolder folder = new();
        Write(folder, "node/test_a", TinyOnnx.Unsupported(), Y);
        Write(folder, "node/test_b", TinyOnnx.Unsupported(), Y);
        JsonElement json = Cli.Json(0, "conformance", "conformance", folder.Path, "--filter", "^node/.*_b$");
        Assert.That(json.GetProperty("cases").EnumerateArray().Select(c => c.GetProperty("name").GetString()), Is.EqualTo(new[] { "node/test_b" }));
    }

    [Test]
    public void CaseThatTakesTooLong_FailsAndTheOthersRun()
    {
        using TemporaryFolder folder = new();
        Write(folder, "node/test_a", TinyOnnx.AddRelu(), Y);
        Write(folder, "node/test_b", TinyOnnx.AddRelu(), Y);
        JsonElement json = Cli.Json(0, "conformance", "conformance", folder.Path, "--time-limit", "0", "--jobs", "1");
        Assert.That(json.GetProperty("cases").EnumerateArray().Select(c => c.GetProperty("reason").GetString()), Is.All.StartsWith("it took longer than"));
    }

    [Test]
    public void FolderWithoutCases_IsOneDiagnostic()
    {
        using TemporaryFolder folder = new();
        Assert.That(Cli.Fails(1, "conformance", folder.Path), Does.Contain("error LATHE0604: "));
        Assert.That(Cli.Fails(1, "conformance", folder["none"]), Does.Contain("error LATHE0604: "));
    }

    private static void Write(TemporaryFolder folder, string name, byte[] model, TensorData y)
    {
        TensorPb.WriteSet(folder[$"{name}/test_data_set_0"], [("x", X)], [("y", y)]);
        File.WriteAllBytes(folder[$"{name}/model.onnx"], model);
    }
}
