using Lathe.Compiler.Diagnostics;
using Lathe.Runtime.Plans;

namespace Lathe.Compiler.Tuning;

/// <summary>Makes the choices of one compilation, by a tuning record where it has an entry and by the cost model elsewhere, and remembers them.</summary>
/// <param name="record">The record; null for none.</param>
public sealed class Decisions(TuningRecord? record)
{
    private readonly Dictionary<(Isa, string), Decision> _made = [];

    /// <summary>What was decided, in the order of the first time.</summary>
    public IReadOnlyCollection<Decision> All => _made.Values;

    /// <summary>Decides.</summary>
    /// <param name="isa">The instruction set that it is for.</param>
    /// <param name="signature">What is computed.</param>
    /// <param name="isOfAlgorithm">True for the algorithm of a convolution, false for a schedule.</param>
    /// <param name="candidates">All that can be chosen, told apart by their text; the first is what the cost model takes.</param>
    /// <exception cref="DiagnosticException">The record has a choice that is no candidate.</exception>
    public T Take<T>(Isa isa, string signature, bool isOfAlgorithm, IReadOnlyList<T> candidates)
        where T : notnull
    {
        if (!_made.TryGetValue((isa, signature), out Decision? decision))
        {
            string[] texts = [.. candidates.Select(c => c.ToString()!)];
            TuningEntry? entry = record?.Find(isa, signature);
            if (entry is not null && !texts.Contains(entry.Chosen.Choice))
                throw new DiagnosticException(new Diagnostic(DiagnosticTable.NoCandidate, null, isa.Name(), signature, entry.Chosen.Choice, string.Join(" ", texts)));
            _made[(isa, signature)] = decision = new Decision(isa, signature, texts, entry?.Chosen.Choice ?? texts[0], entry is not null, isOfAlgorithm);
        }

        return candidates.First(c => c.ToString() == decision.Chosen);
    }
}
