using System.Runtime.Intrinsics.X86;

namespace Lathe.Package.Tests;

/// <summary>A published native program has the kernels that the project asks for, and the user is told where it has not.</summary>
[Platform("Linux", Reason = "links with what Linux has")]
public sealed class NativeAotTests
{
    private const string Mapped = """<OnnxModel Include="product.onnx" Class="MyApp.Product" NativeCode="embedded" />""";

    /// <summary>
    /// Behind what <see cref="Programs.Reads"/> prints: which kernels ran, for a model whose code is linked and for one whose code is mapped. With <c>harden</c> the system refuses
    /// memory that is executable and of no file, as a hardened one does: memfd_create, and mmap and mprotect with PROT_EXEC, give EPERM, by a filter of system calls.
    /// </summary>
    private const string Program = """
        using System.Runtime.InteropServices;
        using MyApp;

        if (args is ["harden"])
        {
            if (!Hardened.Begin()) return 77;
            args = [];
        }

        Recognise(args);
        using var product = Product.Load();
        using var products = product.CreateRequest();
        for (int i = 0; i < products.Data.Length; i++) products.Data[i] = 1;
        products.Infer();
        Console.WriteLine($"product {products.Sum[0]} {Kernels(products.Ran)} warnings {product.Info.Warnings.Count} {string.Join(' ', products.Ran.Fallbacks.Select(f => f.Reason))}");
        Console.WriteLine($"mapped {File.ReadLines("/proc/self/maps").Count(l => l.Contains("lathe", StringComparison.Ordinal) && !l.Contains('/' + "App"))}");
        return 0;

        static string Kernels(Lathe.Runtime.RunCounts ran) => $"native {ran.Kernels["native"]} csharp {ran.Kernels["csharp"]}";

        static void Recognise(string[] args)
        {
            READS
            Console.WriteLine($"characters {Kernels(request.Ran)} warnings {model.Info.Warnings.Count}");
        }

        internal static unsafe class Hardened
        {
            // The call's number: memfd_create (319) is refused, mprotect (10) and mmap (9) are looked at: the latter if its fourth argument has MAP_ANONYMOUS (32), both if the third has PROT_EXEC (4).
            private static readonly ulong[] Filter =
            [
                0x0000000000000020, 0x0000013F00060015, 0x0000000A00030015, 0x0000000905000015, 0x0000002800000020, 0x0000002003000045, 0x0000002000000020, 0x0000000401000045,
                0x0005000100000006, 0x7FFF000000000006,
            ];

            public static bool Begin()
            {
                const int noNewPrivileges = 38, seccomp = 22, byFilter = 2;
                fixed (ulong* filter = Filter)
                {
                    nint* program = stackalloc nint[] { Filter.Length, (nint)filter };
                    return prctl(noNewPrivileges, 1, 0, 0, 0) == 0 && prctl(seccomp, byFilter, (nint)program, 0, 0) == 0;
                }
            }

            [DllImport("libc")]
            private static extern int prctl(int option, nint a, nint b, nint c, nint d);
        }
        """;

    private Consumer _app = null!;

    [OneTimeSetUp]
    public void SetUp()
    {
        _app = new Consumer("aot").WithCharacters()
            .Project(
                Programs.Item + Mapped,
                "<PublishAot>true</PublishAot><RuntimeIdentifier>linux-x64</RuntimeIdentifier><InvariantGlobalization>true</InvariantGlobalization><AllowUnsafeBlocks>true</AllowUnsafeBlocks>")
            .Write("Program.cs", Program.Replace("READS", Programs.Reads.Replace("using MyApp;", "", StringComparison.Ordinal), StringComparison.Ordinal));
        TinyModel.Write(_app["product.onnx"], "product", 16);
    }

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
            if (isAvailable) Assert.That(_app.Execute("env", $"LATHE_ISA={isa}", _app["native/App"]), Does.StartWith("A ").And.Not.Contain("csharp 1"));
    }

    [Test, Order(3)]
    public void Program_ThatMayMakeNoCode_RunsWhatIsLinkedAndSaysWhatIsNot()
    {
        if (!File.Exists(_app["native/App"])) Assert.Ignore("it was not published");
        if (!(Avx2.IsSupported && Fma.IsSupported)) Assert.Ignore("this machine runs no native kernels");
        string free = _app.Execute(_app["native/App"]), hardened = _app.Execute(_app["native/App"], "harden");
        Assert.That(free, Does.Match(@"^A [\s\S]*characters native \d+ csharp 0 warnings 0\s+product 16 native \d+ csharp 0 warnings 0 \s*mapped 1$"));
        Assert.That(hardened, Does.Match(@"^A [\s\S]*characters native \d+ csharp 0 warnings 0\s+product 16 native 0 csharp \d+ warnings 1 .*this system lets no process make code.*\s+mapped 0$"));
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
