using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;
using Task = System.Threading.Tasks.Task;

namespace Lathe.Build.Tests;

/// <summary>The compiler is a shell script that notes its command line and does what its last lines say.</summary>
[Platform(Exclude = "Win", Reason = "the compiler's stand-in is a shell script")]
public sealed class CompileModelTests
{
    private const string Compiles = """
        echo "$2" > "$inputs"
        echo '{}' > "$folder/A.lathe.json"
        echo dll > "$folder/A.Lathe.dll"
        """;

    private TemporaryFolder _folder = null!;
    private RecordingEngine _engine = null!;
    private string _model = "";

    [SetUp]
    public void SetUp()
    {
        _folder = new();
        _engine = new();
        _model = _folder.Write("dir with space/a.onnx", "model");
        _folder.Write("tools/lathe.dll", "compiler");
        _folder.Write("tools/Lathe.Compiler.dll", "more of it");
    }

    [TearDown]
    public void TearDown() => _folder.Dispose();

    [Test]
    public void Execute_Model_GivesTheCommandLine()
    {
        Host(Compiles);
        Assert.That(Compilation(("Mean", "1,2"), ("EmitSource", "a \"b\" c")).Execute(), Is.True, string.Join('\n', _engine.ErrorTexts));
        string folder = Path.Combine(_folder.Path, "out");
        Assert.That(
            Runs().Single().Split('\u001F'),
            Is.EqualTo(new[]
            {
                Path.Combine(_folder.Path, "tools", "lathe.dll"), "compile", _model, "--output", folder, "--class", "A", "--inputs", Path.Combine(folder, "inputs"),
                "--mean", "1,2", "--emit-source", "a \"b\" c", "",
            }));
    }

    [Test]
    public void Execute_Again_RunsNothing()
    {
        Host(Compiles);
        for (int i = 0; i < 3; i++) Assert.That(Compilation().Execute(), Is.True);
        Assert.That(Runs(), Has.Length.EqualTo(1));
    }

    [TestCase("dir with space/a.onnx")]
    [TestCase("tools/Lathe.Compiler.dll")]
    [TestCase("out/A.Lathe.dll")]
    [TestCase("dir with space/a.data")]
    public void Execute_AfterAChange_RunsAgain(string file)
    {
        _folder.Write("dir with space/a.data", "external data");
        Host("echo \"$2\" > \"$inputs\"; echo \"${2%.onnx}.data\" >> \"$inputs\"; echo '{}' > \"$folder/A.lathe.json\"; echo dll > \"$folder/A.Lathe.dll\"");
        Assert.That(Compilation().Execute(), Is.True);
        _folder.Write(file, "changed");
        Assert.That(Compilation().Execute(), Is.True);
        Assert.That(Compilation().Execute(), Is.True);
        Assert.That(Runs(), Has.Length.EqualTo(2));
    }

    [TestCase("calib")]
    [TestCase("calib/**/*.npy")]
    public void Execute_AfterAChangeOfSamples_RunsAgain(string calibration)
    {
        Host(Compiles);
        _folder.Write("calib/a.npy", "one");
        _folder.Write("calib/deep/b.npy", "two");
        _folder.Write("calib/notes.txt", "no sample");
        (string, string) samples = ("Calibration", Path.Combine(_folder.Path, calibration));
        int before = 0;
        Expect(runs: 1);
        _folder.Write("calib/notes.txt", "changed");
        Expect(runs: 0);
        _folder.Write("calib/deep/b.npy", "changed");
        Expect(runs: 1);
        _folder.Write("calib/c.npy", "one more");
        Expect(runs: 1);
        File.Delete(Path.Combine(_folder.Path, "calib", "a.npy"));
        Expect(runs: 1);

        void Expect(int runs)
        {
            for (int i = 0; i < 2; i++) Assert.That(Compilation(samples).Execute(), Is.True, string.Join('\n', _engine.ErrorTexts));
            Assert.That(Runs().Length - before, Is.EqualTo(runs));
            before = Runs().Length;
        }
    }

    [Test]
    public void Execute_CompilerReportsAnError_IsThatOneError()
    {
        Host("echo 'a.onnx : warning LATHE0009: hm' >&2; echo 'a.onnx : error LATHE0103: node '\"'c'\"': no' >&2; exit 1");
        Assert.That(Compilation().Execute(), Is.False);
        Assert.That(_engine.Errors, Is.EqualTo(new[] { "a.onnx : LATHE0103" }));
        Assert.That(_engine.Warnings.Single(), Does.StartWith("a.onnx : LATHE0009"));
    }

