using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Movement;
using Lathe.Kernels;
using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Rules.Movement;

/// <summary>f(reshape(x), reshape(y)) → reshape(f(x, y)) for x and y of one shape, so that f meets what computes x.</summary>
public static class ElementwiseOfReshape
{
    /// <summary>Applies the rule.</summary>
    public static Value? TryRewrite(Node node, Rewriting g)
    {
        EquatableArray<IndexExpr>? shape = null;
        Value? result = Mappable.Rewrite(node, g, value =>
        {
            if (value.Node is not { Op: Reshape, Inputs: [var x] } || x.Constant is not null || !g.IsReadOnce(value)) return null;
            if (value.Type.Dims != node.OutputTypes[0].Dims || (shape is { } other && x.Type.Dims != other)) return null;
            shape = x.Type.Dims;
            return x;
        });

        // Scalars of a higher rank than x would change the shape.
        return result is { } inner && inner.Type.Dims == shape ? g.Add(new Reshape(node.OutputTypes[0].Dims), inner) : null;
    }
}
