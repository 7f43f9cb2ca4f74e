namespace Lathe.Repository.Tests;

/// <summary>The repository's files.</summary>
internal static class Sources
{
    private static readonly string[] Generated = ["bin", "obj", "artifacts", ".git"];

    /// <summary>The repository's root.</summary>
    public static string Root { get; } = Find();

    /// <summary>Files of a folder and its subfolders, without what builds make.</summary>
    public static IEnumerable<string> Files(string folder, string pattern) =>
        Directory.GetFiles(Path.Combine(Root, folder), pattern, SearchOption.AllDirectories)
            .Where(path => !Path.GetRelativePath(Root, path).Split(Path.DirectorySeparatorChar).Intersect(Generated).Any())
            .Order(StringComparer.Ordinal);

    /// <summary>The folders with code of the product.</summary>
    public static IReadOnlyList<string> Product { get; } = ["compiler", "generators", "kernels", "runtime"];

    private static string Find()
    {
        DirectoryInfo? folder = new(TestContext.CurrentContext.TestDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Compiler.sln"))) folder = folder.Parent;
        return folder?.FullName ?? throw new DirectoryNotFoundException("The tests run outside the repository.");
    }
}
