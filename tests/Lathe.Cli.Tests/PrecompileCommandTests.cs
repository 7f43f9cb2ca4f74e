using System.Diagnostics;
using System.Text.Json;
using Lathe.Cli.Precompilation;

namespace Lathe.Cli.Tests;

public sealed class PrecompileCommandTests
{
    [Test]
    public void PrecompiledKernels_RunWithoutTheJit_AndGiveTheSame()
    {
        string crossgen = Program();
        using TemporaryFolder folder = new();
        File.WriteAllBytes(folder["tiny.onnx"], TinyOnnx.AddRelu());
        Cli.Json(0, "compile", "compile", folder["tiny.onnx"], "-o", folder["a/tiny.dll"]);
        JsonElement json = Cli.Json(0, "precompile", "precompile", folder["a/tiny.dll"], "-o", folder["b/tiny.dll"], "--crossgen", crossgen);
        Assert.That(json.GetProperty("files")[0].GetString(), Is.EqualTo(folder["b/tiny.dll"]));

        IReadOnlyList<string> jitted = Compiled(folder["a/tiny.dll"], folder["a/dump"]), rest = Compiled(folder["b/tiny.dll"], folder["b/dump"]);
        Assert.That(jitted.Count(IsKernel), Is.EqualTo(1), string.Join('\n', jitted));
        Assert.That(rest.Where(IsKernel), Is.Empty);
        Assert.That(File.ReadAllBytes(folder["b/dump/out_0.bin"]), Is.EqualTo(File.ReadAllBytes(folder["a/dump/out_0.bin"])));
    }

    [Test]
    public void PrecompiledTwice_GivesTheSameBytes()
    {
        string crossgen = Program();
        using TemporaryFolder folder = new();
        File.WriteAllBytes(folder["tiny.onnx"], TinyOnnx.AddRelu());
        Cli.Json(0, "compile", "compile", folder["tiny.onnx"], "-o", folder["tiny.dll"]);
        foreach (string name in (string[])["a.dll", "b.dll"]) Cli.Json(0, "precompile", "precompile", folder["tiny.dll"], "-o", folder[name], "--crossgen", crossgen);
        Assert.That(File.ReadAllBytes(folder["a.dll"]), Is.EqualTo(File.ReadAllBytes(folder["b.dll"])));
    }

    [Test]
    public void KernelsOfAnotherInstructionSet_AreLeftToTheJit()
    {
        string crossgen = Program();
        using TemporaryFolder folder = new();
        File.WriteAllBytes(folder["tiny.onnx"], TinyOnnx.AddRelu());
        Cli.Json(0, "compile", "compile", folder["tiny.onnx"], "-o", folder["tiny.dll"], "--isa", "avx2");
        Cli.Json(0, "precompile", "precompile", folder["tiny.dll"], "-o", folder["other/tiny.dll"], "--crossgen", crossgen, "--isa", "vector128");
        Assert.That(Compiled(folder["other/tiny.dll"], folder["dump"]).Count(IsKernel), Is.EqualTo(1));
    }

    [Test]
    public void WithoutCrossgen_ItSaysSo()
    {
        using TemporaryFolder folder = new();
        File.WriteAllBytes(folder["tiny.onnx"], TinyOnnx.AddRelu());
        Assert.That(Cli.Fails(1, "precompile", DoublingModule.Path, "-o", folder["x.dll"], "--crossgen", folder["nothing"]), Does.Contain("LATHE0615"));
        if (Crossgen.Own is null)
            Assert.That(Cli.Fails(1, "bench", folder["tiny.onnx"], "-niter", "1", "--precompile", "on"), Does.Contain("LATHE0615").And.Contain("lacks crossgen2"));
        Assert.That(folder.Files(), Is.EqualTo(new[] { "tiny.onnx" }));
    }

    [Test]
    public void FileThatIsNoAssembly_IsOneDiagnostic()
    {
        string crossgen = Program();
        using TemporaryFolder folder = new();
        File.WriteAllText(folder["x.dll"], "no assembly");
        Assert.That(Cli.Fails(1, "precompile", folder["x.dll"], "-o", folder["y.dll"], "--crossgen", crossgen).Trim(), Does.Match(@"^\S+ : error LATHE0615: [^\n]+$"));
    }

    private static bool IsKernel(string method) => method.Contains("Add_Relu(", StringComparison.Ordinal);

    /// <summary>What the JIT compiled in a process that ran a model once.</summary>
    private static string[] Compiled(string assembly, string dump)
    {
        string list = dump + ".jit";
        ProcessStartInfo start = new("dotnet", [Path.Combine(AppContext.BaseDirectory, "Lathe.Runner.dll"), assembly, "--iterations", "0", "--dump", dump])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["DOTNET_JitStdOutFile"] = list;
        start.Environment["DOTNET_JitDisasmSummary"] = "1";
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.That(process.ExitCode, Is.Zero, error.Result);
        return File.ReadAllLines(list);
    }

    /// <summary>The crossgen2 that a build of this repository fetched.</summary>
    private static string Program()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (!File.Exists(Path.Combine(folder.FullName, "Compiler.sln"))) continue;
            string name = OperatingSystem.IsWindows() ? "crossgen2.exe" : "crossgen2";
            string? program = Directory.EnumerateFiles(Path.Combine(folder.FullName, "compiler", "Lathe.Cli", "bin"), name, SearchOption.AllDirectories).FirstOrDefault();
            if (program is not null) return program;
        }

        Assert.Ignore("crossgen2 could not be fetched when the repository was built");
        return "";
    }
}
