using System.Text;
using Lathe.Compiler;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;

namespace Lathe.Build;

/// <summary>
/// Runs <c>lathe compile</c> for one model, unless its files are up to date. Builds that run at the same time (several target frameworks, several
/// processes) wait for each other, and those that waited find the work done.
/// </summary>
public sealed class CompileModel : ToolTask
{
    private readonly CancellationTokenSource _cancelled = new();
    private string _host = "";

    /// <summary>A model of <see cref="ResolveModels.Resolved"/>.</summary>
    [Required]
    public ITaskItem Model { get; set; } = new TaskItem();

    /// <summary>The folder for its files.</summary>
    [Required]
    public string Folder { get; set; } = "";

    /// <summary>The path of <c>lathe.dll</c>.</summary>
    [Required]
    public string Compiler { get; set; } = "";

    /// <summary>The <c>dotnet</c> that runs it.</summary>
    public string DotNet { get; set; } = "";

    /// <inheritdoc/>
    protected override string ToolName => "dotnet";

    /// <summary>The command line's words behind <c>dotnet</c>.</summary>
    internal IReadOnlyList<string> Words =>
    [
        Compiler, "compile", Model.ItemSpec, "--output", Folder, "--class", Model.GetMetadata("LatheClass"), "--inputs", Inputs, .. ModelOption.Words(Model),
    ];

    private string Stamp => Path.Combine(Folder, "stamp");

    private string Inputs => Path.Combine(Folder, "inputs");

    /// <inheritdoc/>
    public override bool Execute()
    {
        try
        {
            Directory.CreateDirectory(Folder);
            using FileStream? turn = WaitForTurn(Path.Combine(Folder, "lock"));
            if (turn is null) return false;
            string[] required = [Model.ItemSpec, .. CompilerFiles(), .. Samples()];
            if (BuildStamp.IsCurrent(Stamp, required))
            {
                Log.LogMessage(MessageImportance.Low, "{0}: {1} is up to date.", Model.ItemSpec, Model.GetMetadata("LatheClass"));
                return true;
            }

            string host = DotNetHost.Find(DotNet.Length > 0 ? DotNet : ToolName);
            if (DotNetHost.Lacks(host) is { } runtimes)
            {
                BuildDiagnostic.NoRuntime.Report(Log, Model.ItemSpec, host, runtimes);
                return false;
            }

            return Compile(host, BuildStamp.Take(BuildStamp.Entry.Input, required));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            BuildDiagnostic.FilesNotUsable.Report(Log, Model.ItemSpec, e.Message);
            return false;
        }
    }

    /// <inheritdoc/>
    public override void Cancel()
    {
        _cancelled.Cancel();
        base.Cancel();
    }

    /// <inheritdoc/>
    protected override string GenerateFullPathToTool() => _host;

    /// <inheritdoc/>
    protected override string GenerateCommandLineCommands() => string.Join(" ", Words.Select(Quoted));

    /// <inheritdoc/>
    protected override void LogToolCommand(string message) => Log.LogCommandLine(MessageImportance.Low, message);

    /// <inheritdoc/>
    protected override bool HandleTaskExecutionErrors()
    {
        if (!Log.HasLoggedErrors && !_cancelled.IsCancellationRequested)
            BuildDiagnostic.CompilerFailed.Report(Log, Model.ItemSpec, ExitCode, $"{_host} {GenerateCommandLineCommands()}");
        return false;
    }

    /// <inheritdoc/>
    protected override void LogEventsFromTextOutput(string singleLine, MessageImportance messageImportance) =>
        Log.LogMessageFromText(singleLine, messageImportance);

    private bool Compile(string host, IReadOnlyList<BuildStamp.Entry> inputs)
    {
        Log.LogMessage(MessageImportance.High, "Lathe: {0} -> {1}", Model.ItemSpec, Model.GetMetadata("LatheClass"));
        File.Delete(Stamp);
        _host = host;
        EnvironmentVariables = ["DOTNET_ROLL_FORWARD=Major"];
        if (!base.Execute()) return false;
        HashSet<string> known = new(inputs.Select(input => input.Path), StringComparer.Ordinal);
        string[] outputs = [Model.GetMetadata("LatheManifest"), Model.GetMetadata("LatheAssembly"), Model.GetMetadata("LatheWeights"), Model.GetMetadata("LatheNativeObject"), Model.GetMetadata("LatheNativeLibrary")];
        BuildStamp.Save(
            Stamp,
            [
                .. inputs,
                .. BuildStamp.Take(BuildStamp.Entry.Input, File.ReadAllLines(Inputs).Where(path => !known.Contains(path))),
                .. BuildStamp.Take(BuildStamp.Entry.Output, outputs.Where(File.Exists)),
            ]);
        return true;
    }

    /// <summary>The samples that the model is quantised and judged with: one more is a change as much as another one.</summary>
    private IEnumerable<string> Samples() =>
        new[] { "Calibration", "AccuracyData" }.Select(name => Model.GetMetadata(name).Trim()).Where(place => place.Length > 0).SelectMany(SampleFiles.Find);

    /// <summary>The compiler's own assemblies: another compiler compiles anew.</summary>
    private IEnumerable<string> CompilerFiles() =>
        Directory.GetFiles(Path.GetDirectoryName(Path.GetFullPath(Compiler))!, "*.dll")
            .Where(path => Path.GetFileName(path).StartsWith("lathe", StringComparison.OrdinalIgnoreCase))
            .OrderBy(path => path, StringComparer.Ordinal);

    /// <summary>Opens the lock's file for this task alone; null if the build was cancelled meanwhile.</summary>
    private FileStream? WaitForTurn(string path)
    {
        while (!_cancelled.IsCancellationRequested)
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException) when (File.Exists(path))
            {
                _cancelled.Token.WaitHandle.WaitOne(50);
            }
        }

        return null;
    }

    /// <summary>A word as the .NET process start splits it: in quotes, with backslashes before quotes doubled.</summary>
    private static string Quoted(string word)
    {
        if (word.Length > 0 && word.IndexOfAny([' ', '\t', '"', '\n']) < 0) return word;
        StringBuilder quoted = new("\"");
        int backslashes = 0;
        foreach (char c in word)
        {
            if (c == '"') quoted.Append('\\', backslashes + 1);
            backslashes = c == '\\' ? backslashes + 1 : 0;
            quoted.Append(c);
        }

        return quoted.Append('\\', backslashes).Append('"').ToString();
    }
}
