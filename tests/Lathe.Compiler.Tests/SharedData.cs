namespace Lathe.Compiler.Tests;

/// <summary>
/// Test data that is not part of the repository: the directory that <c>LATHE_SHARED</c> names, or <c>shared</c> beside the repository. Tests that
/// need it are skipped, saying so, where there is none.
/// </summary>
internal static class SharedData
{
    /// <summary>The directory, or null if there is none.</summary>
    public static string? Root { get; } = Find();

    /// <summary>The models under <c>models</c>, by name; none without the data.</summary>
    public static IEnumerable<string> Models() => Root is null
        ? []
        : Directory.GetFiles(Path.Combine(Root, "models"), "model.onnx", SearchOption.AllDirectories)
            .Select(f => Path.GetRelativePath(Path.Combine(Root, "models"), Path.GetDirectoryName(f)!).Replace('\\', '/'))
            .Order(StringComparer.Ordinal);

    /// <summary>A path below the directory; skips the test where there is none.</summary>
    public static string PathOf(params string[] parts)
    {
        if (Root is null) Assert.Ignore("LATHE_SHARED names no directory with models, and there is none beside the repository.");
        return Path.Combine([Root!, .. parts]);
    }

    private static string? Find()
    {
        string? named = Environment.GetEnvironmentVariable("LATHE_SHARED");
        if (named is null)
        {
            DirectoryInfo? directory = new(AppContext.BaseDirectory);
            while (directory is not null && !File.Exists(Path.Combine(directory.FullName, "Compiler.sln"))) directory = directory.Parent;
            if (directory?.Parent is null) return null;
            named = Path.Combine(directory.Parent.FullName, "shared");
        }

        return Directory.Exists(Path.Combine(named, "models")) ? named : null;
    }
}
