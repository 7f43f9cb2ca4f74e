using System.Text.Json;
using Lathe.Cli.Tensors;
using Lathe.Compiler.Graph;
using Lathe.Runtime;

namespace Lathe.Cli.Tests.Tensors;

public sealed class DumpFolderTests
{
    private static readonly DumpFolder Sample = new(
        "model.onnx",
        ulong.MaxValue,
        [new NamedTensor("x\"y", TensorData.OfFloats([1.5f, float.NaN], 1, 2))],
        [new NamedTensor("scalar", TensorData.Of<long>(ElementType.Int64, [-3])), new NamedTensor("empty", TensorData.Zeros(ElementType.UInt8, 0, 3))]);

    [Test]
    public void ReadsBackWhatWasWritten()
    {
        using TemporaryFolder folder = new();
        Sample.Write(folder.Path);
        DumpFolder read = DumpFolder.Read(folder.Path);
        Assert.That(read.Model, Is.EqualTo(Sample.Model));
        Assert.That(read.Seed, Is.EqualTo(Sample.Seed));
        foreach ((NamedTensor ours, NamedTensor theirs) in read.Inputs.Concat(read.Outputs).Zip(Sample.Inputs.Concat(Sample.Outputs)))
        {
            Assert.That(ours.Name, Is.EqualTo(theirs.Name));
            Assert.That(ours.Data.Element, Is.EqualTo(theirs.Data.Element));
            Assert.That(ours.Data.Dims, Is.EqualTo(theirs.Data.Dims));
            Assert.That(ours.Data.Bytes, Is.EqualTo(theirs.Data.Bytes));
        }
    }

    [Test]
    public void HasTheFormThatOtherToolsRead()
    {
        using TemporaryFolder folder = new();
        Sample.Write(folder.Path);
        Assert.That(folder.Files(), Is.EqualTo(new[] { "in_0.bin", "manifest.json", "out_0.bin", "out_1.bin" }));
        JsonElement manifest = JsonDocument.Parse(File.ReadAllText(folder["manifest.json"])).RootElement;
        JsonElement input = manifest.GetProperty("inputs")[0];
        Assert.That(input.GetProperty("name").GetString(), Is.EqualTo("x\"y"));
        Assert.That(input.GetProperty("dtype").GetString(), Is.EqualTo("float32"));
        Assert.That(input.GetProperty("shape").EnumerateArray().Select(d => d.GetInt32()), Is.EqualTo(new[] { 1, 2 }));
        Assert.That(input.GetProperty("file").GetString(), Is.EqualTo("in_0.bin"));
        Assert.That(manifest.GetProperty("outputs")[0].GetProperty("shape").GetArrayLength(), Is.Zero);
        Assert.That(File.ReadAllBytes(folder["in_0.bin"]), Is.EqualTo(new byte[] { 0, 0, 0xC0, 0x3F, 0, 0, 0xC0, 0xFF }));
    }

    [Test]
    public void FolderThatHeldAnother_HasNoManifestUntilItIsWhole()
    {
        using TemporaryFolder folder = new();
        Sample.Write(folder.Path);
        DumpFolder broken = Sample with { Outputs = [new NamedTensor("y", TensorData.OfStrings(["no bytes"], 1))] };
        File.Delete(folder["out_0.bin"]);
        Directory.CreateDirectory(folder["out_0.bin"]);
        Assert.That(() => broken.Write(folder.Path), Throws.InstanceOf<UnauthorizedAccessException>());
        Assert.That(File.Exists(folder["manifest.json"]), Is.False);
    }
}
