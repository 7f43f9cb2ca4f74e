using Lathe.Compiler.Graph;

namespace Lathe.Cli.Verification;

/// <summary>
/// The order of a tensor's largest elements, for each item of a batch (the first dim, where there are two or more). Elements of which the
/// reference has equals may change places.
/// </summary>
internal static class Ranking
{
    /// <summary>True if the k largest elements of both are the same ones in the same order.</summary>
    public static bool AreEqual(TensorData actual, TensorData reference, int k)
    {
        int items = reference.Dims.Length >= 2 && reference.Count > 0 ? (int)reference.Dims[0] : 1;
        int size = reference.Count / items;
        for (int item = 0; item < items; item++)
        {
            int[] ours = Largest(actual, item * size, size, k), theirs = Largest(reference, item * size, size, k);
            for (int i = 0; i < ours.Length; i++)
                if (ours[i] != theirs[i] && !reference.GetDouble(ours[i]).Equals(reference.GetDouble(theirs[i]))) return false;
        }

        return true;
    }

    // NaN sorts below all numbers, so that it is among the largest only where there is nothing else.
    private static int[] Largest(TensorData data, int from, int count, int k) =>
        [.. Enumerable.Range(from, count).OrderByDescending(data.GetDouble).ThenBy(i => i).Take(k)];
}
