using Lathe.Generators.Manifests;

namespace Lathe.Generators.Tests;

public sealed class JsonReaderTests
{
    [Test]
    public void Read_Value_GivesItsParts()
    {
        JsonValue value = JsonReader.Read(""" { "a" : [ 1 , -0.5e+3, true, false, null, "x\"\\\/\b\f\n\r\té" ], "b": { }, "c": [] } """);
        IReadOnlyList<JsonValue> items = value.Members["a"].Items;
        Assert.Multiple(() =>
        {
            Assert.That(items.Select(item => item.Text), Is.EqualTo(new[] { "1", "-0.5e+3", "true", "false", "null", "x\"\\/\b\f\n\r\té" }));
            Assert.That(items[5].Kind, Is.EqualTo(JsonKind.String));
            Assert.That(items[1].Start, Is.EqualTo(15));
            Assert.That(value.Members["b"].Members, Is.Empty);
            Assert.That(value.Members["c"].Kind, Is.EqualTo(JsonKind.Array));
        });
    }

    [TestCase("", 0)]
    [TestCase("{\"a\":1,}", 7)]
    [TestCase("{\"a\" 1}", 5)]
    [TestCase("{a:1}", 1)]
    [TestCase("[1 2]", 3)]
    [TestCase("[1,]", 3)]
    [TestCase("[", 1)]
    [TestCase("\"a", 2)]
    [TestCase("\"a\nb\"", 2)]
    [TestCase("\"\\x\"", 2)]
    [TestCase("\"\\u12\"", 2)]
    [TestCase("\"\\u-123\"", 2)]
    [TestCase("\"\\", 2)]
    [TestCase("01", 1)]
    [TestCase("+1", 0)]
    [TestCase("1.", 2)]
    [TestCase(".5", 0)]
    [TestCase("1e", 2)]
    [TestCase("-", 1)]
    [TestCase("tru", 0)]
    [TestCase("NaN", 0)]
    [TestCase("1 1", 2)]
    [TestCase("{\"a\":1,\"a\":2}", 7)]
    [TestCase("// c\n1", 0)]
    public void Read_Malformed_TellsWhere(string text, int start) =>
        Assert.That(Assert.Throws<MalformedTextException>(() => JsonReader.Read(text))!.Start, Is.EqualTo(start));

    [Test]
    public void Read_DeepText_IsRefused()
    {
        Assert.That(() => JsonReader.Read(new string('[', 100_000)), Throws.TypeOf<MalformedTextException>());
        Assert.That(() => JsonReader.Read(string.Concat(Enumerable.Repeat("{\"a\":", 100_000))), Throws.TypeOf<MalformedTextException>());
        Assert.That(JsonReader.Read(new string('[', 32) + new string(']', 32)).Kind, Is.EqualTo(JsonKind.Array));
    }
}
