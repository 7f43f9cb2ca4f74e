using System.Text;
using System.Text.RegularExpressions;

namespace Lathe.Compiler;

/// <summary>
/// The files of samples, as <c>--calibration</c>, <c>--data</c> of accuracy and the metadata <c>Calibration</c> and <c>AccuracyData</c> name them: a folder, a file, or a pattern such as <c>calib/**/*.npy</c>. The
/// compiler and the build share this file, so that both see the same ones.
/// </summary>
public static class SampleFiles
{
    private static readonly string[] Extensions = [".npy", ".pb", ".bin"];

    private static readonly char[] Separators = ['/', '\\'];

    /// <summary>The files, sorted by their paths; empty if there are none.</summary>
    /// <param name="place">The folder, of which all tensors' files at any depth are meant, or those in its <c>test_data_set_*</c> if it has such; the file, or the pattern.</param>
    /// <exception cref="IOException">A folder cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">A folder cannot be read.</exception>
    public static IReadOnlyList<string> Find(string place)
    {
        if (File.Exists(place)) return [place];
        string root = place;
        Regex? pattern = null;
        if (!Directory.Exists(place) && place.IndexOfAny(['*', '?']) is var wild && wild >= 0)
        {
            int end = place.LastIndexOfAny(Separators, wild);
            root = end < 0 ? "." : end == 0 ? place.Substring(0, 1) : place.Substring(0, end);
            pattern = Pattern(place.Substring(end + 1));
        }

        if (!Directory.Exists(root)) return [];
        List<(string Relative, string Path)> found = [];
        // A model's folder has its test data in folders of this name, and other things beside them.
        string[] sets = pattern is null ? Directory.GetDirectories(root, "test_data_set_*") : [];
        foreach (string set in sets) Collect(set, Path.GetFileName(set) + "/", found);
        if (sets.Length == 0) Collect(root, "", found);
        return
        [
            .. found.Where(file => Extensions.Contains(Path.GetExtension(file.Path).ToLowerInvariant()) && (pattern is null || pattern.IsMatch(file.Relative)))
                .OrderBy(file => file.Relative, StringComparer.Ordinal).Select(file => file.Path),
        ];
    }

    private static void Collect(string folder, string prefix, List<(string Relative, string Path)> found)
    {
        foreach (string file in Directory.GetFiles(folder)) found.Add((prefix + Path.GetFileName(file), file));
        foreach (string inner in Directory.GetDirectories(folder))
        {
            // A link may lead back up.
            if ((File.GetAttributes(inner) & FileAttributes.ReparsePoint) == 0) Collect(inner, prefix + Path.GetFileName(inner) + "/", found);
        }
    }

    /// <summary><c>**</c> stands for any folders, <c>*</c> and <c>?</c> for what has no separator.</summary>
    private static Regex Pattern(string glob)
    {
        StringBuilder regex = new("^");
        glob = glob.Replace('\\', '/');
        for (int i = 0; i < glob.Length; i++)
        {
            if (string.CompareOrdinal(glob, i, "**/", 0, 3) == 0)
            {
                regex.Append("(?:[^/]+/)*");
                i += 2;
            }
            else if (string.CompareOrdinal(glob, i, "**", 0, 2) == 0 && i + 2 == glob.Length)
            {
                regex.Append(".*");
                i++;
            }
            else if (glob[i] == '*') regex.Append("[^/]*");
            else if (glob[i] == '?') regex.Append("[^/]");
            else regex.Append(Regex.Escape(glob.Substring(i, 1)));
        }

        return new Regex(regex.Append('$').ToString(), RegexOptions.CultureInvariant);
    }
}
