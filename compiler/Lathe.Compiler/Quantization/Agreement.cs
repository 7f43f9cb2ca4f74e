using Lathe.Compiler.Graph;
using Lathe.Runtime;

namespace Lathe.Compiler.Quantization;

/// <summary>How often two models take the same class, and the right one, for outputs that are scores of classes: [items, classes].</summary>
public sealed class Agreement
{
    /// <summary>How many items there were.</summary>
    public int Items { get; private set; }

    /// <summary>In how many both take the same class first.</summary>
    public int Top1 { get; private set; }

    /// <summary>In how many the reference's first is among the five first of the other.</summary>
    public int Top5 { get; private set; }

    /// <summary>How many have a label.</summary>
    public int Labelled { get; private set; }

    /// <summary>Of how many of those the reference takes the right class.</summary>
    public int ReferenceRight { get; private set; }

    /// <summary>Of how many of those the other does.</summary>
    public int Right { get; private set; }

    /// <summary>Of how many of those the right class is among the reference's five first, and among the other's.</summary>
    public (int Reference, int Other) AmongFive { get; private set; }

    /// <summary>How many classes a tensor has scores of; null if it has none. Dims of one element behind the classes do not count.</summary>
    public static (int Items, int Classes)? FormOf(TensorData scores)
    {
        if (!scores.Element.IsFloat() || scores.Dims.Length < 2 || scores.Dims[1] < 2 || scores.Dims.Skip(2).Any(d => d != 1)) return null;
        return ((int)scores.Dims[0], (int)scores.Dims[1]);
    }

    /// <summary>Adds a sample; false if it has no scores of classes.</summary>
    /// <param name="actual">The scores.</param>
    /// <param name="reference">The reference's.</param>
    /// <param name="labelOf">The class of an item, counted over all samples; null where it is not known.</param>
    public bool Add(TensorData actual, TensorData reference, Func<int, int?> labelOf)
    {
        if (FormOf(reference) is not var (items, classes)) return false;
        for (int item = 0; item < items; item++)
        {
            int[] ours = Largest(actual, item * classes, classes), theirs = Largest(reference, item * classes, classes);
            int? label = labelOf(Items);
            Items++;
            if (ours[0] == theirs[0]) Top1++;
            if (ours.Contains(theirs[0])) Top5++;
            if (label is not { } right) continue;
            Labelled++;
            if (theirs[0] == right) ReferenceRight++;
            if (ours[0] == right) Right++;
            AmongFive = (AmongFive.Reference + (theirs.Contains(right) ? 1 : 0), AmongFive.Other + (ours.Contains(right) ? 1 : 0));
        }

        return true;
    }

    /// <summary>The five largest, of equals the first; a NaN is below all numbers.</summary>
    private static int[] Largest(TensorData scores, int from, int count) =>
        [.. Enumerable.Range(0, count).OrderByDescending(i => scores.GetDouble(from + i)).ThenBy(i => i).Take(5)];
}
