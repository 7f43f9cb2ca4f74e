using System.Security.Cryptography;
using System.Text;
using Lathe.Compiler.Lowering;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;
using Task = Microsoft.Build.Utilities.Task;

namespace Lathe.Build;

/// <summary>
/// Says of each <c>OnnxModel</c> item which class it becomes and where its files lie. The folder's name has a hash of class and options in it:
/// target frameworks and configurations with equal options share one, others have their own.
/// </summary>
public sealed class ResolveModels : Task
{
    /// <summary>The <c>OnnxModel</c> items.</summary>
    [Required]
    public ITaskItem[] Models { get; set; } = [];

    /// <summary>The folder for all models of the project, such as <c>obj/lathe/</c>.</summary>
    [Required]
    public string OutputRoot { get; set; } = "";

    /// <summary>The project's file, for messages.</summary>
    [Required]
    public string Project { get; set; } = "";

    /// <summary>The namespace of classes whose <c>Class</c> is not given.</summary>
    public string RootNamespace { get; set; } = "";

    /// <summary>The folder for the generated sources of models that name none; each has a folder of its class's name in it. Empty for no sources.</summary>
    public string EmitSource { get; set; } = "";

    /// <summary>True in an IDE's design-time build: nothing is reported, and the newest manifest stands in for one that is not there yet.</summary>
    public bool DesignTime { get; set; }

    /// <summary>
    /// The models, with the metadata <c>LatheClass</c>, <c>LatheFolder</c>, <c>LatheManifest</c>, <c>LatheAssembly</c>, <c>LatheAssemblyName</c>,
    /// <c>LatheWeights</c>.
    /// </summary>
    [Output]
    public ITaskItem[] Resolved { get; set; } = [];

    /// <inheritdoc/>
    public override bool Execute()
    {
        List<ITaskItem> resolved = [];
        Dictionary<string, string> modelOfClass = new(StringComparer.OrdinalIgnoreCase);
        foreach (ITaskItem model in Models)
        {
            string className = ClassOf(model);
            if (!DesignTime) Check(model, className, modelOfClass);
            if (!IdentifierNames.IsClassName(className)) continue;
            resolved.Add(Resolve(model, className));
        }

        Resolved = [.. resolved];
        return !Log.HasLoggedErrors;
    }

    private void Check(ITaskItem model, string className, Dictionary<string, string> modelOfClass)
    {
        string file = model.ItemSpec;
        if (!File.Exists(file)) BuildDiagnostic.FileNotFound.Report(Log, Project, file);
        if (!IdentifierNames.IsClassName(className)) BuildDiagnostic.BadClass.Report(Log, file, className);
        else if (modelOfClass.TryGetValue(className, out string? other)) BuildDiagnostic.DuplicateClass.Report(Log, file, other, file, className);
        else modelOfClass.Add(className, file);
        foreach ((string name, string? meant) in ModelOption.Unknown(model.CloneCustomMetadata().Keys.Cast<string>()))
            BuildDiagnostic.UnknownMetadata.Report(Log, file, name, meant is null ? "" : $"; is '{meant}' meant?");
    }

    private string ClassOf(ITaskItem model)
    {
        string given = model.GetMetadata("Class").Trim();
        if (given.Length > 0) return given;
        string name = IdentifierNames.ClassName(model.ItemSpec);
        return RootNamespace.Length > 0 && IdentifierNames.IsClassName($"{RootNamespace}.{name}") ? $"{RootNamespace}.{name}" : name;
    }

    private TaskItem Resolve(ITaskItem model, string className)
    {
        TaskItem item = new(model);
        if (EmitSource.Length > 0 && item.GetMetadata("EmitSource").Length == 0) item.SetMetadata("EmitSource", Path.Combine(EmitSource, className));
        string folder = Path.Combine(OutputRoot, $"{className}-{Key(className, ModelOption.Words(item))}");
        if (DesignTime && !File.Exists(Path.Combine(folder, IdentifierNames.ManifestFile(className)))) folder = Newest(className) ?? folder;
        item.SetMetadata("LatheClass", className);
        item.SetMetadata("LatheFolder", folder);
        item.SetMetadata("LatheManifest", Path.Combine(folder, IdentifierNames.ManifestFile(className)));
        item.SetMetadata("LatheAssemblyName", IdentifierNames.AssemblyName(className));
        item.SetMetadata("LatheAssembly", Path.Combine(folder, IdentifierNames.AssemblyName(className) + ".dll"));
        item.SetMetadata("LatheNativeObject", Path.Combine(folder, IdentifierNames.AssemblyName(className) + ".o"));
        item.SetMetadata("LatheNativeLibrary", Path.Combine(folder, IdentifierNames.AssemblyName(className) + ".so"));
        item.SetMetadata("LatheWeights", Path.Combine(folder, IdentifierNames.WeightsFile(className)));
        return item;
    }

    private string? Newest(string className)
    {
        if (!Directory.Exists(OutputRoot)) return null;
        string manifest = IdentifierNames.ManifestFile(className);
        return Directory.GetDirectories(OutputRoot, className + "-*")
            .Where(folder => File.Exists(Path.Combine(folder, manifest)))
            .OrderByDescending(folder => File.GetLastWriteTimeUtc(Path.Combine(folder, manifest)))
            .FirstOrDefault();
    }

    private static string Key(string className, IReadOnlyList<string> words)
    {
        using SHA256 sha = SHA256.Create();
        byte[] hash = sha.ComputeHash(Encoding.UTF8.GetBytes(string.Join("\0", words.Prepend(className))));
        return string.Concat(hash.Take(4).Select(b => b.ToString("x2", System.Globalization.CultureInfo.InvariantCulture)));
    }
}
