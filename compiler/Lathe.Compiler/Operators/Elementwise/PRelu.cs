using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Movement;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Elementwise;

/// <summary>a where a ≥ 0, otherwise a * slope; the slope broadcasts to a.</summary>
public sealed record PRelu : BinaryOperator, IOp<PRelu>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("PRelu", 2, 2);

    /// <inheritdoc/>
    /// <remarks>Up to opset 6 the slope is one number or one for each channel.</remarks>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder)
    {
        Value a = node.Inputs[0], slope = node.Inputs[1];
        if (node.Opset < 7 && slope.Type.Rank == 1 && a.Type.Rank > 2)
            slope = builder.Add(new Unsqueeze(Enumerable.Range(1, a.Type.Rank - 2).Select(i => (long)i).ToEquatableArray()), slope);
        return [builder.Add(new PRelu(), a, slope)];
    }

    /// <inheritdoc/>
    protected override double Apply(double a, double slope) => a < 0 ? a * slope : a;

    /// <inheritdoc/>
    protected override Int128 Apply(Int128 a, Int128 slope) => a < 0 ? a * slope : a;

    /// <inheritdoc/>
    protected override Expr Apply(Expr a, Expr slope) => a.Type.Element.IsUnsigned() ? a : (a < 0).Choose(a * slope, a);

    /// <inheritdoc/>
    protected override void RequireOperands(InferContext context)
    {
        base.RequireOperands(context);
        context.Require(
            context.Broadcast(context.Type(0).Dims, context.Type(1).Dims) == context.Type(0).Dims,
            $"the slope {context.Type(1)} does not broadcast to {context.Type(0)}");
    }
}