    [Test]
    public void Execute_CompilerFailsSilently_IsOneErrorWithTheCommand()
    {
        Host("exit 134");
        Assert.That(Compilation().Execute(), Is.False);
        Assert.That(_engine.Errors.Single(), Does.EndWith(": LATHE0406"));
        Assert.That(_engine.ErrorTexts.Single(), Does.Contain("134").And.Contain("lathe.dll compile"));
    }

    [Test]
    public void Execute_AfterAFailure_RunsAgain()
    {
        Host("exit 1");
        Assert.That(Compilation().Execute(), Is.False);
        Host(Compiles);
        Assert.That(Compilation().Execute(), Is.True);
        Assert.That(Runs(), Has.Length.EqualTo(2));
    }

    [Test]
    public async Task Execute_ManyAtOnce_RunOnce()
    {
        Host("sleep 0.3\n" + Compiles);
        bool[] results = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => Task.Run(() => Compilation().Execute()))).ConfigureAwait(false);
        Assert.That(results, Is.All.True);
        Assert.That(Runs(), Has.Length.EqualTo(1));
    }

    [Test]
    public async Task Cancel_WhileAnotherBuildHasTheTurn_EndsTheWait()
    {
        Host(Compiles);
        Directory.CreateDirectory(Path.Combine(_folder.Path, "out"));
        using FileStream other = new(Path.Combine(_folder.Path, "out", "lock"), FileMode.Create, FileAccess.ReadWrite, FileShare.None);
        CompileModel task = Compilation();
        Task<bool> run = Task.Run(task.Execute);
        await Task.Delay(100).ConfigureAwait(false);
        Assert.That(run.IsCompleted, Is.False);
        task.Cancel();
        Assert.That(await run.ConfigureAwait(false), Is.False);
        Assert.That(Runs(), Is.Empty);
    }

    [TestCase("8.0.31", "only 8.0.31")]
    [TestCase("9.0.20;8.0.31", "only 8.0.31, 9.0.20")]
    [TestCase("", "no runtime")]
    public void Execute_HostWithoutTheRuntime_SaysWhatIsNeeded(string versions, string expected)
    {
        Host(Compiles);
        Directory.CreateDirectory(Path.Combine(_folder.Path, "shared", "Microsoft.NETCore.App"));
        foreach (string version in versions.Split(';', StringSplitOptions.RemoveEmptyEntries))
            Directory.CreateDirectory(Path.Combine(_folder.Path, "shared", "Microsoft.NETCore.App", version));
        Assert.That(Compilation().Execute(), Is.False);
        Assert.That(_engine.Errors.Single(), Does.EndWith(": LATHE0402"));
        Assert.That(_engine.ErrorTexts.Single(), Does.Contain(expected).And.Contain(".NET 10 runtime").And.Contain("LatheDotNetHost"));
        Assert.That(Runs(), Is.Empty);
    }

    [TestCase("10.0.0")]
    [TestCase("11.0.0-preview.1")]
    public void Execute_HostWithTheRuntime_Runs(string version)
    {
        Host(Compiles);
        Directory.CreateDirectory(Path.Combine(_folder.Path, "shared", "Microsoft.NETCore.App", "8.0.1"));
        Directory.CreateDirectory(Path.Combine(_folder.Path, "shared", "Microsoft.NETCore.App", version));
        Assert.That(Compilation().Execute(), Is.True);
    }

    private CompileModel Compilation(params (string Name, string Value)[] metadata)
    {
        string folder = Path.Combine(_folder.Path, "out");
        TaskItem item = new(_model);
        item.SetMetadata("LatheClass", "A");
        item.SetMetadata("LatheManifest", Path.Combine(folder, "A.lathe.json"));
        item.SetMetadata("LatheAssembly", Path.Combine(folder, "A.Lathe.dll"));
        item.SetMetadata("LatheWeights", Path.Combine(folder, "A.Lathe.weights"));
        foreach ((string name, string value) in metadata) item.SetMetadata(name, value);
        return new()
        {
            BuildEngine = _engine,
            Model = item,
            Folder = folder,
            Compiler = Path.Combine(_folder.Path, "tools", "lathe.dll"),
            DotNet = Path.Combine(_folder.Path, "dotnet"),
        };
    }

    private void Host(string body)
    {
        string path = _folder.Write("dotnet", $$"""
            #!/bin/sh
            printf '%s\037' "$@" | tr '\n' ' ' >> '{{_folder.Path}}/runs'
            echo >> '{{_folder.Path}}/runs'
            shift
            folder=$4
            inputs=$8
            {{body}}
            """);
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    private string[] Runs() => Path.Combine(_folder.Path, "runs") is var runs && File.Exists(runs) ? File.ReadAllLines(runs) : [];
}
