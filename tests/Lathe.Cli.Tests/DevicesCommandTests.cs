using System.Text.Json;

namespace Lathe.Cli.Tests;

public sealed class DevicesCommandTests
{
    [Test]
    public void Json_DescribesTheProcessor_AndTheProfileHoldsTheSame()
    {
        using TemporaryFolder folder = new();
        JsonElement json = Cli.Json(0, "devices", "devices", "-o", folder["cpu.json"]);
        JsonElement cpu = json.GetProperty("cpu");
        Assert.That(cpu.GetProperty("cores").GetInt32(), Is.EqualTo(Environment.ProcessorCount));
        Assert.That(
            cpu.GetProperty("peak_gflops").EnumerateObject().Select(peak => peak.Name),
            Is.EquivalentTo(cpu.GetProperty("isa").EnumerateArray().Select(isa => isa.GetString())), "each instruction set is measured");
        Schema.Check("devices", File.ReadAllText(folder["cpu.json"]));
        Assert.That(File.ReadAllText(folder["cpu.json"]), Is.EqualTo(json.GetRawText() + "\n"));
    }

    [Test]
    public void ProfileThatCannotBeWritten_IsOneDiagnostic()
    {
        using TemporaryFolder folder = new();
        Assert.That(Cli.Fails(1, "devices", "-o", folder.Path), Does.StartWith("lathe : error LATHE0603: "));
        Assert.That(folder.Files(), Is.Empty);
    }
}
