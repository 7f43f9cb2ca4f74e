using Lathe.Compiler.Graph;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Reductions;

/// <summary>
/// A fold of all elements up to each one along an axis, which is input 1 and known only when it runs.
/// </summary>
/// <param name="Exclusive">Leaves the element itself out.</param>
/// <param name="Reverse">Goes from the end to the start.</param>
public abstract record CumulativeOperator(bool Exclusive, bool Reverse) : Op
{
    /// <inheritdoc/>
    public override OpRole Role => OpRole.Opaque;

    /// <summary>True for products, false for sums.</summary>
    protected abstract bool IsProduct { get; }

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        TensorType x = context.Numeric(0), axis = context.Integer(1);
        context.Require(axis.Count == IndexExpr.One, $"its axis is {axis}");
        context.Require(x.Rank > 0, "a scalar has no axis");
        context.Output(x with { Layout = null });
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        TensorData x = inputs[0]!, y = TensorData.Zeros(x.Element, x.Dims);
        long axis = inputs[1]!.GetInt64(0), rank = x.Dims.Length;
        if (axis < -rank || axis >= rank) throw new ArgumentException($"Axis {axis} is outside a tensor of rank {rank}.");
        axis = axis < 0 ? axis + rank : axis;
        int next = 0;
        foreach (long[] index in RowMajor.Indices(x.Dims))
        {
            long at = index[axis], length = x.Dims[axis];
            IEnumerable<long> before = Reverse ? Range(at + 1, length).Reverse() : Range(0, at);
            int[] all = [.. (Exclusive ? before : before.Append(at)).Select(Offset)];
            if (x.Element.IsFloat()) y.SetDouble(next++, all.Select(x.GetDouble).Aggregate(IsProduct ? 1.0 : 0.0, (a, b) => IsProduct ? a * b : a + b));
            else y.SetInt64(next++, all.Select(x.GetInt64).Aggregate(IsProduct ? 1L : 0L, (a, b) => unchecked(IsProduct ? a * b : a + b)));

            int Offset(long place)
            {
                long[] from = [.. index];
                from[axis] = place;
                return (int)RowMajor.Offset(x.Dims, from);
            }
        }

        return [y];

        static IEnumerable<long> Range(long from, long to) => Enumerable.Range(0, (int)(to - from)).Select(i => from + i);
    }

    /// <inheritdoc/>
    public override RoutineUse Routine(IReadOnlyList<TensorType?> inputs, IReadOnlyList<TensorType> outputs) =>
        new("Cumulate", [Exclusive ? 1 : 0, Reverse ? 1 : 0, IsProduct ? 1 : 0]);
}
