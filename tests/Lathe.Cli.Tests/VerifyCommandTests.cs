using System.Text.Json;
using Lathe.Compiler.Graph;

namespace Lathe.Cli.Tests;

public sealed class VerifyCommandTests
{
    private static readonly TensorData X = TensorData.OfFloats([1, 2, 3, 4, 5, 6], 2, 3);

    [Test]
    public void EveryDataSet_IsCompared()
    {
        using TemporaryFolder folder = new();
        Write(folder, 0, X, ("y", TensorData.OfFloats([2, 4, 6, 8, 10, 12], 2, 3)));
        Write(folder, 10, TensorData.OfFloats([0, 0, 0], 1, 3), ("y", TensorData.OfFloats([0, 0, 0], 1, 3)));
        Write(folder, 2, X, ("", TensorData.OfFloats([2, 4, 6, 8, 10, 12], 2, 3)));
        JsonElement json = Cli.Json(0, "verify", "verify", DoublingModule.Path, "--data", folder.Path, "--top", "2");
        Assert.That(json.GetProperty("cases").GetInt32(), Is.EqualTo(3));
        Assert.That(json.GetProperty("passed").GetInt32(), Is.EqualTo(3));
        Assert.That(
            json.GetProperty("outputs").EnumerateArray().Select(output => output.GetProperty("case").GetString()),
            Is.EqualTo(new[] { "test_data_set_0", "test_data_set_2", "test_data_set_10" }));
        JsonElement first = json.GetProperty("outputs")[0];
        Assert.That(first.GetProperty("max_abs").GetDouble(), Is.Zero);
        Assert.That(first.GetProperty("cosine").GetDouble(), Is.EqualTo(1).Within(1e-12));
        Assert.That(first.GetProperty("top_k_equal").GetBoolean(), Is.True);
        Assert.That(json.GetProperty("ran").GetProperty("devices").GetProperty("CPU").GetInt32(), Is.EqualTo(3), "steps of all inferences");
    }

    [Test]
    public void WrongElement_FailsWithFiguresAndAMessage()
    {
        using TemporaryFolder folder = new();
        Write(folder, 0, X, ("y", TensorData.OfFloats([2, 4, 6, 8, 10, 13], 2, 3)));
        JsonElement json = Cli.Json(1, "verify", "verify", DoublingModule.Path, "--data", folder.Path);
        Assert.That(json.GetProperty("passed").GetInt32(), Is.Zero);
        JsonElement output = json.GetProperty("outputs")[0];
        Assert.That(output.GetProperty("ok").GetBoolean(), Is.False);
        Assert.That(output.GetProperty("max_abs").GetDouble(), Is.EqualTo(1));
        Assert.That(output.GetProperty("outside").GetDouble(), Is.EqualTo(1.0 / 6));
        Assert.That(output.GetProperty("top_k_equal").ValueKind, Is.EqualTo(JsonValueKind.Null));
        Assert.That(Cli.Run("verify", DoublingModule.Path, "--data", folder.Path).Error, Does.Contain("error LATHE0609: test_data_set_0, output 'y': 1 of 6 elements"));
    }

    [Test]
    public void Tolerances_AreTakenFromTheCommandLine()
    {
        using TemporaryFolder folder = new();
        Write(folder, 0, X, ("y", TensorData.OfFloats([2, 4, 6, 8, 10, 13], 2, 3)));
        Assert.That(Cli.Run("verify", DoublingModule.Path, "--data", folder.Path, "--rtol", "0.1").ExitCode, Is.Zero);
        Assert.That(Cli.Run("verify", DoublingModule.Path, "--data", folder.Path, "--atol", "1").ExitCode, Is.Zero);
        Assert.That(Cli.Run("verify", DoublingModule.Path, "--data", folder.Path, "--allow", "0.2").ExitCode, Is.Zero);
        Assert.That(Cli.Run("verify", DoublingModule.Path, "--data", folder.Path, "--allow", "0.1").ExitCode, Is.EqualTo(1));
    }

    [Test]
    public void OtherNameShapeOrType_Fails()
    {
        Check(("z", TensorData.OfFloats([2, 4, 6, 8, 10, 12], 2, 3)), "its name in the test data is 'z'");
        Check(("y", TensorData.OfFloats([2, 4, 6, 8, 10, 12], 3, 2)), "its shape is [2,3], not [3,2]");
        Check(("y", TensorData.OfInt64s(2, 4, 6, 8, 10, 12).Reshape(2, 3)), "its type is float32, not int64");

        static void Check((string, TensorData) reference, string reason)
        {
            using TemporaryFolder folder = new();
            Write(folder, 0, X, reference);
            (int exitCode, _, string error) = Cli.Run("verify", DoublingModule.Path, "--data", folder.Path);
            Assert.That(exitCode, Is.EqualTo(1));
            Assert.That(error, Does.Contain(reason));
        }
    }

    [Test]
    public void OtherNumberOfTensors_IsOneDiagnostic()
    {
        TensorData y = TensorData.OfFloats([2, 4, 6, 8, 10, 12], 2, 3);
        Check([("x", X), ("x2", X)], [("y", y)], "2 inputs, the model 1");
        Check([], [("y", y)], "0 inputs, the model 1");
        Check([("x", X)], [("y", y), ("y2", y)], "2 outputs, the model 1");
        Check([("x", X)], [], "output_0.pb");

        static void Check(IReadOnlyList<(string, TensorData)> inputs, IReadOnlyList<(string, TensorData)> outputs, string reason)
        {
            using TemporaryFolder folder = new();
            TensorPb.WriteSet(folder["test_data_set_0"], inputs, outputs);
            Assert.That(Cli.Fails(1, "verify", DoublingModule.Path, "--data", folder.Path), Does.Contain("error LATHE0604: ").And.Contain(reason));
        }
    }

    [Test]
    public void FolderWithoutData_IsOneDiagnostic()
    {
        using TemporaryFolder folder = new();
        Assert.That(Cli.Fails(1, "verify", DoublingModule.Path, "--data", folder.Path), Does.Contain("error LATHE0604: "));
        Assert.That(Cli.Fails(1, "verify", DoublingModule.Path, "--data", folder["none"]), Does.Contain("error LATHE0604: "));
    }

    private static void Write(TemporaryFolder folder, int number, TensorData x, (string Name, TensorData Data) y) =>
        TensorPb.WriteSet(folder[$"test_data_set_{number}"], [("x", x)], [y]);
}
