namespace Lathe.Repository.Tests;

/// <summary>The repository's files.</summary>
internal static class Sources
{
    private static readonly string[] Generated = ["bin", "obj", "artifacts", ".git"];

    /// <summary>Files of a folder and its subfolders, without what builds make.</summary>
    public static IEnumerable<string> Files(string folder, string pattern) =>
        Directory.GetFiles(Path.Combine(Places.Root, folder), pattern, SearchOption.AllDirectories)
            .Where(path => !Path.GetRelativePath(Places.Root, path).Split(Path.DirectorySeparatorChar).Intersect(Generated).Any())
            .Order(StringComparer.Ordinal);

    /// <summary>The folders with code of the product.</summary>
    public static IReadOnlyList<string> Product { get; } = ["compiler", "generators", "kernels", "runtime"];
}
