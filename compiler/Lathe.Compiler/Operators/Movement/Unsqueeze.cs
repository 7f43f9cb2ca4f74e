using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Shapes;
using Lathe.Kernels;
using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Movement;

/// <summary>With further axes, 1 long, at the given positions of the result.</summary>
public sealed record Unsqueeze(EquatableArray<long> Axes) : ReshapeOperator, IOp<Unsqueeze>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("Unsqueeze", 1, 2);

    /// <inheritdoc/>
    /// <remarks>Up to opset 12 the axes are an attribute.</remarks>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder) =>
    [
        node.IsKnown(1)
            ? builder.Add(new Unsqueeze(OnnxInputs.NumbersOrAttribute(node, 1, "axes") ?? throw node.Bad("it has no axes")), node.Inputs[0])
            : OfData(node, builder),
    ];

    /// <summary>With axes at positions that data determine.</summary>
    private static Value OfData(OnnxNode node, GraphBuilder g)
    {
        Value x = node.Inputs[0], axes = OnnxInputs.Vector(node, g, 1, "its axes");
        int rank = x.Type.Rank + (int)axes.Type.Count.Value;
        Value matches = RuntimeShapes.Matches(g, axes, rank);
        Value dims = x.Type.Rank == 0
            ? RuntimeShapes.Vector(g, [.. Enumerable.Repeat(1L, rank)])
            : RuntimeShapes.Insert(g, RuntimeShapes.Dims(g, x), RuntimeShapes.Any(g, matches));
        return RuntimeShapes.InShape(g, x, dims, RuntimeShapes.AreDistinct(g, matches));
    }

    /// <inheritdoc/>
    protected override IEnumerable<IndexExpr> Shape(InferContext context, TensorType x)
    {
        int rank = x.Rank + Axes.Length;
        HashSet<int> axes = [.. Axes.Select(a => context.Axis(a, rank))];
        context.Require(axes.Count == Axes.Length, $"axes {Axes} name one twice");
        Queue<IndexExpr> dims = new(x.Dims);
        return [.. Enumerable.Range(0, rank).Select(i => axes.Contains(i) ? IndexExpr.One : dims.Dequeue())];
    }
}
