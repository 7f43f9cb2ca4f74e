namespace Lathe.Build.Tests;

public sealed class BuildStampTests
{
    private TemporaryFolder _folder = null!;
    private string _model = "", _data = "", _output = "", _stamp = "";

    [SetUp]
    public void SetUp()
    {
        _folder = new();
        _model = _folder.Write("a model.onnx", "model");
        _data = _folder.Write("a.data", "data");
        _output = _folder.Write("A.lathe.json", "{}");
        _stamp = Path.Combine(_folder.Path, "stamp");
        BuildStamp.Save(_stamp, [.. BuildStamp.Take("in", [_model, _data]), .. BuildStamp.Take("out", [_output])]);
    }

    [TearDown]
    public void TearDown() => _folder.Dispose();

    [Test]
    public void IsCurrent_NothingChanged_IsTrue() => Assert.That(BuildStamp.IsCurrent(_stamp, [_model]), Is.True);

    [Test]
    public void IsCurrent_OnlyTimeChanged_IsTrueAndNotedOnce()
    {
        File.SetLastWriteTimeUtc(_model, new DateTime(2031, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        string before = File.ReadAllText(_stamp);
        Assert.That(BuildStamp.IsCurrent(_stamp, [_model]), Is.True);
        string after = File.ReadAllText(_stamp);
        Assert.That(after, Is.Not.EqualTo(before));
        Assert.That(BuildStamp.IsCurrent(_stamp, [_model]), Is.True);
        Assert.That(File.ReadAllText(_stamp), Is.EqualTo(after));
    }

    [Test]
    public void IsCurrent_ContentChangedToAnOlderFile_IsFalse()
    {
        File.WriteAllText(_model, "MODEL");
        File.SetLastWriteTimeUtc(_model, new DateTime(2001, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        Assert.That(BuildStamp.IsCurrent(_stamp, [_model]), Is.False);
    }

    [Test]
    public void IsCurrent_ExternalDataChanged_IsFalse()
    {
        File.WriteAllText(_data, "other data");
        Assert.That(BuildStamp.IsCurrent(_stamp, [_model]), Is.False);
    }

    [Test]
    public void IsCurrent_InputOrOutputGone_IsFalse([Values] bool output)
    {
        File.Delete(output ? _output : _data);
        Assert.That(BuildStamp.IsCurrent(_stamp, [_model]), Is.False);
    }

    [Test]
    public void IsCurrent_OutputTampered_IsFalse()
    {
        File.WriteAllText(_output, "[]");
        File.SetLastWriteTimeUtc(_output, DateTime.UtcNow.AddHours(1));
        Assert.That(BuildStamp.IsCurrent(_stamp, [_model]), Is.False);
    }

    [Test]
    public void IsCurrent_AnotherCompiler_IsFalse() => Assert.That(BuildStamp.IsCurrent(_stamp, [_model, "/other/lathe.dll"]), Is.False);

    [TestCase("")]
    [TestCase("lathe 2")]
    [TestCase("lathe 1\nin x")]
    [TestCase("lathe 1\nin 5 -1 aa a")]
    public void IsCurrent_DamagedStamp_IsFalse(string text)
    {
        File.WriteAllText(_stamp, text);
        Assert.That(BuildStamp.IsCurrent(_stamp, []), Is.False);
    }

    [Test]
    public void Take_MissingFile_Throws() => Assert.That(() => BuildStamp.Take("in", [_model + "x"]), Throws.InstanceOf<IOException>());
}
