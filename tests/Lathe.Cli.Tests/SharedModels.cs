namespace Lathe.Cli.Tests;

/// <summary>Data that are not part of the repository: beside it, or where LATHE_SHARED says.</summary>
internal static class SharedModels
{
    /// <summary>The path of a folder in it; the test is left out where it is not at hand.</summary>
    public static string Find(string name)
    {
        string? shared = Environment.GetEnvironmentVariable("LATHE_SHARED");
        for (DirectoryInfo? at = new(AppContext.BaseDirectory); shared is null && at is not null; at = at.Parent)
            if (Directory.Exists(Path.Combine(at.FullName, "shared", "models"))) shared = Path.Combine(at.FullName, "shared");
        string folder = Path.Combine(shared ?? "", name);
        if (!Directory.Exists(folder)) Assert.Ignore($"{name} is not at hand: it is looked for in shared beside the repository, and where LATHE_SHARED says.");
        return folder;
    }
}
