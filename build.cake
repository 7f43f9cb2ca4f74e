// The repository's tasks; ./build.sh TARGET runs one. Each does what its name says and nothing else.
using System.Diagnostics;
using System.Xml.Linq;

string target = Argument("target", "Demo");
string configuration = Argument("configuration", "Release");
DirectoryPath artifacts = MakeAbsolute(Directory("./artifacts"));
DirectoryPath packages = artifacts.Combine("packages");
DirectoryPath testResults = artifacts.Combine("tests");
DirectoryPath shared = MakeAbsolute(Directory(EnvironmentVariable("LATHE_SHARED") ?? "../shared"));
FilePath lathe = MakeAbsolute(File($"./compiler/Lathe.Cli/bin/{configuration}/net10.0/lathe.dll"));

// What some tests and the NativeAOT part of the demo need of the system, and how to tell that it is there.
(string Package, string What, Func<bool> IsThere)[] nativeParts =
[
    ("gcc", "links NativeAOT programs", () => OnPath("gcc") || OnPath("clang")),
    ("zlib1g-dev", "linked into NativeAOT programs", () => FileExists("/usr/include/zlib.h")),
    ("pocl-opencl-icd", "an OpenCL device", () => DirectoryExists("/etc/OpenCL/vendors") && GetFiles("/etc/OpenCL/vendors/*.icd").Count > 0),
    ("ocl-icd-libopencl1", "finds OpenCL devices", () => System.Runtime.InteropServices.NativeLibrary.TryLoad("libOpenCL.so.1", out _)),
    ("libllvm19", "makes native kernels", () => System.Runtime.InteropServices.NativeLibrary.TryLoad("libLLVM.so.19.1", out _)),
];

Task("NativeParts")
    .Does(() =>
    {
        List<(string Package, string What, Func<bool> IsThere)> missing = nativeParts.Where(part => !part.IsThere()).ToList();
        if (missing.Count == 0) return;
        string names = string.Join(" ", missing.Select(part => part.Package));
        if (!OnPath("apt-get") || Environment.UserName != "root")
        {
            Warning($"Optional parts are not installed, what needs them is skipped: {names} (as root: apt-get install {names}).");
            return;
        }

        Run("apt-get", "update -qq", mustSucceed: false);
        Run("apt-get", $"install -qq -y --no-install-recommends {names}", mustSucceed: false);
        foreach (var part in missing.Where(part => !part.IsThere())) Warning($"'{part.Package}' could not be installed ({part.What}); what needs it is skipped.");
    });

Task("Build")
    .Does(() => DotNetBuild("./Compiler.sln", new DotNetBuildSettings { Configuration = configuration, NoLogo = true, Verbosity = DotNetVerbosity.Minimal }));

Task("Pack")
    .IsDependentOn("Build")
    .Does(() =>
    {
        CleanDirectory(packages);
        foreach (string project in new[] { "compiler/Lathe.Build", "compiler/Lathe.Cli" })
        {
            DotNetPack(project, new DotNetPackSettings { Configuration = configuration, OutputDirectory = packages, NoLogo = true, Verbosity = DotNetVerbosity.Minimal });
        }

        // The packages that consumers in this repository restored before are of the same version, and stale.
        foreach (DirectoryPath stale in GetDirectories($"{artifacts}/nuget/lathe*")) DeleteDirectory(stale, new DeleteDirectorySettings { Recursive = true, Force = true });
        foreach (FilePath package in GetFiles($"{packages}/*.nupkg")) Information($"{package.GetFilename()}  {FileSize(package) / 1e6:F1} MB");
    });

Task("Demo")
    .IsDependentOn("NativeParts")
    .IsDependentOn("Pack")
    .Does(() => Run("bash", "samples/Characters/demo.sh"));

