namespace Lathe.Tests;

/// <summary>
/// Text that is compared with the file in which it was last accepted. With LATHE_ACCEPT=1 the files are written in place of being compared; the
/// difference is then reviewed like any other.
/// </summary>
internal static class Snapshot
{
    private static readonly bool Accepts = Environment.GetEnvironmentVariable("LATHE_ACCEPT") == "1";

    /// <summary>Compares a text with <c>Snapshots/NAME.verified.cs</c> of a test project.</summary>
    /// <param name="project">The test project's folder under <c>tests</c>.</param>
    /// <param name="name">The file's name without its endings.</param>
    /// <param name="text">The text as it is now.</param>
    public static void Check(string project, string name, string text)
    {
        string file = Path.Combine(Folder(project), $"{name}.verified.cs");
        if (Accepts) File.WriteAllText(file, text);
        string verified = File.Exists(file) ? File.ReadAllText(file).ReplaceLineEndings("\n") : "";
        Assert.That(text, Is.EqualTo(verified), $"The text is not what was accepted in {file}. If the change is meant, run the test with LATHE_ACCEPT=1.");
    }

    /// <summary>The names of a test project's snapshots.</summary>
    public static IEnumerable<string> Names(string project) =>
        Directory.GetFiles(Folder(project)).Select(file => Path.GetFileName(file).Replace(".verified.cs", "", StringComparison.Ordinal));

    private static string Folder(string project) => Path.Combine(Places.Root, "tests", project, "Snapshots");
}
