using Lathe.Cli.Models;

namespace Lathe.Cli.Tests.Models;

public sealed class StagedFilesTests
{
    [Test]
    public void Commit_MovesAllFiles()
    {
        using TemporaryFolder folder = new();
        using (StagedFiles files = new(folder["out"]))
        {
            files.Add("a", [1]);
            files.Add("b", [2]);
            Assert.That(folder.Files(), Has.None.Matches<string>(file => !file.Contains(".lathe-")), "nothing is there before it is whole");
            Assert.That(files.Commit(), Is.EqualTo(new[] { folder["out/a"], folder["out/b"] }));
        }

        Assert.That(folder.Files(), Is.EqualTo(new[] { "out/a", "out/b" }));
    }

    [Test]
    public void Commit_ReplacesWhatWasThere()
    {
        using TemporaryFolder folder = new();
        File.WriteAllBytes(folder["a"], [9, 9, 9]);
        using (StagedFiles files = new(folder.Path))
        {
            files.Add("a", [1]);
            files.Commit();
        }

        Assert.That(folder.Files(), Is.EqualTo(new[] { "a" }));
        Assert.That(File.ReadAllBytes(folder["a"]), Is.EqualTo(new byte[] { 1 }));
    }

    [Test]
    public void Commit_ThatFailsHalfway_LeavesEverythingAsItWas()
    {
        using TemporaryFolder folder = new();
        File.WriteAllBytes(folder["a"], [9]);
        Directory.CreateDirectory(folder["c"]);
        using (StagedFiles files = new(folder.Path))
        {
            files.Add("a", [1]);
            files.Add("b", [2]);
            files.Add("c", [3]);
            Assert.That(files.Commit, Throws.InstanceOf<IOException>(), "a folder is in the way of c");
        }

        Assert.That(folder.Files(), Is.EqualTo(new[] { "a" }));
        Assert.That(File.ReadAllBytes(folder["a"]), Is.EqualTo(new byte[] { 9 }));
        Assert.That(Directory.Exists(folder["c"]), Is.True);
    }

    [Test]
    public void WithoutCommit_NothingAppears()
    {
        using TemporaryFolder folder = new();
        using (StagedFiles files = new(folder["new/deep"])) files.Add("a", [1]);
        Assert.That(folder.Files(), Is.Empty);
        Assert.That(Directory.Exists(folder["new/deep"]), Is.False);
    }
}
