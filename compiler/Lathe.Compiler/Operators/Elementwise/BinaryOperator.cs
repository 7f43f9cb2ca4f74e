using Lathe.Compiler.Graph;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Elementwise;

/// <summary>
/// c[i] = f(a[i], b[i]) with a and b of one element type, broadcast to one shape. An operator states f as <c>Apply</c>: on doubles, on integers, on
/// loop expressions, and on known elements if it takes part in shape arithmetic.
/// </summary>
public abstract record BinaryOperator : Op
{
    /// <inheritdoc/>
    public sealed override OpRole Role => OpRole.Elementwise;

    /// <inheritdoc/>
    public sealed override void Infer(InferContext context)
    {
        TensorType a = context.Type(0), b = context.Type(1);
        context.Require(Accepts(a.Element), $"it does not take elements of type {a.Element.Name()}");
        RequireOperands(context);
        TensorType result = new(ResultElement(a.Element), context.Broadcast(a.Dims, b.Dims));
        context.Output(result, KnownContents.Zip(context.Inputs[0], context.Inputs[1], result.Dims, (x, y) => Apply(x, y, a.Element)));
    }

    /// <inheritdoc/>
    public sealed override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        TensorData a = inputs[0]!, b = inputs[1]!;
        long[] dims = outputs[0].StaticDims;
        TensorData c = TensorData.Zeros(outputs[0].Element, dims);
        int[] left = RowMajor.Broadcast(a.Dims, dims), right = RowMajor.Broadcast(b.Dims, dims);
        for (int i = 0; i < c.Count; i++)
        {
            if (a.Element.IsFloat()) c.SetDouble(i, Apply(a.GetDouble(left[i]), b.GetDouble(right[i])));
            else c.SetInteger(i, Apply(a.GetInteger(left[i]), b.GetInteger(right[i])));
        }

        return [c];
    }

    /// <inheritdoc/>
    public sealed override LoweredOp Lower(LowerContext context) =>
        context.Map(Apply(context.ReadBroadcast(0).Widen(), context.ReadBroadcast(1).Widen()).To(context.Output.Element));

    /// <summary>True for the element types it takes; by default floats and integers.</summary>
    protected virtual bool Accepts(ElementType element) => element.IsFloat() || element.IsInteger();

    /// <summary>Fails unless the operands fit each other; by default they have one element type.</summary>
    protected virtual void RequireOperands(InferContext context) => context.RequireSameElement(0, 1);

    /// <summary>The element type of the result; by default that of the inputs.</summary>
    protected virtual ElementType ResultElement(ElementType element) => element;

    /// <summary>f on floats.</summary>
    protected abstract double Apply(double a, double b);

    /// <summary>f on integers and bools; wraps where the result is stored.</summary>
    protected virtual Int128 Apply(Int128 a, Int128 b) => throw new InvalidOperationException($"{Name} has no meaning on integers.");

    /// <summary>f as a loop expression; 16-bit floats come widened to float32.</summary>
    protected abstract Expr Apply(Expr a, Expr b);

    /// <summary>f on known elements of the inputs' type, or null where the result is not known.</summary>
    protected virtual IndexExpr? Apply(IndexExpr a, IndexExpr b, ElementType element) => null;
}
