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
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder) =>
        [node.IsKnown(1) ? builder.Add(new Squeeze(OnnxInputs.NumbersOrAttribute(node, 1, "axes")), node.Inputs[0]) : OfData(node, builder)];

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
