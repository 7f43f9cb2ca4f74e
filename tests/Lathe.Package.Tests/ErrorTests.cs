namespace Lathe.Package.Tests;

/// <summary>What a user did wrong is one error with an id.</summary>
public sealed class ErrorTests
{
    private Consumer _app = null!;

    [OneTimeSetUp]
    public void SetUp() => _app = new Consumer("errors").WithCharacters().Write("samples/README", "Four images.").Write("Program.cs", "Console.WriteLine(typeof(MyApp.Recognizer));").Write("broken.onnx", "no model");

    [TestCase("charcters.onnx", "", "error LATHE0401: the model 'charcters.onnx' does not exist")]
    [TestCase("broken.onnx", "", "error LATHE0002")]
    [TestCase("characters.onnx", "Precision=\"int3\"", "error LATHE")]
    [TestCase("characters.onnx", "Mean=\"1,2,3\"", "error LATHE0007")]
    public void Build_Mistake_IsOneError(string file, string metadata, string expected)
    {
        _app.Project($"<OnnxModel Include=\"{file}\" Class=\"MyApp.Recognizer\" {metadata} />");
        IReadOnlyList<string> problems = Fails();
        Assert.That(problems.Single(), Does.Contain(expected));
    }

    [Test]
    public void Build_ImpossibleBudget_FailsAndNamesLayers()
    {
        File.WriteAllBytes(_app["samples/images.bin"], File.ReadAllBytes(Places.Model("testset/images.bin"))[..4096]);
        string Item(string budget) => $"""<OnnxModel Include="characters.onnx" Class="MyApp.Recognizer" Mean="128" Scale="64" InputFormat="u8,NCHW,GRAY" Precision="bf16" AccuracyBudget="{budget}" AccuracyData="samples" />""";
        _app.Project(Item("300dB"));
        Assert.That(Fails().Single(), Does.Contain("error LATHE0620").And.Contain("'block3/pointwise/norm' ("));
        _app.Project(Item("0.5"));
        Assert.That(_app.TryBuild().Problems, Is.Empty);
    }

    [Test]
    public void Build_TwoModelsOfOneClass_IsOneError()
    {
        File.Copy(_app["characters.onnx"], _app["other.onnx"], overwrite: true);
        _app.Project(Programs.Item + "<OnnxModel Include=\"other.onnx\" Class=\"MyApp.Recognizer\" />");
        Assert.That(Fails().Single(), Does.Contain("error LATHE0403").And.Contain("other.onnx").And.Contain("MyApp.Recognizer"));
    }

    [Test]
    public void Build_MisspelledMetadata_IsAWarning()
    {
        _app.Project(Programs.Item.Replace("Scale", "Skale", StringComparison.Ordinal));
        Assert.That(_app.TryBuild("-t:LatheResolveModels").Problems.Single(), Does.Contain("warning LATHE0405").And.Contain("is 'Scale' meant?"));
    }

    [Test]
    public void Build_WithoutTheCompilersRuntime_SaysWhatIsNeeded()
    {
        _app.Project(Programs.Item).Write("old/host", "");
        Directory.CreateDirectory(_app["old/shared/Microsoft.NETCore.App/8.0.31"]);
        Assert.That(Fails($"-p:LatheDotNetHost={_app["old/host"]}").Single(), Does.Contain("error LATHE0402").And.Contain("only 8.0.31"));
    }

    private IReadOnlyList<string> Fails(params string[] arguments)
    {
        BuildResult result = _app.TryBuild(arguments);
        Assert.That(result.ExitCode, Is.Not.Zero);
        Assert.That(result.Output, Does.Not.Contain("   at "), "a stack trace");
        return result.Problems;
    }
}
