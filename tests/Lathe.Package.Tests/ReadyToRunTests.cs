using System.Diagnostics;

namespace Lathe.Package.Tests;

/// <summary>An application that is published ReadyToRun has machine code for its kernels.</summary>
[Platform("Linux", Reason = "publishes for Linux")]
public sealed class ReadyToRunTests
{
    [Test]
    public void Publish_PrecompilesKernels()
    {
        Consumer app = new Consumer("ready-to-run").WithCharacters()
            .Project(Programs.Item, "<PublishReadyToRun>true</PublishReadyToRun><RuntimeIdentifier>linux-x64</RuntimeIdentifier><SelfContained>false</SelfContained>")
            .Write("Program.cs", Programs.Reads);
        BuildResult restored = app.Dotnet("restore", "-v", "quiet");
        if (restored.ExitCode != 0 && restored.Output.Contains("Crossgen2", StringComparison.OrdinalIgnoreCase)) Assert.Ignore("crossgen2 cannot be restored");
        Assert.That(restored.ExitCode, Is.Zero, restored.Output);
        string[] compiled = [.. ((string[])["true", "false"]).Select(precompiles =>
        {
            BuildResult result = app.Dotnet("publish", "-v", "minimal", "-tl:off", "-clp:NoSummary", "-nodeReuse:false", $"-p:LatheKernelReadyToRun={precompiles}", "-o", Output(precompiles));
            Assert.That(result.ExitCode, Is.Zero, result.Output);
            Assert.That(result.Problems, Is.Empty);
            return Run(app, Output(precompiles));
        })];
        int Kernels(string list) => list.Split('\n').Count(line => line.Contains("Recognizer_", StringComparison.Ordinal) && !line.Contains("Module", StringComparison.Ordinal));
        Assert.That(Kernels(compiled[1]), Is.GreaterThan(2), compiled[1]);
        Assert.That(Kernels(compiled[0]), Is.LessThan(Kernels(compiled[1]) / 2), compiled[0]);
    }

    /// <summary>Outside the project, whose references may also be found in its folder.</summary>
    private static string Output(string precompiles) => Path.Combine(PackageSetup.Folder, $"ready-to-run-{precompiles}");

    /// <summary>What the JIT compiled.</summary>
    private static string Run(Consumer app, string folder)
    {
        string list = $"{folder}.jit";
        ProcessStartInfo start = new("dotnet", [Path.Combine(folder, "App.dll"), app.Folder]) { RedirectStandardOutput = true };
        start.Environment["DOTNET_JitStdOutFile"] = list;
        start.Environment["DOTNET_JitDisasmSummary"] = "1";
        using Process process = Process.Start(start)!;
        Assert.That(process.StandardOutput.ReadToEnd(), Does.StartWith("A "));
        process.WaitForExit();
        return File.ReadAllText(list);
    }
}
