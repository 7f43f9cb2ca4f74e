using System.Text.Json;
using System.Text.RegularExpressions;
using Lathe.Cli.Machine;
using Lathe.Compiler.Tuning;
using Lathe.Runtime.Plans;

namespace Lathe.Cli.Tests;

public sealed class TuneCommandTests
{
    private static readonly string Best = Isas.Best().Name();

    private TemporaryFolder _folder = new();

    private string Model => _folder["tiny.onnx"];

    private string Record => _folder["tiny.tuning"];

    [SetUp]
    public void Write()
    {
        _folder = new TemporaryFolder();
        File.WriteAllBytes(Model, TinyOnnx.Product());
    }

    [TearDown]
    public void Remove() => _folder.Dispose();

    [Test]
    public void Tune_WritesEveryCandidateWithItsFigure_AndCompilationsTakeTheChoice()
    {
        JsonElement json = Cli.Json(0, "tune", "tune", Model, "--time", "0.05", "--shape", "x=16,24");
        Assert.That(json.GetProperty("file").GetString(), Is.EqualTo(Record));
        TuningEntry entry = TuningFormat.Parse(File.ReadAllText(Record)).Entries.Single();
        Assert.That(entry.Isa.Name(), Is.EqualTo(Best));
        Assert.That(entry.Figures, Has.Count.GreaterThan(3));
        Assert.That(entry.Figures.Count(f => f.IsDefault), Is.EqualTo(1));
        Assert.That(entry.Figures.Select(f => f.Microseconds), Is.All.Positive);

        // A choice that is not the default's: it is what is compiled.
        TuningFigure other = entry.Figures.First(f => !f.IsDefault);
        Choose(entry, other.Choice);
        JsonElement choice = Inspect("--tuning", Record).EnumerateArray().Single(c => c.GetProperty("isa").GetString() == Best);
        Assert.That(choice.GetProperty("choice").GetString(), Is.EqualTo(other.Choice));
        Assert.That(choice.GetProperty("from").GetString(), Is.EqualTo("tuning"));
        Assert.That(choice.GetProperty("signature").GetString(), Is.EqualTo(entry.Signature));
        Assert.That(Inspect().EnumerateArray().Select(c => c.GetProperty("from").GetString()), Is.All.EqualTo("model"));
        Assert.That(Cli.Run("inspect", Model, "--shape", "x=16,24", "--tuning", Record).Output, Does.Contain($"{other.Choice} (tuned)").And.Contain("1 of 3 choices are tuned"));
        Cli.Json(0, "run", "run", Model, "--shape", "x=16,24", "--tuning", Record);
    }

    [Test]
    public void Tune_KeepsTheEntriesOfOtherModels()
    {
        File.WriteAllText(Record, $"lathe-tuning 1\ncpu {CpuDescription.ProcessorName()}\nthreads 1\navx2 other:1:00 x:1\n");
        Cli.Json(0, "tune", "tune", Model, "--time", "0.01", "--shape", "x=3,24", "-o", Record);
        Assert.That(TuningFormat.Parse(File.ReadAllText(Record)).Entries, Has.Count.EqualTo(2));
        string before = File.ReadAllText(Record);
        Assert.That(Cli.Fails(1, "tune", Model, "--time", "0.01", "--threads", "2"), Does.Contain("error LATHE0007: option --output: ").And.Contain("give another file"));
        Assert.That(File.ReadAllText(Record), Is.EqualTo(before));
    }

    [Test]
    public void Compile_WithARecord_IsDeterministic_AndNamesItAsAnInput()
    {
        ChooseSmallBody();
        foreach (string place in (string[])["a", "b"])
            Cli.Json(0, "compile", "compile", Model, "--shape", "x=16,24", "--tuning", Record, "-o", _folder[place], "--inputs", _folder["inputs"]);
        foreach (string file in Directory.GetFiles(_folder["a"]))
            Assert.That(File.ReadAllBytes(Path.Combine(_folder["b"], Path.GetFileName(file))), Is.EqualTo(File.ReadAllBytes(file)), file);
        Assert.That(File.ReadAllLines(_folder["inputs"]), Is.EqualTo(new[] { Model, Record }));
    }

    [Test]
    public void RecordWithoutAnEntryForTheModel_IsAWarning()
    {
        File.WriteAllText(Record, $"lathe-tuning 1\ncpu A\nthreads 1\n{Best} other:1:00 x:1\n");
        JsonElement warnings = Cli.Json(0, "compile", "compile", Model, "--tuning", Record, "-o", _folder["out"]).GetProperty("warnings");
        Assert.That(warnings.EnumerateArray().Select(w => w.GetProperty("id").GetString()), Is.EqualTo(new[] { "LATHE0203" }));
        Assert.That(Cli.Run("run", Model, "--tuning", Record).Error, Does.Contain("warning LATHE0616: ").And.Contain("measured on 'A'"), "the machine is another");
    }

    [Test]
    public void ChoiceThatIsNoCandidate_IsRefused()
    {
        ChooseSmallBody();
        File.WriteAllText(Record, Regex.Replace(File.ReadAllText(Record), @"(?<= \d+)x", "00x"));
        Assert.That(Cli.Fails(1, "compile", Model, "--shape", "x=16,24", "--tuning", Record, "-o", _folder["out"]), Does.Match(@"^\S+tiny\.onnx : error LATHE0202: .*'\d+00x\d,64,panels'[^\n]*\n$"));
        Assert.That(Directory.Exists(_folder["out"]), Is.False);
    }

    [Test]
    public void MalformedRecord_IsOneDiagnosticWithTheLine()
    {
        File.WriteAllText(Record, "lathe-tuning 1\ncpu A\nthreads 1\navx2 short\n");
        foreach (string[] command in (string[][])[["run", Model, "--tuning", Record], ["tune", Model]])
            Assert.That(Cli.Fails(1, command), Does.Match(@"^\S+tiny\.tuning : error LATHE0204: [^\n]*line 4: [^\n]*\n$"));
        Assert.That(Cli.Fails(1, "run", Model, "--tuning", _folder["none"]), Does.Contain("error LATHE0007: option --tuning: "));
    }

    [Test]
    public void WhatCannotBeTuned_LeavesNoFile()
    {
        File.WriteAllBytes(Model, TinyOnnx.Unsupported());
        Cli.Fails(1, "tune", Model);
        Assert.That(File.Exists(Record), Is.False);
        Assert.That(Cli.Fails(2, "tune", _folder["a.dll"]), Does.Contain("compiled already"));
        Cli.Fails(2, "tune", Model, "--time", "-1");
    }

    /// <summary>Writes a record that chooses a smaller body than the default.</summary>
    private void ChooseSmallBody()
    {
        JsonElement choice = Inspect().EnumerateArray().First();
        File.WriteAllText(
            Record,
            $"lathe-tuning 1\ncpu A\nthreads 1\n{choice.GetProperty("isa").GetString()} {choice.GetProperty("signature").GetString()} {choice.GetProperty("choice").GetString()!.Replace(",256,", ",64,")}:1\n");
    }

    private void Choose(TuningEntry entry, string choice) => File.WriteAllText(
        Record, TuningFormat.Write(TuningFormat.Parse(File.ReadAllText(Record)).With([entry with { Figures = [new TuningFigure(choice, 1, IsDefault: false)] }])));

    private JsonElement Inspect(params string[] more) =>
        Cli.Json(0, "inspect", ["inspect", Model, "--shape", "x=16,24", .. more]).GetProperty("groups")[0].GetProperty("choices");
}
