using Lathe.Compiler.Graph;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;
using Lathe.Runtime.Routines;

namespace Lathe.Compiler.Operators.Movement;

/// <summary>
/// Indices (input 0) that come from data, once it is known that they are inside of what they choose from (input 1): an index of axis n is -n to n - 1. The
/// last axis of the indices holds one for each of <paramref name="Axes"/> axes, from <paramref name="From"/> on; of a single one it may have any length.
/// The output is the indices.
/// </summary>
public sealed record CheckIndices(long From, long Axes = 1) : Op, IOp<CheckIndices>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new(null, 2, 2);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Opaque;

    /// <inheritdoc/>
    public override bool IsInPlace => true;

    /// <summary>Indices along an axis of a value, or along several of which their last axis holds one each: checked when the model runs, unless they are known to be inside.</summary>
    /// <exception cref="Diagnostics.DiagnosticException">One is known to be outside.</exception>
    public static Value Of(OnnxNode node, GraphBuilder builder, Value indices, Value x, int from, int axes = 1)
    {
        if (!indices.Type.Element.IsInteger() || from < 0 || axes < 1 || from + axes > x.Type.Rank) return indices;
        if (indices.Type.Count == IndexExpr.Zero) return indices;
        IReadOnlyList<IndexExpr>? known = indices.Contents is { } contents ? contents.Items : indices.Constant is { } constant ? [.. constant.ToInt64s().Select(v => (IndexExpr)v)] : null;
        if (known is null) return builder.Add(new CheckIndices(from, axes), indices, x);
        bool isInside = true;
        for (int i = 0; i < known.Count; i++)
        {
            IndexExpr dim = x.Type.Dims[from + (i % axes)], fromStart = known[i] + dim, fromEnd = dim - 1 - known[i];
            if (fromStart.Range.Max < 0 || fromEnd.Range.Max < 0) throw node.Bad($"index {known[i]} is outside an axis of {dim}");
            isInside &= fromStart.Range.Min >= 0 && fromEnd.Range.Min >= 0;
        }

        return isInside ? indices : builder.Add(new CheckIndices(from, axes), indices, x);
    }

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        TensorType indices = context.Integer(0), x = context.Type(1);
        context.Require(From >= 0 && Axes > 0 && From + Axes <= x.Rank, $"{x} has no axes {From} to {From + Axes}");
        context.Require(Axes == 1 || (indices.Rank > 0 && indices.Dims[^1] == Axes), $"{indices} do not hold {Axes} coordinates");
        // Elements that are known would take the place of the node, and with it of the check.
        context.Output(indices with { Layout = null });
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        TensorData indices = inputs[0]!, x = inputs[1]!;
        for (int i = 0; i < indices.Count; i++)
        {
            long index = indices.GetInt64(i), dim = x.Dims[From + (i % Axes)];
            if (index < -dim || index >= dim) throw new ArgumentException($"Index {index} is outside an axis of {dim}.");
        }

        return [indices];
    }

    /// <inheritdoc/>
    public override RoutineUse Routine(IReadOnlyList<TensorType?> inputs, IReadOnlyList<TensorType> outputs) => new(nameof(CheckIndices), [From, Axes]);
}