Task("Test")
    .IsDependentOn("NativeParts")
    .IsDependentOn("Pack")
    .Does(() =>
    {
        CleanDirectory(testResults);
        string filter = Argument("filter", "");
        // Most of the tests use one core, so as many projects run at once as there are cores; what each printed appears when it has ended, and the one that takes longest begins.
        List<string> broken = [];
        FilePath[] projects = [.. GetFiles("./tests/*/*.csproj").Where(path => !path.FullPath.Contains("Benchmarks")).OrderBy(path => !path.FullPath.Contains("Package")).ThenBy(path => path.FullPath)];
        ParallelOptions atOnce = new() { MaxDegreeOfParallelism = Environment.ProcessorCount };
        Parallel.ForEach(System.Collections.Concurrent.Partitioner.Create(projects, System.Collections.Concurrent.EnumerablePartitionerOptions.NoBuffering), atOnce, project =>
        {
            string name = project.GetFilenameWithoutExtension().ToString();
            string arguments = $"test \"{project}\" -c {configuration} --no-build --nologo --logger \"trx;LogFileName={name}.trx\" --results-directory \"{testResults}\"";
            (int exit, string printed) = Capture("dotnet", arguments + (filter.Length > 0 ? $" --filter \"{filter}\"" : ""));
            lock (broken)
            {
                Information(printed);
                if (!FileExists(testResults.CombineWithFilePath($"{name}.trx"))) broken.Add($"{name} ended with {exit} and without results");
            }
        });

        Summarise(broken);
    });

// White space only: the rules of style and of the analyzers are errors of the build.
Task("Format")
    .Does(() => Run("dotnet", "format whitespace . --folder --exclude **/bin/** **/obj/** **/Snapshots/**" + (Argument("check", false) ? " --verify-no-changes" : "")));

// The whole tree on every instruction set of this machine, optimised and not; the tests run a part of it.
Task("Conformance")
    .IsDependentOn("Build")
    .Does(() =>
    {
        string tree = Argument("tree", shared.Combine("conformance").FullPath);
        string expected = Argument("expect", "tests/Lathe.Conformance.Tests/conformance-expected.txt");
        List<string> failed = [];
        foreach (string isa in Argument("isa", IsasOfThisMachine()).Split(','))
        {
            foreach (string level in new[] { "", "--no-optimize" })
            {
                Information($"{isa} {level}");
                Environment.SetEnvironmentVariable("LATHE_ISA", isa);
                if (Run("dotnet", $"\"{lathe}\" conformance \"{tree}\" --expect \"{expected}\" {level}", mustSucceed: false) != 0) failed.Add($"{isa} {level}".Trim());
            }
        }

        if (failed.Count > 0) throw new CakeException(1, $"Not as expected: {string.Join("; ", failed)}.");
    });

// Ten thousand hostile models, out of those that are small: a mutant of a large one takes longer and reaches nothing more.
Task("Fuzz")
    .IsDependentOn("Build")
    .Does(() =>
    {
        string models = Argument("models", "iris_mlp,mnist_cntk,cifar10_cnn,mobilenetv1_0.25_128_fp32,silero_vad_16k_static,silero_vad_16k_if,dtln_1_lstm,byte_bidi_lstm,gtcrn_simple,dx_preprocess_u8,yunet_n_320");
        IEnumerable<string> corpus = models.Split(',').Select(model => shared.Combine("models").Combine(model).FullPath).Prepend(shared.Combine("conformance").FullPath);
        string arguments = string.Join(" ", corpus.Select(path => $"\"{path}\""));
        Run("dotnet", $"\"{lathe}\" fuzz {arguments} --count {Argument("count", 10_000)} --seed {Argument("seed", 1)} --save \"{artifacts.Combine("fuzz")}\"");
    });

Task("Bench")
    .IsDependentOn("Build")
    .Does(() =>
    {
        string[] models = Argument("models", "squeezenet1.0_fp32,mobilenetv2_1.0_224_fp32,ultraface_rfb_320,yolox_nano").Split(',');
        foreach (string model in models) Run("dotnet", $"\"{lathe}\" bench \"{shared.Combine("models").Combine(model)}\" {Argument("options", "")}");
    });

