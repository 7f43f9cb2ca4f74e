using Lathe.Runtime.OpenCl;

namespace Lathe.Runtime.Tests.OpenCl;

/// <summary>Compiled programs on disk.</summary>
public sealed class ProgramCacheTests
{
    private string _folder = "";

    [SetUp]
    public void Create() => _folder = Directory.CreateTempSubdirectory("lathe-opencl").FullName;

    [TearDown]
    public void Delete() => Directory.Delete(_folder, recursive: true);

    [Test]
    public void Program_IsFoundByAllThatItDependsOn()
    {
        ProgramCache cache = new(Path.Combine(_folder, "deep", "down"));
        byte[] program = [1, 2, 3];
        string key = ProgramCache.KeyOf("platform", "device", "source");
        Assert.That(cache.Find(key), Is.Null);
        cache.Store(key, program);
        cache.Store(key, program);
        Assert.That(cache.Find(key), Is.EqualTo(program));
        Assert.That(cache.Find(ProgramCache.KeyOf("platform", "devices", "ource")), Is.Null, "where one part ends matters");
        Assert.That(Directory.GetFiles(Path.Combine(_folder, "deep", "down")), Has.Length.EqualTo(1), "nothing temporary is left");
    }

    [Test]
    public void Program_ThatIsDamaged_CountsAsAbsent()
    {
        ProgramCache cache = new(_folder);
        string key = ProgramCache.KeyOf("a");
        cache.Store(key, [.. Enumerable.Range(0, 200).Select(i => (byte)i)]);
        string file = Directory.GetFiles(_folder).Single();
        byte[] whole = File.ReadAllBytes(file);
        for (int cut = 0; cut < whole.Length; cut += 7)
        {
            File.WriteAllBytes(file, whole[..cut]);
            Assert.That(cache.Find(key), Is.Null, $"{cut} bytes");
        }

        for (int at = 0; at < whole.Length; at += 5)
        {
            byte[] other = [.. whole];
            other[at] ^= 4;
            File.WriteAllBytes(file, other);
            Assert.That(cache.Find(key), Is.Null, $"byte {at}");
        }

        cache.Store(key, [9]);
        Assert.That(cache.Find(key), Is.EqualTo(new byte[] { 9 }));
    }

    [Test]
    public void LongestUnused_GoesFirst()
    {
        ProgramCache cache = new(_folder, capacity: 1000);
        string[] keys = [.. Enumerable.Range(0, 4).Select(i => ProgramCache.KeyOf(i.ToString()))];
        for (int i = 0; i < 3; i++)
        {
            cache.Store(keys[i], new byte[250]);
            foreach (string file in Directory.GetFiles(_folder)) File.SetLastWriteTimeUtc(file, File.GetLastWriteTimeUtc(file).AddMinutes(-1));
        }

        Assert.That(cache.Find(keys[0]), Is.Not.Null, "and is the last used from here on");
        cache.Store(keys[3], new byte[250]);
        Assert.That(keys.Select(k => cache.Find(k) is not null), Is.EqualTo(new[] { true, false, true, true }));
    }

    [Test]
    public void File_OfAProcessThatWasEnded_IsRemoved()
    {
        string left = Path.Combine(_folder, ".left.tmp"), written = Path.Combine(_folder, ".written.tmp");
        File.WriteAllBytes(left, new byte[10]);
        File.WriteAllBytes(written, new byte[10]);
        File.SetLastWriteTimeUtc(left, DateTime.UtcNow.AddHours(-2));
        new ProgramCache(_folder).Store("A", [1]);
        Assert.That(File.Exists(left), Is.False);
        Assert.That(File.Exists(written), "another process may be writing it");
    }

    [Test]
    public void Place_ThatCannotBeWrittenTo_KeepsNothing()
    {
        string file = Path.Combine(_folder, "file");
        File.WriteAllText(file, "");
        ProgramCache cache = new(Path.Combine(file, "below a file"));
        Assert.That(() => cache.Store("A", [1]), Throws.Nothing);
        Assert.That(cache.Find("A"), Is.Null);
    }
}
