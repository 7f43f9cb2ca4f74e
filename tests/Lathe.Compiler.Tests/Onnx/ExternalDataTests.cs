using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Graph;
using Lathe.Compiler.Onnx;
using Lathe.Runtime;

namespace Lathe.Compiler.Tests.Onnx;

[TestFixture]
internal sealed class ExternalDataTests
{
    private TemporaryDirectory _directory = null!;

    [SetUp]
    public void MakeFiles()
    {
        _directory = new TemporaryDirectory();
        _directory.Write("secret.bin", new byte[64]);
        _directory.Write("model/weights.bin", [.. Enumerable.Range(0, 64).Select(i => (byte)i)]);
        _directory.Write("model/sub/more.bin", new byte[16]);
    }

    [TearDown]
    public void RemoveFiles() => _directory.Dispose();

    private string ModelDirectory => Path.Combine(_directory.Path, "model");

    private static TensorProto Tensor(string location, string? offset = null, string? length = null, long count = 4)
    {
        TensorProto tensor = new() { Name = "w", DataType = (int)ElementType.Float32, DataLocation = TensorProto.Types.DataLocation.External };
        tensor.Dims.Add(count);
        tensor.ExternalData.Add(new StringStringEntryProto { Key = "location", Value = location });
        if (offset is not null) tensor.ExternalData.Add(new StringStringEntryProto { Key = "offset", Value = offset });
        if (length is not null) tensor.ExternalData.Add(new StringStringEntryProto { Key = "length", Value = length });
        return tensor;
    }

    private string Refusal(TensorProto tensor)
    {
        Diagnostic diagnostic = Assert.Throws<DiagnosticException>(() => new TensorReader(ModelDirectory).Read(tensor))!.Diagnostic;
        Assert.That(diagnostic.Descriptor.Id, Is.EqualTo("LATHE0006"));
        return diagnostic.Message;
    }

    [Test]
    public void Data_InsideTheDirectory_IsRead()
    {
        TensorData data = new TensorReader(ModelDirectory).Read(Tensor("weights.bin", "16", "16"));
        Assert.That(data.Bytes, Is.EqualTo(Enumerable.Range(16, 16).Select(i => (byte)i)));
        Assert.That(new TensorReader(ModelDirectory).Read(Tensor("sub/more.bin")).Count, Is.EqualTo(4));
        Assert.That(new TensorReader(ModelDirectory).Read(Tensor("./sub/more.bin")).Count, Is.EqualTo(4));
    }

    [TestCase("../secret.bin")]
    [TestCase("sub/../../secret.bin")]
    [TestCase("..\\secret.bin")]
    [TestCase("sub/../weights.bin")]
    [TestCase("/etc/passwd")]
    [TestCase("\\\\server\\share")]
    [TestCase("C:\\secret.bin")]
    [TestCase("C:secret.bin")]
    [TestCase("a\0b")]
    public void Location_OutsideTheDirectory_IsRefused(string location) => Assert.That(Refusal(Tensor(location)), Does.Contain("inside the model's directory"));

    [Test]
    public void AbsoluteLocation_OfTheVeryFile_IsRefused() =>
        Assert.That(Refusal(Tensor(Path.Combine(ModelDirectory, "weights.bin"))), Does.Contain("inside the model's directory"));

    [Test]
    [Platform(Exclude = "Win", Reason = "links need a privilege there")]
    public void Link_OutOfTheDirectory_IsRefused_AndOneInsideIsFollowed()
    {
        File.CreateSymbolicLink(Path.Combine(ModelDirectory, "out.bin"), Path.Combine(_directory.Path, "secret.bin"));
        Directory.CreateSymbolicLink(Path.Combine(ModelDirectory, "up"), _directory.Path);
        File.CreateSymbolicLink(Path.Combine(ModelDirectory, "in.bin"), "weights.bin");
        File.CreateSymbolicLink(Path.Combine(ModelDirectory, "loop.bin"), "loop.bin");
        Assert.That(Refusal(Tensor("out.bin")), Does.Contain("links out"));
        Assert.That(Refusal(Tensor("up/secret.bin")), Does.Contain("links out"));
        Assert.That(Refusal(Tensor("loop.bin")), Does.Contain("loop.bin"));
        Assert.That(new TensorReader(ModelDirectory).Read(Tensor("in.bin")).Count, Is.EqualTo(4));
    }

    [Test]
    [Platform(Exclude = "Win", Reason = "links need a privilege there")]
    public void ModelDirectory_ReachedThroughALink_IsThatDirectory()
    {
        string link = Path.Combine(_directory.Path, "link");
        Directory.CreateSymbolicLink(link, ModelDirectory);
        Assert.That(new TensorReader(link).Read(Tensor("weights.bin")).Count, Is.EqualTo(4));
    }

    [Test]
    public void MissingOrShortData_IsRefused()
    {
        Assert.That(Refusal(Tensor("none.bin")), Does.Contain("no file"));
        Assert.That(Refusal(Tensor("sub")), Does.Contain("no file"));
        Assert.That(Refusal(Tensor("")), Does.Contain("no location"));
        Assert.That(Refusal(Tensor("weights.bin", "60")), Does.Contain("64 bytes"));
        Assert.That(Refusal(Tensor("weights.bin", "9223372036854775807")), Does.Contain("64 bytes"));
        Assert.That(Refusal(Tensor("weights.bin", "-4")), Does.Contain("no number"));
        Assert.That(Refusal(Tensor("weights.bin", "0", "8")), Does.Contain("length is 8"));
    }

    [Test]
    public void SharedData_IsReadOnce_AndOverlappingDataIsRefused()
    {
        TensorReader reader = new(ModelDirectory);
        for (int i = 0; i < 100; i++) reader.Read(Tensor("weights.bin", count: 16));
        for (int i = 1; i < 5; i++) reader.Read(Tensor("weights.bin", $"{i}", count: 4));
        Assert.That(
            () => { for (int i = 0; i < 60; i++) reader.Read(Tensor("weights.bin", $"{i}", count: 1)); },
            Throws.TypeOf<DiagnosticException>().With.Message.Contains("overlap"));
    }
}
