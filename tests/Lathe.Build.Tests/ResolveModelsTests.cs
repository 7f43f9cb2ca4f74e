using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;

namespace Lathe.Build.Tests;

public sealed class ResolveModelsTests
{
    private TemporaryFolder _folder = null!;
    private RecordingEngine _engine = null!;

    [SetUp]
    public void SetUp()
    {
        _folder = new();
        _engine = new();
        _folder.Write("net.onnx", "");
        _folder.Write("other.onnx", "");
    }

    [TearDown]
    public void TearDown() => _folder.Dispose();

    [Test]
    public void Execute_Class_NamesTheFiles()
    {
        ITaskItem model = Run(Item("net.onnx", ("Class", "MyApp.Net"))).Single();
        string folder = model.GetMetadata("LatheFolder");
        Assert.Multiple(() =>
        {
            Assert.That(folder, Does.Match(@"[/\\]out[/\\]MyApp\.Net-[0-9a-f]{8}$"));
            Assert.That(model.GetMetadata("LatheManifest"), Is.EqualTo(Path.Combine(folder, "MyApp.Net.lathe.json")));
            Assert.That(model.GetMetadata("LatheAssembly"), Is.EqualTo(Path.Combine(folder, "MyApp.Net.Lathe.dll")));
            Assert.That(model.GetMetadata("LatheWeights"), Is.EqualTo(Path.Combine(folder, "MyApp.Net.Lathe.weights")));
            Assert.That(model.GetMetadata("LatheAssemblyName"), Is.EqualTo("MyApp.Net.Lathe"));
        });
    }

    [TestCase("MyApp", "MyApp.Net")]
    [TestCase("", "Net")]
    [TestCase("My App", "Net")]
    public void Execute_NoClass_TakesTheFileNameInTheRootNamespace(string rootNamespace, string expected) =>
        Assert.That(Run(rootNamespace, false, Item("net.onnx")).Single().GetMetadata("LatheClass"), Is.EqualTo(expected));

    [Test]
    public void Execute_EqualOptions_ShareAFolder_OthersDoNot()
    {
        string Folder(params (string, string)[] metadata) => Run(Item("net.onnx", metadata)).Single().GetMetadata("LatheFolder");
        Assert.That(Folder(("Mean", "1"), ("Access", "internal")), Is.EqualTo(Folder(("Mean", "1"))));
        Assert.That(Folder(("Mean", "1")), Is.Not.EqualTo(Folder(("Mean", "2"))));
        Assert.That(Folder(("Mean", "1")), Is.Not.EqualTo(Folder(("Scale", "1"))));
        Assert.That(Folder(("DebugKernels", "true")), Is.Not.EqualTo(Folder(("DebugKernels", "false"))));
    }

    [Test]
    public void Execute_EmitSource_GivesEachClassAFolder()
    {
        ResolveModels task = new()
        {
            BuildEngine = _engine,
            Models = [Item("net.onnx"), Item("other.onnx", ("EmitSource", "mine"))],
            OutputRoot = "out",
            Project = "app.csproj",
            EmitSource = "generated",
        };
        Assert.That(task.Execute());
        Assert.That(task.Resolved.Select(model => model.GetMetadata("EmitSource")), Is.EqualTo(new[] { Path.Combine("generated", "Net"), "mine" }));
    }

    [Test]
    public void Execute_MissingFile_IsOneErrorOfTheProject()
    {
        Run(Item("nett.onnx"));
        Assert.That(_engine.Errors, Is.EqualTo(new[] { "app.csproj : LATHE0401" }));
        Assert.That(_engine.ErrorTexts.Single(), Does.Contain("nett.onnx"));
    }

    [TestCase("A.B", "A.B", "LATHE0403")]
    [TestCase("A.B", "a.b", "LATHE0403")]
    [TestCase("A.B", "C.Load", "LATHE0404")]
    [TestCase("A.B", "C; evil", "LATHE0404")]
    public void Execute_BadClasses_AreErrors(string first, string second, string id)
    {
        Run(Item("net.onnx", ("Class", first)), Item("other.onnx", ("Class", second)));
        Assert.That(_engine.Errors.Single(), Does.EndWith($"other.onnx : {id}"));
    }

    [Test]
    public void Execute_MisspelledMetadata_IsAWarning()
    {
        Run(Item("net.onnx", ("Precison", "fp32")));
        Assert.That(_engine.Errors, Is.Empty);
        Assert.That(_engine.Warnings.Single(), Does.Contain("LATHE0405").And.Contain("'Precison'").And.Contain("is 'Precision' meant?"));
    }

    [Test]
    public void Execute_DesignTime_TakesTheNewestManifestAndSaysNothing()
    {
        string old = _folder.Write("out/MyApp.Net-00000000/MyApp.Net.lathe.json", "");
        string young = _folder.Write("out/MyApp.Net-11111111/MyApp.Net.lathe.json", "");
        File.SetLastWriteTimeUtc(old, DateTime.UtcNow.AddHours(-1));
        ITaskItem model = Run("MyApp", true, Item("net.onnx"), Item("nett.onnx")).First();
        Assert.That(model.GetMetadata("LatheManifest"), Is.EqualTo(young));
        Assert.That(_engine.Errors, Is.Empty);
    }

    [Test]
    public void Execute_DesignTime_PrefersTheManifestOfTheOptions()
    {
        string right = Run(Item("net.onnx", ("Class", "Net"))).Single().GetMetadata("LatheManifest");
        _folder.Write(Path.GetRelativePath(_folder.Path, right), "");
        File.SetLastWriteTimeUtc(right, DateTime.UtcNow.AddHours(-1));
        _folder.Write("out/Net-11111111/Net.lathe.json", "");
        Assert.That(Run("", true, Item("net.onnx", ("Class", "Net"))).Single().GetMetadata("LatheManifest"), Is.EqualTo(right));
    }

    private TaskItem Item(string name, params (string Name, string Value)[] metadata)
    {
        TaskItem item = new(Path.Combine(_folder.Path, name));
        foreach ((string key, string value) in metadata) item.SetMetadata(key, value);
        return item;
    }

    private ITaskItem[] Run(params ITaskItem[] models) => Run("", false, models);

    private ITaskItem[] Run(string rootNamespace, bool designTime, params ITaskItem[] models)
    {
        ResolveModels task = new()
        {
            BuildEngine = _engine,
            Models = models,
            OutputRoot = Path.Combine(_folder.Path, "out"),
            Project = "app.csproj",
            RootNamespace = rootNamespace,
            DesignTime = designTime,
        };
        Assert.That(task.Execute(), Is.EqualTo(_engine.Errors.IsEmpty));
        return task.Resolved;
    }
}
