using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Lathe.Cli.Arguments;
using Lathe.Cli.Output;
using Lathe.Cli.Precompilation;
using Lathe.Compiler;
using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Onnx;

namespace Lathe.Cli.Models;

/// <summary>
/// Compiled models by what they were made of: the model's bytes, the options, and the build of the compiler. In the folder that LATHE_CACHE
/// names, or else in <c>lathe</c> under XDG_CACHE_HOME or ~/.cache. Safe for use by several processes.
/// </summary>
internal sealed class CompileCache(string directory)
{
    /// <summary>How many models stay; the longest unused go.</summary>
    private const int Capacity = 64;

    private const string EntryFile = "entry.json";

    /// <summary>The user's cache.</summary>
    public static CompileCache OfUser()
    {
        if (Environment.GetEnvironmentVariable("LATHE_CACHE") is { Length: > 0 } own) return new CompileCache(own);
        string root = Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } xdg
            ? xdg
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache");
        return new CompileCache(Path.Combine(root, "lathe"));
    }

    /// <summary>The compiled form of a model, out of the cache or compiled now; an assembly is taken as it is.</summary>
    /// <exception cref="FailedException">The model cannot be compiled, or the cache cannot be written to.</exception>
    public CompiledFile Get(ModelRequest request, Terminal terminal, CancellationToken cancellation)
    {
        if (request.IsCompiled) return new CompiledFile(request.Path, null, []);
        // What is to be dumped comes from compiling.
        string? place = KeyOf(request) is { } key ? Path.Combine(directory, key) : null;
        if (place is not null && request.Options.DumpAfter.Count == 0 && Find(place) is { } known)
        {
            foreach (Message warning in known.Warnings) terminal.Error.WriteLine($"{request.Path} : warning {warning.Id}: {warning.Text}");
            return known;
        }

        (CompiledOutput output, IReadOnlyList<Diagnostic> warnings, double ms) = ModelCompiler.Compile(request, terminal, cancellation);
        if (place is null) throw new FailedException(request.Path, DiagnosticTable.FileNotReadable, "it went away while it was compiled");
        CompiledFile made = new(output.AssemblyName + ".dll", ms, [.. warnings.Select(Message.Of)]);
        Store(place, output, made, request.Path);
        return made with { Path = Path.Combine(place, made.Path) };
    }

    /// <summary>The name of a model's entry; null if its file cannot be read, which compiling it will explain.</summary>
    private static string? KeyOf(ModelRequest request)
    {
        try
        {
            using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            hash.AppendData(BuildId.Bytes);
            hash.AppendData(Encoding.UTF8.GetBytes(request.Options.CanonicalText()));
            if (request.Options.Kernels != "csharp") hash.AppendData(Encoding.UTF8.GetBytes($"libLLVM {CompileOptions.LibLLVM}"));
            request.Calibration?.AppendTo(hash);
            if (request.Precompiled is { } isa) hash.AppendData(Encoding.UTF8.GetBytes($"{isa} {Crossgen.Own!.Identity}"));
            hash.AppendData(File.ReadAllBytes(request.Path));
            hash.AppendData(Encoding.UTF8.GetBytes(Path.GetFileName(request.Path)));
            // Files beside the model may be larger than memory, and are no regular ones if the model is hostile: their state, not their content.
            foreach (string name in OnnxFrontEnd.ExternalFiles(request.Path))
            {
                FileInfo file = new(Path.Combine(Path.GetDirectoryName(Path.GetFullPath(request.Path))!, name));
                hash.AppendData(Encoding.UTF8.GetBytes($"{name}|{(file.Exists ? file.Length : -1)}|{(file.Exists ? file.LastWriteTimeUtc.Ticks : 0)}"));
            }

            return Convert.ToHexStringLower(hash.GetHashAndReset());
        }
        catch (Exception failure) when (failure is DiagnosticException or IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            return null;
        }
    }

    private static CompiledFile? Find(string place)
    {
        string entry = Path.Combine(place, EntryFile);
        if (!File.Exists(entry)) return null;
        CompiledFile stored = JsonSerializer.Deserialize<CompiledFile>(File.ReadAllBytes(entry), JsonLine.Options)!;
        File.SetLastWriteTimeUtc(entry, DateTime.UtcNow);
        return stored with { Path = Path.Combine(place, stored.Path) };
    }

    private void Store(string place, CompiledOutput output, CompiledFile made, string model)
    {
        string temporary = Path.Combine(directory, $".{Guid.NewGuid():N}");
        OutputFiles.WriteFolder(output, temporary, model);
        try
        {
            File.WriteAllBytes(Path.Combine(temporary, EntryFile), JsonSerializer.SerializeToUtf8Bytes(made, JsonLine.Options));
            try
            {
                Directory.Move(temporary, place);
            }
            catch (IOException) when (Directory.Exists(place))
            {
                // Another process was faster; what it made is the same.
                Directory.Delete(temporary, recursive: true);
            }

            Prune();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new FailedException(model, DiagnosticTable.NotWritable, directory, failure.Message);
        }
    }

    private void Prune()
    {
        foreach (string old in Directory.GetDirectories(directory)
                     .Where(entry => !Path.GetFileName(entry).StartsWith('.'))
                     .OrderByDescending(entry => File.GetLastWriteTimeUtc(Path.Combine(entry, EntryFile)))
                     .Skip(Capacity))
            Directory.Delete(old, recursive: true);
    }
}
