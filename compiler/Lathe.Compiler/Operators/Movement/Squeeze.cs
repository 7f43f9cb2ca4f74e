using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Compiler.Operators.Shapes;
using Lathe.Kernels;
using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Movement;

/// <summary>Without the given axes, which are 1 long, or if none are given without all that are.</summary>
public sealed record Squeeze(EquatableArray<long>? Axes = null) : ReshapeOperator, IOp<Squeeze>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("Squeeze", 1, 2);

    /// <inheritdoc/>
    /// <remarks>Up to opset 12 the axes are an attribute.</remarks>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder)
    {
        if (!node.IsKnown(1)) return [OfData(node, builder)];
        Value x = node.Inputs[0];
        EquatableArray<long>? axes = OnnxInputs.NumbersOrAttribute(node, 1, "axes");
        long[] open = [.. (axes ?? []).Select(a => (long)node.Axis(a, x.Type.Rank)).Where(a => !x.Type.Dims[(int)a].IsConstant).Distinct()];
        return [open.Length > 0 ? OfSymbols(node, builder, axes!.Value, open) : builder.Add(new Squeeze(axes), x)];
    }

    /// <summary>Without axes of which only the run tells whether they are 1 long, which is then checked.</summary>
    private static Value OfSymbols(OnnxNode node, GraphBuilder g, EquatableArray<long> axes, long[] open)
    {
        Value x = node.Inputs[0], lengths = g.Add(new Gather(), RuntimeShapes.Dims(g, x), RuntimeShapes.Vector(g, open));
        Value measured = Measure.Of(g, lengths, [.. open.Select(_ => new IndexRange(1, 1))], _ => []);
        IndexExpr[] dims = [.. x.Type.Dims.Select((d, i) => open.Contains(i) ? IndexExpr.One : d)];
        return g.Add(new Squeeze(axes), g.Add(new View(dims), x, measured));
    }

    /// <summary>Without axes that data determine.</summary>
    private static Value OfData(OnnxNode node, GraphBuilder g)
    {
        Value x = node.Inputs[0], axes = OnnxInputs.Vector(node, g, 1, "its axes");
        int rank = x.Type.Rank, count = (int)axes.Type.Count.Value;
        if (count > rank) throw node.Bad($"there are {count} axes for {x.Type}");
        Value matches = RuntimeShapes.Matches(g, axes, rank), dropped = RuntimeShapes.Any(g, matches), dims = RuntimeShapes.Dims(g, x), one = RuntimeShapes.Vector(g, 1);
        Value areOnes = RuntimeShapes.All(g, g.Add(new Equal(), g.Add(new Where(), dropped, dims, one), one));
        Value isValid = g.Add(new And(), areOnes, RuntimeShapes.AreDistinct(g, matches));
        return RuntimeShapes.InShape(g, x, count == rank ? null : RuntimeShapes.Keep(g, dims, dropped, rank - count), isValid);
    }

    /// <inheritdoc/>
    protected override IEnumerable<IndexExpr> Shape(InferContext context, TensorType x)
    {
        if (Axes is not { } given)
        {
            // A named dim could be 1 in one inference and not in another: the rank must not depend on that.
            context.Require(x.IsStatic || x.Dims.All(d => d.IsConstant || d.Range.Min > 1), $"which dims of {x} are 1 is not known");
            return x.Dims.Where(d => d != IndexExpr.One);
        }

        HashSet<int> axes = [.. given.Select(a => context.Axis(a, x.Rank))];
        foreach (int axis in axes) context.Require(x.Dims[axis] == IndexExpr.One, $"axis {axis} of {x} is not 1 long");
        return x.Dims.Where((_, i) => !axes.Contains(i));
    }
}
