using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Movement;
using Lathe.Compiler.Operators.Shapes;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Selection;

/// <summary>The slices along an axis, or the elements, for which a condition holds: gathered at the places where it does.</summary>
public sealed class Compress : IComposite<Compress>
{
    private Compress()
    {
    }

    /// <inheritdoc/>
    public static OpSchema Schema => new("Compress", 2, 2);

    /// <inheritdoc/>
    /// <remarks>What lies beyond a condition that is too short is dropped, and so is what a condition that is too long says of nothing.</remarks>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder)
    {
        Value x = node.Inputs[0], condition = node.Inputs[1];
        if (condition.Type.Rank != 1 || condition.Type.Element != ElementType.Bool) throw node.Bad($"its condition is {condition.Type}");
        bool isFlat = !node.Attributes.ContainsKey("axis");
        if (isFlat) x = builder.Add(new Reshape([x.Type.Count]), x);
        int axis = node.Axis(AttributeReader.Get(node, "axis", 0L), x.Type.Rank);
        IndexExpr length = condition.Type.Dims[0], dim = x.Type.Dims[axis];
        if ((dim - length).Range.Min < 0)
        {
            // A dim that the run computes has to be there before the condition can be cut to it.
            if (!dim.IsConstant) condition = View.After(builder, condition, x);
            condition = builder.Add(new Slice([0], [IndexExpr.Min(length, dim)], [0]), condition);
        }

        Value places = NonZero.Import(node with { Inputs = [condition] }, builder)[0];
        places = builder.Add(new Reshape([places.Type.Dims[1]]), places);
        return [builder.Add(new Movement.Gather(axis), x, places)];
    }
}
