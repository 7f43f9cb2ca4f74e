using System.Text;
using Lathe.Compiler;
using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Lowering;

namespace Lathe.Cli.Models;

/// <summary>Writes a compiled model to disk.</summary>
internal static class OutputFiles
{
    /// <summary>
    /// Writes assembly, symbols, weights and manifest into a folder. The manifest comes last: what waits for it finds the others.
    /// </summary>
    /// <returns>The paths of the files.</returns>
    /// <exception cref="FailedException">A file cannot be written.</exception>
    public static IReadOnlyList<string> WriteFolder(CompiledOutput output, string directory, string model) => Guarded(model, directory, () =>
    {
        using StagedFiles files = new(directory);
        if (output.Weights is not null) files.Add(output.WeightsName, output.Weights);
        if (output.NativeFile is not null) files.Add(output.NativeFileName!, output.NativeFile);
        files.Add(output.AssemblyName + ".pdb", output.Symbols);
        files.Add(output.AssemblyName + ".dll", output.Assembly);
        files.Add(IdentifierNames.ManifestFile(output.ClassName), Encoding.UTF8.GetBytes(output.Manifest));
        return files.Commit();
    });

    /// <summary>Writes a file.</summary>
    /// <returns>Its path.</returns>
    /// <exception cref="FailedException">The file cannot be written.</exception>
    public static IReadOnlyList<string> WriteFile(string path, byte[] content, string model) => Guarded(model, path, () =>
    {
        using StagedFiles files = new(Path.GetDirectoryName(path) is { Length: > 0 } directory ? directory : ".");
        files.Add(Path.GetFileName(path), content);
        files.Commit();
        return [path];
    });

    /// <summary>Writes the generated source.</summary>
    /// <returns>The paths of the files.</returns>
    /// <exception cref="FailedException">A file cannot be written.</exception>
    public static IReadOnlyList<string> WriteSources(CompiledOutput output, string directory, string model) => Guarded(model, directory, () =>
    {
        using StagedFiles files = new(directory);
        foreach ((string name, string text) in output.Sources.OrderBy(source => source.Key, StringComparer.Ordinal)) files.Add(name, Encoding.UTF8.GetBytes(text));
        return files.Commit();
    });

    private static IReadOnlyList<string> Guarded(string model, string place, Func<IReadOnlyList<string>> write)
    {
        try
        {
            return write();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            throw new FailedException(model, DiagnosticTable.NotWritable, place, failure.Message);
        }
    }
}
