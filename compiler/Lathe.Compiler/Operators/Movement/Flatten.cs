using Lathe.Compiler.Graph;
using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Movement;

/// <summary>A matrix: the dims before an axis become its rows, the others its columns.</summary>
public sealed record Flatten(long Axis = 1) : ReshapeOperator, IOp<Flatten>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("Flatten", 1, 1);

    /// <inheritdoc/>
    protected override IEnumerable<IndexExpr> Shape(InferContext context, TensorType x)
    {
        context.Require(Axis >= -x.Rank && Axis <= x.Rank, $"axis {Axis} is outside a tensor of rank {x.Rank}");
        int axis = (int)(Axis < 0 ? Axis + x.Rank : Axis);
        return [IndexExpr.Product(x.Dims.Take(axis)), IndexExpr.Product(x.Dims.Skip(axis))];
    }
}
