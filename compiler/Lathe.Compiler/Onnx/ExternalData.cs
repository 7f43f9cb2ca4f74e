using System.Globalization;
using Lathe.Compiler.Diagnostics;

namespace Lathe.Compiler.Onnx;

/// <summary>
/// Reads tensors' bytes from files beside the model: only regular files inside the model's directory, whichever way a location is written or
/// linked, and never more bytes than twice what those files hold.
/// </summary>
internal sealed class ExternalData(string directory)
{
    private readonly Dictionary<(string Path, long Offset, long Length), byte[]> _read = [];
    private readonly Dictionary<string, long> _taken = new(StringComparer.Ordinal);
    private readonly string _root = RealPath(Path.GetFullPath(directory));

    /// <summary>The bytes of a tensor.</summary>
    /// <param name="tensor">The tensor's name, for messages.</param>
    /// <param name="entries">Its external_data: location, offset, length.</param>
    /// <param name="expected">How many bytes its type and shape take.</param>
    /// <exception cref="DiagnosticException">The data is missing, too short, or outside the directory.</exception>
    public byte[] Read(string tensor, IEnumerable<StringStringEntryProto> entries, long expected)
    {
        string location = "";
        long offset = 0, length = expected;
        foreach (StringStringEntryProto entry in entries)
        {
            switch (entry.Key)
            {
                case "location": location = entry.Value; break;
                case "offset": offset = Number(tensor, entry); break;
                case "length": length = Number(tensor, entry); break;
            }
        }

        if (length != expected) throw Bad(tensor, $"its length is {length}, its type and shape take {expected} bytes");
        string path = Resolve(tensor, location);
        if (_read.TryGetValue((path, offset, length), out byte[]? known)) return known;
        try
        {
            long size = new FileInfo(path).Length;
            if (offset > size || length > size - offset) throw Bad(tensor, $"'{location}' has {size} bytes, {length} at {offset} are needed");

            // Tensors that share bytes share offsets too; overlapping ones in numbers are an attack on memory.
            long taken = _taken.GetValueOrDefault(path) + length;
            if (taken > 2 * size) throw Bad(tensor, $"tensors overlap in '{location}'");
            _taken[path] = taken;

            using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read);
            stream.Seek(offset, SeekOrigin.Begin);
            byte[] bytes = new byte[length];
            stream.ReadExactly(bytes);
            _read.Add((path, offset, length), bytes);
            return bytes;
        }
        catch (Exception failed) when (failed is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw Bad(tensor, $"'{location}': {failed.Message}");
        }
    }

    private string Resolve(string tensor, string location)
    {
        if (location.Length == 0) throw Bad(tensor, "it names no location");
        // Both separators and drive letters count on every system, so that a model is refused everywhere or nowhere.
        string[] parts = location.Split('/', '\\');
        if (Path.IsPathRooted(location) || location[0] is '/' or '\\' || location.Contains(':') || location.Contains('\0') || parts.Contains(".."))
            throw Bad(tensor, $"'{location}' is not a path inside the model's directory");
        try
        {
            string path = RealPath(Path.Combine(_root, Path.Combine(parts)));
            if (!path.StartsWith(_root.TrimEnd(Path.DirectorySeparatorChar) + Path.DirectorySeparatorChar, StringComparison.Ordinal))
                throw Bad(tensor, $"'{location}' links out of the model's directory");
            return File.Exists(path) ? path : throw Bad(tensor, $"there is no file '{location}' beside the model");
        }
        catch (Exception failed) when (failed is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw Bad(tensor, $"'{location}': {failed.Message}");
        }
    }

    /// <summary>The path with every link on the way followed.</summary>
    private static string RealPath(string path)
    {
        string real = Path.GetPathRoot(path)!;
        foreach (string part in path[real.Length..].Split(Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries))
        {
            string next = Path.Combine(real, part);
            FileSystemInfo info = Directory.Exists(next) ? new DirectoryInfo(next) : new FileInfo(next);
            FileSystemInfo? target = info.LinkTarget is null ? null : info.ResolveLinkTarget(returnFinalTarget: true);
            // A link's target may lie below further links.
            real = target is null ? next : RealPath(target.FullName);
        }

        return real;
    }

    private static long Number(string tensor, StringStringEntryProto entry) =>
        long.TryParse(entry.Value, NumberStyles.None, CultureInfo.InvariantCulture, out long number)
            ? number
            : throw Bad(tensor, $"its {entry.Key} '{entry.Value}' is no number");

    private static DiagnosticException Bad(string tensor, string reason) =>
        new(new Diagnostic(DiagnosticTable.BadExternalData, null, tensor, reason));
}
