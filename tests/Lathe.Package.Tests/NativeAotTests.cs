using System.Runtime.Intrinsics.X86;

namespace Lathe.Package.Tests;

/// <summary>A published native program has the kernels that the project asks for, and the user is told where it has not.</summary>
[Platform("Linux", Reason = "links with what Linux has")]
public sealed class NativeAotTests
{
    private Consumer _app = null!;

    [OneTimeSetUp]
    public void SetUp() => _app = new Consumer("aot").WithCharacters()
        .Project(Programs.Item, "<PublishAot>true</PublishAot><RuntimeIdentifier>linux-x64</RuntimeIdentifier>")
        .Write("Program.cs", Programs.Reads);

    [Test, Order(1)]
    public void Publish_WithABaseline_RunsWithoutWarnings()
    {
        BuildResult result = Publish("-p:LatheKernelBaseline=native", "-o", "out");
        Assert.That(result.ExitCode, Is.Zero, result.Output);
        Assert.That(result.Problems, Is.Empty);
        Assert.That(_app.Execute(_app["out/App"]), Does.StartWith("A "));
        Assert.That(Directory.GetFiles(_app["out"], "*.dll"), Is.Empty);
    }

    [Test, Order(2)]
    public void Publish_WithoutABaseline_HasKernelsForEachProcessor()
    {
        BuildResult result = Publish("-o", "native");
        if (result.Output.Contains("LATHE0301", StringComparison.Ordinal)) Assert.Ignore("libLLVM is not installed");
        Assert.That(result.ExitCode, Is.Zero, result.Output);
        Assert.That(result.Problems, Is.Empty);
        // Asked for by name, kernels in C# would be refused: without a baseline there are none for these.
        foreach ((string isa, bool isAvailable) in (ReadOnlySpan<(string, bool)>)[("avx2", Avx2.IsSupported && Fma.IsSupported), ("avx512", Avx512BW.VL.IsSupported && Avx512DQ.VL.IsSupported)])
            if (isAvailable) Assert.That(_app.Execute("env", $"LATHE_ISA={isa}", _app["native/App"]), Does.StartWith("A "));
    }

    [TestCase("net8.0", "v3", "x86-x64-v3")]
    [TestCase("net9.0", "v4", "x86-x64-v4")]
    [TestCase("net10.0", "v3", "x86-64-v3")]
    [TestCase("net10.0", "v4", "x86-64-v4")]
    [TestCase("net8.0", "native", "native")]
    [TestCase("net10.0", "default", "")]
    public void Baseline_IsTheWordOfTheFramework(string framework, string baseline, string expected)
    {
        BuildResult result = _app.Dotnet("msbuild", "-getProperty:IlcInstructionSet", $"-p:TargetFramework={framework}", $"-p:LatheKernelBaseline={baseline}", "-nodeReuse:false");
        Assert.That(result.Output.Trim(), Is.EqualTo(expected));
    }

    [TestCase("", "csharp", "warning LATHE0408")]
    [TestCase("", "auto", null)]
    [TestCase("v5", "csharp", "error LATHE0409")]
    [TestCase("default", "csharp", null)]
    [TestCase("v3", "csharp", null)]
    public void Check_TellsWhereKernelsAreDead(string baseline, string kernels, string? expected)
    {
        _app.Project(Programs.Item.Replace(" />", $" Kernels=\"{kernels}\" />", StringComparison.Ordinal), "<PublishAot>true</PublishAot><RuntimeIdentifier>linux-x64</RuntimeIdentifier>");
        BuildResult result = _app.Dotnet("msbuild", "-restore", "-t:LatheCheckNativeAot", $"-p:LatheKernelBaseline={baseline}", "-v:minimal", "-tl:off", "-nodeReuse:false");
        if (result.Output.Contains("LATHE0301", StringComparison.Ordinal)) Assert.Ignore("libLLVM is not installed");
        Assert.That(result.Problems, expected is null ? Is.Empty : Has.One.Contains(expected));
    }

    private BuildResult Publish(params string[] options)
    {
        string[] linker = OnPath("clang") ? [] : ["-p:CppCompilerAndLinker=gcc", "-p:LinkerFlavor=bfd"];
        if (linker.Length > 0 && !OnPath("gcc")) Assert.Ignore("there is neither clang nor gcc to link with");
        if (_app.Dotnet("restore", "-v", "quiet").ExitCode != 0) Assert.Ignore("the NativeAOT packages cannot be restored");
        return _app.Dotnet(["publish", "-v", "minimal", "-tl:off", "-clp:NoSummary", "-nodeReuse:false", .. options, .. linker]);
    }

    private static bool OnPath(string program) =>
        Environment.GetEnvironmentVariable("PATH")!.Split(Path.PathSeparator).Any(folder => File.Exists(Path.Combine(folder, program)));
}
