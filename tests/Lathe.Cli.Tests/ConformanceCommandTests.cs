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
    public void CaseThatTakesTooMuchMemory_FailsAndTheOthersRun()
    {
        using TemporaryFolder folder = new();
        Write(folder, "node/test_a", TinyOnnx.AddRelu(), Y);
        Write(folder, "node/test_b", TinyOnnx.AddRelu(), Y);
        // The process alone takes more.
        JsonElement json = Cli.Json(0, "conformance", "conformance", folder.Path, "--memory-limit", "1", "--jobs", "1");
        Assert.That(json.GetProperty("cases").EnumerateArray().Select(c => c.GetProperty("reason").GetString()), Is.All.EqualTo("it took more than 1.0 MiB of memory"));
    }

    [Test]
    public void Unoptimised_GivesTheSame()
    {
        using TemporaryFolder folder = new();
        Write(folder, "node/test_right", TinyOnnx.AddRelu(), Y);
        Write(folder, "node/test_wrong", TinyOnnx.AddRelu(), X);
        JsonElement json = Cli.Json(0, "conformance", "conformance", folder.Path, "--no-optimize");
        Assert.That(json.GetProperty("cases").EnumerateArray().Select(c => c.GetProperty("status").GetString()), Is.EqualTo(new[] { "passed", "failed" }));
    }

    [TestCase("1/2", "node/test_a", "node/test_c")]
    [TestCase("2/2", "node/test_b")]
    public void Partition_TakesEveryNthCase(string partition, params string[] names)
    {
        using TemporaryFolder folder = new();
        foreach (string name in (string[])["a", "b", "c"]) Write(folder, $"node/test_{name}", TinyOnnx.Unsupported(), Y);
        JsonElement json = Cli.Json(0, "conformance", "conformance", folder.Path, "--partition", partition);
        Assert.That(json.GetProperty("cases").EnumerateArray().Select(c => c.GetProperty("name").GetString()), Is.EqualTo(names));
    }

    [TestCase("node/test_wrong * # its data are wrong", 0, "")]
    [TestCase("# nothing fails", 1, "error LATHE0613: case 'node/test_wrong' is failed, which was not expected: test_data_set_0, output 'y': 3 of 4")]
    [TestCase("node/.* * # all fail", 1, "error LATHE0612: case 'node/test_right' passed, which was not expected (all fail)")]
    [TestCase("node/test_wrong */unoptimized # another target", 1, "error LATHE0613: case 'node/test_wrong'")]
    [TestCase("node/test_wrong *", 1, "error LATHE0611: line 1: it is not REGEX TARGET # REASON")]
    [TestCase("node/( * # no regex", 1, "error LATHE0611: line 1: ")]
    [TestCase("node/test_wrong mmx # unknown", 1, "error LATHE0611: line 1: 'mmx' is no instruction set")]
    public void ExpectedFailures_DecideTheExitCode(string line, int exitCode, string message)
    {
        using TemporaryFolder folder = new();
        Write(folder, "tree/node/test_right", TinyOnnx.AddRelu(), Y);
        Write(folder, "tree/node/test_wrong", TinyOnnx.AddRelu(), X);
        File.WriteAllText(folder["expected.txt"], line + "\n");
        (int actual, _, string error) = Cli.Run("conformance", folder["tree"], "--expect", folder["expected.txt"]);
        Assert.That(actual, Is.EqualTo(exitCode), error);
        Assert.That(error, message.Length == 0 ? Is.Empty : Does.Contain(message));
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
