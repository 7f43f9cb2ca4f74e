using Lathe.Cli.Output;

namespace Lathe.Cli.Tests.Output;

public sealed class TextTableTests
{
    [Test]
    public void Columns_AreAligned_AndNamesCannotBreakLines()
    {
        using StringWriter text = new() { NewLine = "\n" };
        TextTable.Write(text, ["name", "b"], [["x", "1"], ["long\nname\u001b[31m", "2"]]);
        Assert.That(text.ToString(), Is.EqualTo("name            b\n--------------  -\nx               1\nlong name [31m  2\n"));
    }

    [Test]
    public void LongCells_AreCut_ButTheLastColumnIsNot()
    {
        using StringWriter text = new() { NewLine = "\n" };
        TextTable.Write(text, ["a", "reason"], [[new string('x', 100), new string('y', 100)]]);
        Assert.That(text.ToString(), Does.Contain($"{new string('x', 71)}…  {new string('y', 100)}\n"));
    }
}
