using System.Text.RegularExpressions;

namespace Lathe.Repository.Tests;

/// <summary>What the documentation points to is there.</summary>
public sealed partial class DocumentationTests
{
    [Test]
    public void Links_PointToFiles()
    {
        foreach (string page in Sources.Files(".", "*.md"))
        {
            foreach (Match link in Link().Matches(File.ReadAllText(page)))
            {
                string target = link.Groups["target"].Value;
                if (target.Contains("://", StringComparison.Ordinal)) continue;
                string path = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(page)!, target));
                Assert.That(File.Exists(path) || Directory.Exists(path), $"{Path.GetRelativePath(Places.Root, page)} points to {target}");
            }
        }
    }

    [Test]
    public void Decisions_AreInTheMap()
    {
        string map = File.ReadAllText(Path.Combine(Places.Root, "docs", "ARCHITECTURE.md"));
        foreach (string decision in Directory.GetFiles(Path.Combine(Places.Root, "docs", "decisions"), "*.md"))
            Assert.That(map, Does.Contain($"(decisions/{Path.GetFileName(decision)})"));
    }

    [Test]
    public void Targets_OfTheMap_AreTasksOfTheBuild()
    {
        string tasks = File.ReadAllText(Path.Combine(Places.Root, "build.cake"));
        foreach (string task in (string[])["Demo", "Build", "Test", "Format", "Conformance", "Fuzz", "Bench", "Pack"])
            Assert.That(tasks, Does.Contain($"Task(\"{task}\")"));
    }

    [GeneratedRegex(@"\]\((?<target>[^)#\s]+)(#[^)]*)?\)")]
    private static partial Regex Link();
}
