using System.Text.Json;

namespace Lathe.Cli.Tests;

public sealed class FuzzCommandTests
{
    [Test]
    public void MutantsOfSmallModels_AreRefused_OrCompileAndRun()
    {
        using TemporaryFolder folder = Models();
        JsonElement json = Cli.Json(0, "fuzz", "fuzz", folder.Path, "--count", "150", "--seed", "7", "-nthreads", "1");
        Assert.That(json.GetProperty("defects").GetArrayLength(), Is.Zero);
        Assert.That(json.GetProperty("rejected").GetInt32() + json.GetProperty("accepted").GetInt32(), Is.EqualTo(150));
        // A run in which no mutant is refused, or none runs, would test nothing.
        Assert.That(json.GetProperty("rejected").GetInt32(), Is.InRange(30, 140));
        Assert.That(json.GetProperty("ran").GetInt32(), Is.GreaterThan(10));
        Assert.That(json.GetProperty("diagnostics").EnumerateObject().Count(), Is.GreaterThan(2));
    }

    [TestCase("conformance/node", 250)]
    [TestCase("models/iris_mlp", 30)]
    [TestCase("models/mnist_cntk", 30)]
    public void MutantsOfSharedModels_AreRefused_OrCompileAndRun(string models, int count)
    {
        JsonElement json = Cli.Json(0, "fuzz", "fuzz", Places.Shared(models), "--count", $"{count}", "--seed", "3");
        Assert.That(json.GetProperty("ran").GetInt32(), Is.GreaterThan(count / 30));
    }

    [Test]
    public void Mutant_FollowsFromSeedAndNumber()
    {
        using TemporaryFolder folder = Models();
        string First(string seed, string number)
        {
            string saved = folder[$"saved-{seed}-{number}-{Guid.NewGuid():N}"];
            // Nothing starts in so short a time, so that the mutant is saved whatever it is.
            JsonElement defect = Cli.Json(1, "fuzz", "fuzz", folder["a.onnx"], folder["b.onnx"], "--only", number, "--seed", seed, "--time-limit", "0", "--save", saved)
                .GetProperty("defects")[0];
            Assert.That(defect.GetProperty("kind").GetString(), Is.EqualTo("hang"));
            Assert.That(defect.GetProperty("mutant").GetInt32(), Is.EqualTo(int.Parse(number)));
            Assert.That(defect.GetProperty("mutation").GetString(), Is.Not.Empty);
            Assert.That(defect.GetProperty("file").GetString(), Is.EqualTo(Path.Combine(saved, $"{seed}-{number}.onnx")));
            return Convert.ToHexString(File.ReadAllBytes(defect.GetProperty("file").GetString()!));
        }

        string one = First("1", "5");
        Assert.That(First("1", "5"), Is.EqualTo(one));
        Assert.That(First("1", "6"), Is.Not.EqualTo(one));
        Assert.That(First("2", "5"), Is.Not.EqualTo(one));
    }

    [Test]
    public void ProcessThatCannotRun_IsACrash()
    {
        using TemporaryFolder folder = Models();
        // The runtime itself does not start with so little.
        JsonElement defect = Cli.Json(1, "fuzz", "fuzz", folder["a.onnx"], "--only", "0", "--memory-limit", "1").GetProperty("defects")[0];
        Assert.That(defect.GetProperty("kind").GetString(), Is.EqualTo("crash").Or.EqualTo("memory"));
        Assert.That(defect.GetProperty("file").ValueKind, Is.EqualTo(JsonValueKind.Null));
    }

    [Test]
    public void WhereThereIsNoModel_IsOneDiagnostic()
    {
        using TemporaryFolder folder = new();
        Assert.That(Cli.Fails(1, "fuzz", folder.Path), Does.Contain("error LATHE0001: "));
        Assert.That(Cli.Fails(1, "fuzz", folder["none.onnx"]), Does.Contain("error LATHE0001: "));
        Assert.That(Cli.Fails(2, "fuzz"), Does.Contain("error LATHE0601: "));
    }

    private static TemporaryFolder Models()
    {
        TemporaryFolder folder = new();
        File.WriteAllBytes(folder["a.onnx"], TinyOnnx.AddRelu());
        File.WriteAllBytes(folder["b.onnx"], TinyOnnx.AddReluOfImage());
        return folder;
    }
}
