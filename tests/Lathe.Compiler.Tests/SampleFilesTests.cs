namespace Lathe.Compiler.Tests;

[TestFixture]
internal sealed class SampleFilesTests
{
    [TestCase("", "a.npy", "b/c.PB", "b/d/e.bin", "b/d/f.npy", "g.npy")]
    [TestCase("b", "b/c.PB", "b/d/e.bin", "b/d/f.npy")]
    [TestCase("b/c.PB", "b/c.PB")]
    [TestCase("notes.txt", "notes.txt")]
    [TestCase("b/**", "b/c.PB", "b/d/e.bin", "b/d/f.npy")]
    [TestCase("**/*.npy", "a.npy", "b/d/f.npy", "g.npy")]
    [TestCase("*.npy", "a.npy", "g.npy")]
    [TestCase("b/**/*", "b/c.PB", "b/d/e.bin", "b/d/f.npy")]
    [TestCase("b/*/?.*", "b/d/e.bin", "b/d/f.npy")]
    [TestCase("**/d/*", "b/d/e.bin", "b/d/f.npy")]
    [TestCase("nothing")]
    [TestCase("nothing/*.npy")]
    public void Find_GivesWhatIsMeant(string place, params string[] expected)
    {
        using TemporaryDirectory folder = new();
        foreach (string file in (string[])["g.npy", "a.npy", "b/c.PB", "b/d/f.npy", "b/d/e.bin", "notes.txt", "b/image.png"]) folder.Write(file, [1]);
        Assert.That(SampleFiles.Find(Path.Combine(folder.Path, place)).Select(f => Path.GetRelativePath(folder.Path, f)), Is.EqualTo(expected));
    }

    [Test]
    public void Find_DoesNotFollowLinks()
    {
        using TemporaryDirectory folder = new();
        folder.Write("a/b.npy", [1]);
        Directory.CreateSymbolicLink(Path.Combine(folder.Path, "a", "up"), folder.Path);
        Assert.That(SampleFiles.Find(folder.Path), Has.Count.EqualTo(1));
    }
}
