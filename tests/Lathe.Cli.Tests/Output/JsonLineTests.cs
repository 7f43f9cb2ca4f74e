using System.Text.Json;
using Lathe.Cli.Output;

namespace Lathe.Cli.Tests.Output;

public sealed class JsonLineTests
{
    [Test]
    public void AnyText_StaysOnOneLine()
    {
        string all = string.Concat(Enumerable.Range(0, 0x3000).Where(c => !char.IsSurrogate((char)c)).Select(c => (char)c));
        string line = JsonLine.Of(new { Text = all });
        Assert.That(line.Where(c => char.IsControl(c) || c is '\u2028' or '\u2029'), Is.Empty);
        Assert.That(JsonDocument.Parse(line).RootElement.GetProperty("text").GetString(), Is.EqualTo(all));
    }

    [Test]
    public void NumbersThatJsonCannotSay_AreNull()
    {
        Assert.That(JsonLine.Of(new { A = double.NaN, B = double.PositiveInfinity, C = 0.1, D = (double?)double.NegativeInfinity }), Is.EqualTo("""{"a":null,"b":null,"c":0.1,"d":null}"""));
    }
}
