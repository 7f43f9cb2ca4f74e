namespace Lathe.Package.Tests;

/// <summary>One project through the changes of its life, in order.</summary>
public sealed class IncrementalBuildTests
{
    private Consumer _app = null!;

    [OneTimeSetUp]
    public void SetUp() => _app = new Consumer("incremental").WithCharacters().Project(Programs.Item).Write("Program.cs", Programs.Reads);

    [Test, Order(1)]
    public void Build_First_CompilesTheModelAndRuns()
    {
        Assert.That(_app.Build().Compiled, Is.EqualTo(new[] { "characters.onnx -> MyApp.Recognizer" }));
        Assert.That(_app.Run(), Does.StartWith("A "));
    }

    [Test, Order(2)]
    public void Build_Second_DoesNothing()
    {
        Dictionary<string, DateTime> before = Times();
        Assert.That(_app.Build().Compiled, Is.Empty);
        Assert.That(Times(), Is.EqualTo(before));
    }

    [Test, Order(3)]
    public void Build_TouchedModel_CompilesNothing()
    {
        File.SetLastWriteTimeUtc(_app["characters.onnx"], DateTime.UtcNow.AddMinutes(5));
        Assert.That(_app.Build().Compiled, Is.Empty);
    }

    [Test, Order(4)]
    public void Build_ChangedOption_CompilesAnewAndBehavesAnew()
    {
        string before = _app.Run();
        _app.Project(Programs.Item.Replace("Mean=\"128\"", "Mean=\"5000\"", StringComparison.Ordinal));
        Assert.That(_app.Build().Compiled, Has.Count.EqualTo(1));
        Assert.That(_app.Run(), Is.Not.EqualTo(before));
    }

    [Test, Order(5)]
    public void Build_ChangedBack_CompilesNothing()
    {
        _app.Project(Programs.Item);
        Assert.That(_app.Build().Compiled, Is.Empty);
        Assert.That(_app.Run(), Does.StartWith("A "));
    }

    [Test, Order(6)]
    public void Build_ChangedModel_CompilesAnew()
    {
        // Another name in the file: the producer's.
        byte[] model = File.ReadAllBytes(_app["characters.onnx"]);
        Assume.That(model.AsSpan(0, 64).IndexOf("pytorch"u8), Is.Positive, "the model names its producer");
        model[model.AsSpan().IndexOf("pytorch"u8)] = (byte)'P';
        File.WriteAllBytes(_app["characters.onnx"], model);
        Assert.That(_app.Build().Compiled, Has.Count.EqualTo(1));
    }

    [Test, Order(7)]
    public void DesignTimeBuild_UsesTheManifestAndCompilesNothing()
    {
        _app.Project(Programs.Item.Replace("Mean=\"128\"", "Mean=\"7\"", StringComparison.Ordinal));
        BuildResult result = _app.Dotnet(
            "msbuild", "-t:Compile", "-p:DesignTimeBuild=true", "-p:SkipCompilerExecution=true", "-p:ProvideCommandLineArgs=true", "-nodeReuse:false",
            "-getItem:AdditionalFiles", "-getItem:Reference");
        Assert.That(result.ExitCode, Is.Zero, result.Output);
        Assert.That(result.Compiled, Is.Empty);
        Assert.That(result.Output, Does.Contain("MyApp.Recognizer.lathe.json").And.Contain("MyApp.Recognizer.Lathe"));
        _app.Project(Programs.Item);
    }

    [Test, Order(8)]
    public void Clean_RemovesAllThatLatheWrote()
    {
        BuildResult result = _app.Dotnet("clean", "-v", "minimal", "-tl:off", "-nodeReuse:false");
        Assert.That(result.ExitCode, Is.Zero, result.Output);
        Assert.That(Directory.Exists(_app["obj/lathe"]), Is.False);
        Assert.That(Directory.GetFiles(_app["bin"], "MyApp.*", SearchOption.AllDirectories), Is.Empty);
    }

    [Test, Order(9)]
    public void DesignTimeBuild_WithoutManifest_IsQuiet()
    {
        BuildResult result = _app.Dotnet("msbuild", "-t:ResolveReferences", "-p:DesignTimeBuild=true", "-v:minimal", "-tl:off", "-nodeReuse:false");
        Assert.That(result.ExitCode, Is.Zero, result.Output);
        Assert.That(result.Compiled, Is.Empty);
        Assert.That(Directory.Exists(_app["obj/lathe"]), Is.False);
    }

    private Dictionary<string, DateTime> Times() => Directory.GetFiles(_app.Folder, "*", SearchOption.AllDirectories)
        .Where(file => Path.GetExtension(file) is ".dll" or ".json" && !file.EndsWith("lock", StringComparison.Ordinal))
        .ToDictionary(file => file, File.GetLastWriteTimeUtc);
}
