using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Lathe.Build;

/// <summary>
/// What a compiled model was made of and what came out, kept beside it: it is up to date while the inputs have the same content and the outputs
/// are untouched. Content counts, not time: a file whose time changed is hashed, so that a fresh checkout compiles nothing and an older file that
/// is put in the place of a newer one does.
/// </summary>
internal static class BuildStamp
{
    private const string Header = "lathe 1";

    /// <summary>True if what is in the stamp holds. Where only times changed, the stamp is written anew.</summary>
    /// <param name="stamp">The stamp's file.</param>
    /// <param name="inputs">Files that must be among its inputs: the model and the compiler.</param>
    /// <exception cref="IOException">A file cannot be read.</exception>
    public static bool IsCurrent(string stamp, IReadOnlyCollection<string> inputs)
    {
        if (!File.Exists(stamp)) return false;
        string[] lines = File.ReadAllLines(stamp);
        if (lines.Length == 0 || lines[0] != Header) return false;
        List<Entry> entries = [];
        bool touched = false;
        foreach (string line in lines.Skip(1))
        {
            if (Entry.Parse(line) is not { } entry || Entry.Of(entry.Kind, entry.Path) is not { } present) return false;
            if (present.Length != entry.Length) return false;
            if (present.Time != entry.Time)
            {
                if (present.WithHash() is not { } hashed || hashed.Hash != entry.Hash) return false;
                touched = true;
            }

            entries.Add(present with { Hash = entry.Hash });
        }

        HashSet<string> known = new(entries.Where(entry => entry.Kind == Entry.Input).Select(entry => entry.Path), StringComparer.Ordinal);
        if (!inputs.All(known.Contains)) return false;
        if (touched) Save(stamp, entries);
        return true;
    }

    /// <summary>The state of files before something is made of them.</summary>
    /// <exception cref="IOException">A file cannot be read.</exception>
    public static IReadOnlyList<Entry> Take(string kind, IEnumerable<string> paths) =>
        [.. paths.Distinct(StringComparer.Ordinal).Select(path => Entry.Of(kind, path)?.WithHash() ?? throw new FileNotFoundException($"'{path}' is missing", path))];

    /// <summary>Writes a stamp.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    public static void Save(string stamp, IEnumerable<Entry> entries)
    {
        string temporary = stamp + ".new";
        File.WriteAllLines(temporary, entries.Select(entry => entry.ToString()).Prepend(Header));
        File.Delete(stamp);
        File.Move(temporary, stamp);
    }

    /// <summary>A file of a stamp.</summary>
    internal sealed record Entry(string Kind, long Length, long Time, string Hash, string Path)
    {
        public const string Input = "in", Output = "out";

        public static Entry? Of(string kind, string path)
        {
            FileInfo file = new(path);
            return file.Exists ? new(kind, file.Length, file.LastWriteTimeUtc.Ticks, "", path) : null;
        }

        public static Entry? Parse(string line)
        {
            string[] parts = line.Split([' '], 5);
            return parts.Length == 5
                && long.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out long length)
                && long.TryParse(parts[2], NumberStyles.None, CultureInfo.InvariantCulture, out long time)
                ? new(parts[0], length, time, parts[3], parts[4])
                : null;
        }

        public Entry WithHash()
        {
            using SHA256 sha = SHA256.Create();
            using FileStream stream = File.OpenRead(Path);
            StringBuilder hash = new(64);
            foreach (byte b in sha.ComputeHash(stream)) hash.Append(b.ToString("x2", CultureInfo.InvariantCulture));
            return this with { Hash = hash.ToString() };
        }

        public override string ToString() =>
            string.Join(" ", Kind, Length.ToString(CultureInfo.InvariantCulture), Time.ToString(CultureInfo.InvariantCulture), Hash, Path);
    }
}
