using Lathe.Compiler.Graph;
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
        [builder.Add(new Squeeze(OnnxInputs.NumbersOrAttribute(node, 1, "axes")), node.Inputs[0])];

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
