using Microsoft.Build.Utilities;

namespace Lathe.Build.Tests;

public sealed class ModelOptionTests
{
    [Test]
    public void Words_EveryMetadata_BecomesItsOption()
    {
        TaskItem item = new("a.onnx");
        item.SetMetadata("Class", "A.B");
        item.SetMetadata("Winograd", "off");
        item.SetMetadata("Precision", "fp32");
        item.SetMetadata("Mean", " a:1,2,3 ; b:4 ;");
        item.SetMetadata("InputFormat", "a:u8,NHWC,BGR,model=BGR; b:GRAY");
        item.SetMetadata("EmbedWeights", "True");
        item.SetMetadata("DebugKernels", "false");
        item.SetMetadata("Device", "");
        Assert.That(
            ModelOption.Words(item),
            Is.EqualTo(new[] { "--precision", "fp32", "--mean", "a:1,2,3", "--mean", "b:4", "--input-format", "a:u8,NHWC,BGR,model=BGR", "--input-format", "b:GRAY", "--winograd", "off", "--embed-weights" }));
    }

    [Test]
    public void All_Options_AreTheMetadataInLowerCaseWithDashes() => Assert.That(
        ModelOption.All.Select(option => option.Option),
        Is.EqualTo(ModelOption.All.Select(option => "--" + string.Concat(option.Metadata.Select((c, i) => char.IsUpper(c) && i > 0 ? $"-{char.ToLowerInvariant(c)}" : $"{char.ToLowerInvariant(c)}")))));

    [TestCase("Precison", "Precision")]
    [TestCase("mena", "Mean")]
    [TestCase("InputLayout", null)]
    [TestCase("Reviewer", null)]
    public void Unknown_Metadata_IsNamedWithWhatWasMeant(string name, string? meant) =>
        Assert.That(ModelOption.Unknown(["Class", "precision", "Link", name]), Is.EqualTo(new[] { (name, meant) }));
}
