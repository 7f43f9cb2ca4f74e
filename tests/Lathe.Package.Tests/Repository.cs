namespace Lathe.Package.Tests;

/// <summary>Places in the repository.</summary>
internal static class Repository
{
    /// <summary>The repository's root.</summary>
    public static string Root { get; } = Find();

    /// <summary>Where <c>./build.sh Pack</c> puts the packages.</summary>
    public static string Packages => Path.Combine(Root, "artifacts", "packages");

    /// <summary>A file of the sample model.</summary>
    public static string Model(string name) => Path.Combine(Root, "samples", "model", name);

    private static string Find()
    {
        DirectoryInfo? folder = new(TestContext.CurrentContext.TestDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Compiler.sln"))) folder = folder.Parent;
        return folder?.FullName ?? throw new DirectoryNotFoundException("The tests run outside the repository.");
    }
}