RunTarget(target);

bool OnPath(string name) => Context.Tools.Resolve(name) is not null;

string IsasOfThisMachine() =>
    string.Join(',', new[]
    {
        ("avx512", System.Runtime.Intrinsics.X86.Avx512BW.VL.IsSupported && System.Runtime.Intrinsics.X86.Avx512DQ.VL.IsSupported),
        ("avx2", System.Runtime.Intrinsics.X86.Avx2.IsSupported && System.Runtime.Intrinsics.X86.Fma.IsSupported),
        ("vector128", true),
    }.Where(isa => isa.Item2).Select(isa => isa.Item1));

int Run(string program, string arguments, bool mustSucceed = true)
{
    using Process process = Process.Start(new ProcessStartInfo(program, arguments) { WorkingDirectory = MakeAbsolute(Directory("./")).FullPath });
    process.WaitForExit();
    if (mustSucceed && process.ExitCode != 0) throw new CakeException(process.ExitCode, $"'{program} {arguments}' ended with {process.ExitCode}.");
    return process.ExitCode;
}

// What the program printed, errors among it, in place of printing it at once.
(int Exit, string Printed) Capture(string program, string arguments)
{
    ProcessStartInfo start = new(program, arguments) { WorkingDirectory = MakeAbsolute(Directory("./")).FullPath, RedirectStandardOutput = true, RedirectStandardError = true };
    System.Text.StringBuilder printed = new();
    void Add(string line) { if (line is not null) lock (printed) printed.AppendLine(line); }
    using Process process = new() { StartInfo = start };
    process.OutputDataReceived += (_, e) => Add(e.Data);
    process.ErrorDataReceived += (_, e) => Add(e.Data);
    process.Start();
    process.BeginOutputReadLine();
    process.BeginErrorReadLine();
    process.WaitForExit();
    return (process.ExitCode, printed.ToString().TrimEnd());
}

// Adds up what the runners wrote. The closing line goes to a file; build.sh prints it last.
void Summarise(List<string> broken)
{
    int passed = 0, failed = 0, skipped = 0;
    XNamespace ns = "http://microsoft.com/schemas/VisualStudio/TeamTest/2010";
    SortedDictionary<string, int> reasons = new();
    foreach (FilePath file in GetFiles($"{testResults}/*.trx"))
    {
        XDocument results = XDocument.Load(file.FullPath);
        foreach (XElement result in results.Descendants(ns + "UnitTestResult"))
        {
            switch ((string)result.Attribute("outcome"))
            {
                case "Passed":
                    passed++;
                    break;
                case "NotExecuted":
                    skipped++;
                    string reason = (result.Descendants(ns + "Message").FirstOrDefault()?.Value ?? result.Descendants(ns + "StdOut").FirstOrDefault()?.Value ?? "no reason given").Trim();
                    reasons[reason] = reasons.GetValueOrDefault(reason) + 1;
                    break;
                default:
                    failed++;
                    Error($"failed: {(string)result.Attribute("testName")}");
                    break;
            }
        }

        // A run that was aborted counts as failed even where all tests that ran passed.
        if ((string)results.Descendants(ns + "ResultSummary").FirstOrDefault()?.Attribute("outcome") is "Error" or "Aborted" or "Failed" && !results.Descendants(ns + "UnitTestResult").Any(result => (string)result.Attribute("outcome") == "Failed"))
            broken.Add($"{file.GetFilenameWithoutExtension()} was aborted");
    }

    failed += broken.Count;
    foreach (string text in broken) Error(text);
    foreach (var reason in reasons) Information($"skipped {reason.Value}: {reason.Key}");
    System.IO.File.WriteAllText(testResults.CombineWithFilePath("summary.txt").FullPath, $"{passed} passed, {failed} failed, {skipped} skipped\n");
    if (failed > 0 || passed == 0) throw new CakeException(1, passed == 0 ? "No test passed." : $"{failed} tests failed.");
}
