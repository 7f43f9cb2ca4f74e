namespace Lathe.Tests;

/// <summary>Places in the repository, and data beside it.</summary>
internal static class Places
{
    private static readonly Lazy<string> Found = new(Find);

    /// <summary>The repository's root.</summary>
    public static string Root => Found.Value;

    /// <summary>Where <c>./build.sh Pack</c> puts the packages.</summary>
    public static string Packages => Path.Combine(Root, "artifacts", "packages");

    /// <summary>
    /// The folder of models, tests and peers that is not part of the repository: the one that LATHE_SHARED names, or <c>shared</c> beside the repository.
    /// Null where there is none.
    /// </summary>
    public static string? SharedFolder { get; } =
        (Environment.GetEnvironmentVariable("LATHE_SHARED") ?? Path.Combine(Root, "..", "shared")) is var folder && Directory.Exists(folder) ? Path.GetFullPath(folder) : null;

    /// <summary>A file or folder in <see cref="SharedFolder"/>; skips the test where it is not at hand.</summary>
    public static string Shared(params string[] parts)
    {
        string path = Path.Combine([SharedFolder ?? "", .. parts]);
        if (SharedFolder is null || !Path.Exists(path))
            Assert.Ignore($"{Path.Combine(parts)} is not at hand: it is looked for in shared beside the repository, and where LATHE_SHARED says.");
        return path;
    }

    /// <summary>A file of the sample model.</summary>
    public static string Model(string name) => Path.Combine(Root, "samples", "model", name);

    private static string Find()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Compiler.sln"))) folder = folder.Parent;
        return folder?.FullName ?? throw new DirectoryNotFoundException("The tests run outside the repository.");
    }
}
