using System.Security.Cryptography;
using System.Text;
using Lathe.Runtime.Plans;

namespace Lathe.Compiler.Tuning;

/// <summary>A candidate as it was measured.</summary>
/// <param name="Choice">Its text.</param>
/// <param name="Microseconds">What one execution of it took.</param>
/// <param name="IsDefault">True for the one that the cost model takes.</param>
public sealed record TuningFigure(string Choice, double Microseconds, bool IsDefault);

/// <summary>What was found for one signature.</summary>
/// <param name="Isa">The instruction set.</param>
/// <param name="Signature">What is computed.</param>
/// <param name="Figures">The choice, then the candidates that were rejected.</param>
public sealed record TuningEntry(Isa Isa, string Signature, IReadOnlyList<TuningFigure> Figures)
{
    /// <summary>What is to be taken.</summary>
    public TuningFigure Chosen => Figures[0];
}

/// <summary>Choices that were measured on a processor, for compilations to take: an input like any other, kept as text (<see cref="TuningFormat"/>).</summary>
/// <param name="cpu">The processor.</param>
/// <param name="threads">How many threads an inference had.</param>
/// <param name="entries">What was found; of equal keys the last counts.</param>
public sealed class TuningRecord(string cpu, int threads, IEnumerable<TuningEntry> entries)
{
    private readonly SortedDictionary<(Isa Isa, string Signature), TuningEntry> _entries = new(
        entries.GroupBy(e => (e.Isa, e.Signature)).ToDictionary(e => e.Key, e => e.Last()),
        Comparer<(Isa Isa, string Signature)>.Create((a, b) => a.Isa != b.Isa ? b.Isa.CompareTo(a.Isa) : string.CompareOrdinal(a.Signature, b.Signature)));

    /// <summary>The processor.</summary>
    public string Cpu => cpu;

    /// <summary>How many threads an inference had.</summary>
    public int Threads => threads;

    /// <summary>The entries, the best instruction set first and signatures in their order.</summary>
    public IReadOnlyCollection<TuningEntry> Entries => _entries.Values;

    /// <summary>Identifies its content.</summary>
    public string Hash => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(TuningFormat.Write(this))));

    /// <summary>The entry for a signature; null if there is none.</summary>
    public TuningEntry? Find(Isa isa, string signature) => _entries.GetValueOrDefault((isa, signature));

    /// <summary>This record with the entries of another in place of its own.</summary>
    public TuningRecord With(IEnumerable<TuningEntry> others) => new(cpu, threads, [.. Entries, .. others]);
}
