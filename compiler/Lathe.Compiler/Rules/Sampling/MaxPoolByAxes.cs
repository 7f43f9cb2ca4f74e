using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Linear;
using Lathe.Compiler.Operators.Pooling;
using Lathe.Kernels;

namespace Lathe.Compiler.Rules.Sampling;

/// <summary>
/// max over a large window → max along one axis of max along the next: k·k comparisons become 2·k. Exact, since the greatest element is the same whatever it is compared with first;
/// an axis at a time also where windows reach into the padding, which never counts.
/// </summary>
public static class MaxPoolByAxes
{
    /// <summary>How many times fewer comparisons there are to be: the results between are written and read once more.</summary>
    private const long LeastGain = 2;

    /// <summary>Applies the rule.</summary>
    public static Value? TryRewrite(Node node, Rewriting g)
    {
        if (node is not { Op: MaxPool pool, Inputs: [var x] }) return null;
        Window window = pool.WindowOf(x.Type);
        int rank = window.Rank;
        double together = 1, apart = 0, strides = 1;
        for (int axis = 0; axis < rank; axis++)
        {
            // Along the last axis first: the axes before it still have all their elements then.
            together *= pool.KernelShape[axis];
            apart += pool.KernelShape[axis] * strides;
            strides *= window.Strides[axis];
        }

        if (pool.KernelShape.Items.Count(k => k > 1) < 2 || apart * LeastGain > together) return null;
        Value y = x;
        for (int axis = rank - 1; axis >= 0; axis--)
        {
            EquatableArray<long> Along(Func<int, long> value, long otherwise, int count) => (long[])[.. Enumerable.Range(0, count).Select(i => i % rank == axis ? value(i) : otherwise)];
            y = g.Add(
                pool with
                {
                    KernelShape = Along(i => pool.KernelShape[i], 1, rank),
                    Strides = Along(i => window.Strides[i], 1, rank),
                    Dilations = Along(i => window.Dilations[i], 1, rank),
                    Pads = pool.Pads.Length == 0 ? pool.Pads : Along(i => pool.Pads[i], 0, 2 * rank),
                },
                y);
        }

        return y;
    }
}
