using System.Diagnostics;
using System.Text.RegularExpressions;

namespace Lathe.Package.Tests;

/// <summary>A user's project in a folder of its own.</summary>
internal sealed class Consumer
{
    private static int _number;

    public Consumer(string name)
    {
        Folder = Path.Combine(PackageSetup.Folder, $"{Interlocked.Increment(ref _number)}-{name}");
        Directory.CreateDirectory(Folder);
    }

    public string Folder { get; }

    /// <summary>A path in the project's folder.</summary>
    public string this[string path] => Path.Combine(Folder, path);

    /// <summary>Writes a C# project whose items and properties are given; it refers to the package.</summary>
    public Consumer Project(string items, string properties = "", string frameworks = "net10.0", string name = "App.csproj", string sdk = "Microsoft.NET.Sdk")
    {
        string framework = frameworks.Contains(';', StringComparison.Ordinal) ? "TargetFrameworks" : "TargetFramework";
        return Write(name, $"""
            <Project Sdk="{sdk}">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <{framework}>{frameworks}</{framework}>
                <Nullable>enable</Nullable>
                <ImplicitUsings>enable</ImplicitUsings>
                {properties}
              </PropertyGroup>
              <ItemGroup>
                <PackageReference Include="Lathe" Version="{PackageSetup.Version}" />
                {items}
              </ItemGroup>
            </Project>
            """);
    }

    /// <summary>Writes a file of the project.</summary>
    public Consumer Write(string path, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(this[path])!);
        File.WriteAllText(this[path], text);
        return this;
    }

    /// <summary>Copies the sample model and an image of it into the project.</summary>
    public Consumer WithCharacters(string model = "characters.onnx")
    {
        File.Copy(Places.Model("characters.onnx"), this[model], overwrite: true);
        File.Copy(Places.Model("demo/A-1.pgm"), this["A.pgm"], overwrite: true);
        File.Copy(Places.Model("labels.txt"), this["labels.txt"], overwrite: true);
        return this;
    }

    /// <summary>Builds and expects success without warnings.</summary>
    public BuildResult Build(params string[] arguments)
    {
        BuildResult result = TryBuild(arguments);
        Assert.That(result.ExitCode, Is.Zero, result.Output);
        Assert.That(result.Problems, Is.Empty, result.Output);
        return result;
    }

    /// <summary>Builds.</summary>
    public BuildResult TryBuild(params string[] arguments) => Dotnet(["build", "-v", "minimal", "-tl:off", "-clp:NoSummary", "-nodeReuse:false", .. arguments]);

    /// <summary>Runs <c>dotnet</c> in the project's folder.</summary>
    public BuildResult Dotnet(params string[] arguments)
    {
        (int exitCode, string output) = Start("dotnet", arguments);
        return new(exitCode, output);
    }

    /// <summary>Runs what was built and gives what it wrote.</summary>
    public string Run(string assembly = "bin/Debug/net10.0/App.dll", params string[] arguments) => Execute("dotnet", [this[assembly], .. arguments]);

    /// <summary>Runs a program that is expected to succeed, and gives what it wrote.</summary>
    public string Execute(string program, params string[] arguments)
    {
        (int exitCode, string output) = Start(program, arguments);
        Assert.That(exitCode, Is.Zero, output);
        return output.Trim();
    }

    private (int ExitCode, string Output) Start(string program, string[] arguments)
    {
        ProcessStartInfo start = new(program) { WorkingDirectory = Folder, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in arguments) start.ArgumentList.Add(argument);
        // What the test's own host set is not what a user's shell has.
        foreach (string name in start.Environment.Keys.Where(name => name.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase)).ToArray()) start.Environment.Remove(name);
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync(), error = process.StandardError.ReadToEndAsync();
        process.WaitForExit();
        return (process.ExitCode, output.Result + error.Result);
    }
}

/// <summary>What a build said.</summary>
internal sealed record BuildResult(int ExitCode, string Output)
{
    private static readonly Regex Problem = new(@"^.*: (?:error|warning) [A-Z]+\d+.*$", RegexOptions.Multiline);

    /// <summary>Errors and warnings, each once.</summary>
    public IReadOnlyList<string> Problems => [.. Problem.Matches(Output).Select(match => match.Value.Trim()).Distinct()];

    /// <summary>The models that were compiled, as <c>model -> class</c>.</summary>
    public IReadOnlyList<string> Compiled =>
        [.. Output.Split('\n').Select(line => line.Trim()).Where(line => line.StartsWith("Lathe: ", StringComparison.Ordinal)).Select(line => line["Lathe: ".Length..])];
}
