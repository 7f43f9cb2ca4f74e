namespace Lathe.Compiler.Quantization;

/// <summary>
/// Searches for the fewest candidates that have to be kept as they are. Bisection over their ranking, then each of those that are kept is tried without: the result is one of which no single
/// candidate can be left out, and is the smallest of all where what candidates cost adds up, as independent noise does. It takes as many trials as the result has candidates, and a logarithm more.
/// </summary>
internal static class FewestKept
{
    /// <summary>Searches.</summary>
    /// <typeparam name="T">The candidates.</typeparam>
    /// <param name="ranked">The candidates, those that cost most first.</param>
    /// <param name="suffices">Whether it is enough to keep some of them.</param>
    /// <returns>Those to keep; null if not even all of them are enough.</returns>
    public static IReadOnlySet<T>? Find<T>(IReadOnlyList<T> ranked, Func<IReadOnlySet<T>, bool> suffices)
    {
        HashSet<T> First(int count) => [.. ranked.Take(count)];
        if (suffices(First(0))) return First(0);
        if (ranked.Count == 0 || !suffices(First(ranked.Count))) return null;
        (int tooFew, int enough) = (0, ranked.Count);
        while (enough - tooFew > 1)
        {
            int middle = (tooFew + enough) / 2;
            if (suffices(First(middle))) enough = middle;
            else tooFew = middle;
        }

        HashSet<T> kept = First(enough);
        // Those that cost least first; without the last of them it was not enough.
        foreach (T candidate in ranked.Take(enough - 1).Reverse())
        {
            kept.Remove(candidate);
            if (!suffices(kept)) kept.Add(candidate);
        }

        return kept;
    }
}
