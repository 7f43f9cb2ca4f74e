using Lathe.Runtime;

namespace Lathe.Compiler.Tests;

[TestFixture]
internal sealed class InputFormatTests
{
    [TestCase("u8,NHWC,BGR", ElementType.UInt8, false, "BGR", null)]
    [TestCase("BGRA , f16 , NCHW", ElementType.Float16, true, "BGRA", null)]
    [TestCase("RGBP", null, true, "RGB", null)]
    [TestCase("i8,model=BGR", ElementType.Int8, null, null, "BGR")]
    public void Parse_ReadsWordsInAnyOrder(string text, ElementType? element, bool? isPlanar, string? order, string? model) =>
        Assert.That(InputFormat.Parse(text), Is.EqualTo(new InputFormat(element, isPlanar, order, model)));

    [TestCase("u8,i8", "'i8' contradicts")]
    [TestCase("u8,u8", "'u8' contradicts")]
    [TestCase("NHWC,NCHW", "'NCHW' contradicts")]
    [TestCase("RGBP,NHWC", "RGBP are planes, which contradicts NHWC")]
    [TestCase("RGB,RGBP", "'RGBP' contradicts")]
    [TestCase("model=RGB,model=BGR", "'model=BGR' contradicts")]
    [TestCase("", "'' is not one of u8")]
    [TestCase("rgb", "'rgb' is not one of")]
    [TestCase("model=XYZ", "'model=XYZ' is not one of")]
    public void Parse_RefusesWhatIsUnknownOrContradicts(string text, string message) =>
        Assert.That(() => InputFormat.Parse(text), Throws.TypeOf<FormatException>().With.Message.Contains(message));

    [TestCase("RGB", 3, new[] { 0, 1, 2 })]
    [TestCase("BGR", 3, new[] { 2, 1, 0 })]
    [TestCase("BGR,model=BGR", 3, new[] { 0, 1, 2 })]
    [TestCase("BGRA", 3, new[] { 2, 1, 0 })]
    [TestCase("RGBA,model=BGRA", 4, new[] { 2, 1, 0, 3 })]
    [TestCase("GRAY", 3, new[] { 0, 0, 0 })]
    [TestCase("GRAY", 1, new[] { 0 })]
    [TestCase("u8", 7, new[] { 0, 1, 2, 3, 4, 5, 6 })]
    public void Selection_SaysWhichChannelsAreRead(string text, int channels, int[] expected) =>
        Assert.That(InputFormat.Parse(text).Selection(channels), Is.EqualTo(expected));

    [TestCase("RGB", 1, "RGB has not the channels of a model that takes GRAY")]
    [TestCase("RGB", 4, "RGB has not the channels of a model that takes RGBA")]
    [TestCase("GRAY", 4, "GRAY has not the channels")]
    [TestCase("RGB", 2, "RGB does not fit a model of 2 channels")]
    [TestCase("RGB,model=RGBA", 3, "a model of 3 channels does not take RGBA")]
    public void Selection_RefusesWhatDoesNotFit(string text, int channels, string message) =>
        Assert.That(() => InputFormat.Parse(text).Selection(channels), Throws.TypeOf<FormatException>().With.Message.Contains(message));

    [Test]
    public void Options_AreTheSameOnlyForEqualFormats()
    {
        static string Text(string format) => new CompileOptions { InputFormats = new Dictionary<string, InputFormat> { ["x"] = InputFormat.Parse(format) } }.CanonicalText();
        Assert.That(Text("u8,NHWC"), Is.EqualTo(Text("NHWC,u8")));
        Assert.That(new[] { "u8", "i8", "u8,NHWC", "u8,NCHW", "u8,RGB", "u8,model=RGB" }.Select(Text).Distinct().Count(), Is.EqualTo(6));
    }
}
