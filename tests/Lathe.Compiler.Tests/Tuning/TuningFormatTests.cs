using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Tuning;
using Lathe.Runtime.Plans;

namespace Lathe.Compiler.Tests.Tuning;

[TestFixture]
internal sealed class TuningFormatTests
{
    private const string Text = """
        lathe-tuning 1
        cpu Some CPU @ 2.0 GHz
        threads 2

        # ISA SIGNATURE CHOICE:MICROSECONDS... The first choice is taken; * marks the cost model's.
        avx512 A:1x2:00ff 28x1,256,panels:1.5 *14x2,256,panels:2
        avx512 B:?:01 *strip=4x7,panels=2:0.123
        avx2 A:1x2:00ff *6x2,256,panels:4

        """;

    [Test]
    public void Text_OfARecord_ReadsBack()
    {
        TuningRecord record = TuningFormat.Parse(Text.ReplaceLineEndings("\r\n"));
        Assert.That(TuningFormat.Write(record), Is.EqualTo(Text.ReplaceLineEndings("\n")));
        Assert.That((record.Cpu, record.Threads, record.Entries.Count), Is.EqualTo(("Some CPU @ 2.0 GHz", 2, 3)));
        Assert.That(record.Find(Isa.Avx512, "A:1x2:00ff")!.Figures, Is.EqualTo(new TuningFigure[] { new("28x1,256,panels", 1.5, false), new("14x2,256,panels", 2, true) }));
        Assert.That(record.Find(Isa.Avx2, "B:?:01"), Is.Null);
    }

    [Test]
    public void Text_IsSorted_HoweverEntriesCame()
    {
        TuningRecord record = TuningFormat.Parse(Text);
        Assert.That(TuningFormat.Write(new TuningRecord(record.Cpu, record.Threads, record.Entries.Reverse())), Is.EqualTo(Text.ReplaceLineEndings("\n")));
    }

    [Test]
    public void With_Entries_ReplacesThoseOfTheirKeys()
    {
        TuningRecord record = TuningFormat.Parse(Text).With([new TuningEntry(Isa.Avx2, "A:1x2:00ff", [new("x", 1, false)])]);
        Assert.That(record.Entries, Has.Count.EqualTo(3));
        Assert.That(record.Find(Isa.Avx2, "A:1x2:00ff")!.Chosen.Choice, Is.EqualTo("x"));
        Assert.That(record.Hash, Is.Not.EqualTo(TuningFormat.Parse(Text).Hash));
    }

    [TestCase("", 1)]
    [TestCase("lathe-tuning 2\ncpu A\nthreads 1", 1)]
    [TestCase("lathe-tuning 1", 2)]
    [TestCase("lathe-tuning 1\ncpu ", 2)]
    [TestCase("lathe-tuning 1\ncpu A\nthreads x", 3)]
    [TestCase("lathe-tuning 1\ncpu A\nthreads 0", 3)]
    [TestCase("lathe-tuning 1\ncpu A\nthreads 1\n\navx512 A", 5)]
    [TestCase("lathe-tuning 1\ncpu A\nthreads 1\nsse A x:1", 4)]
    [TestCase("lathe-tuning 1\ncpu A\nthreads 1\navx2 A x", 4)]
    [TestCase("lathe-tuning 1\ncpu A\nthreads 1\navx2 A x:", 4)]
    [TestCase("lathe-tuning 1\ncpu A\nthreads 1\navx2 A x:-1", 4)]
    [TestCase("lathe-tuning 1\ncpu A\nthreads 1\navx2 A x:NaN", 4)]
    [TestCase("lathe-tuning 1\ncpu A\nthreads 1\navx2 A *:1", 4)]
    [TestCase("lathe-tuning 1\ncpu A\nthreads 1\navx2 A x:1\navx2 A x:1", 5)]
    public void MalformedText_IsOneDiagnosticWithTheLine(string text, int line)
    {
        Diagnostic problem = Assert.Throws<DiagnosticException>(() => TuningFormat.Parse(text))!.Diagnostic;
        Assert.That(problem.Descriptor, Is.EqualTo(DiagnosticTable.BadTuningRecord));
        Assert.That(problem.Message, Does.Contain($"line {line}:"));
    }
}
