namespace Lathe.Compiler.Placement;

/// <summary>What starting a step means for the thread that goes through a plan.</summary>
public enum StepKind
{
    /// <summary>It computes the step itself.</summary>
    Host,

    /// <summary>It computes the step itself, and may have to wait for a copy out of an accelerator's memory first.</summary>
    Waits,

    /// <summary>It hands a step, or a copy into an accelerator's memory, to an accelerator.</summary>
    Starts,

    /// <summary>It hands a copy to the host over to an accelerator.</summary>
    Fetches,
}

/// <summary>
/// The order of a plan's steps: what accelerators do comes as early as it can, so that the host computes beside them, copies to the host first; what may have to wait for an accelerator
/// comes after what need not.
/// </summary>
public static class StepOrder
{
    /// <summary>Orders steps.</summary>
    /// <param name="kinds">The kind of each step; they are given in an order of computation.</param>
    /// <param name="needs">The numbers of the steps before each.</param>
    /// <param name="keepsHost">True leaves the host's own steps in the order in which they are given.</param>
    public static int[] Of(IReadOnlyList<StepKind> kinds, IReadOnlyList<IReadOnlyList<int>> needs, bool keepsHost = false)
    {
        int[] missing = [.. needs.Select(n => n.Distinct().Count())];
        List<int>[] users = [.. kinds.Select(_ => new List<int>())];
        for (int i = 0; i < needs.Count; i++)
            foreach (int need in needs[i].Distinct()) users[need].Add(i);

        PriorityQueue<int, (int Class, int Position)> ready = new();
        for (int i = 0; i < kinds.Count; i++)
            if (missing[i] == 0) Enqueue(i);
        int[] order = new int[kinds.Count];
        for (int placed = 0; placed < order.Length; placed++)
        {
            int step = order[placed] = ready.Dequeue();
            foreach (int user in users[step])
                if (--missing[user] == 0) Enqueue(user);
        }

        return order;

        // By position, the host's first ready step is its next one: what it needs of other steps of the host stands before it.
        void Enqueue(int step) => ready.Enqueue(step, (kinds[step] switch { StepKind.Fetches => 0, StepKind.Starts => 1, StepKind.Waits when !keepsHost => 3, _ => 2 }, step));
    }
}
