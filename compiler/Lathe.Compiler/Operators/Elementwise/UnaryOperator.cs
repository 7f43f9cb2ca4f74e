using Lathe.Compiler.Graph;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Elementwise;

/// <summary>
/// y[i] = f(x[i]). An operator states f up to four times under the name <c>Apply</c>: on doubles, on integers if it takes them, on loop expressions,
/// and on known elements if it takes part in shape arithmetic.
/// </summary>
public abstract record UnaryOperator : Op
{
    /// <inheritdoc/>
    public sealed override OpRole Role => OpRole.Elementwise;

    /// <inheritdoc/>
    public sealed override void Infer(InferContext context)
    {
        TensorType x = context.Type(0);
        context.Require(Accepts(x.Element), $"it does not take elements of type {x.Element.Name()}");
        context.Output(x with { Element = ResultElement(x.Element), Layout = null }, KnownContents.Map(context.Content(0), Apply));
    }

    /// <inheritdoc/>
    public sealed override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        TensorData x = inputs[0]!, y = TensorData.Zeros(outputs[0].Element, x.Dims);
        for (int i = 0; i < x.Count; i++)
        {
            if (x.Element.IsFloat()) y.SetDouble(i, Apply(x.GetDouble(i)));
            else y.SetInteger(i, Apply(x.GetInteger(i)));
        }

        return [y];
    }

    /// <inheritdoc/>
    public sealed override LoweredOp Lower(LowerContext context) =>
        context.Map(Apply(context.Read(0, context.Index).Widen()).To(context.Output.Element));

    /// <summary>True for the element types it takes; by default floats.</summary>
    protected virtual bool Accepts(ElementType element) => element.IsFloat();

    /// <summary>The element type of the result; by default that of the input.</summary>
    protected virtual ElementType ResultElement(ElementType element) => element;

    /// <summary>f on floats.</summary>
    protected abstract double Apply(double x);

    /// <summary>f on integers and bools; wraps where the result is stored.</summary>
    protected virtual Int128 Apply(Int128 x) => throw new InvalidOperationException($"{Name} has no meaning on integers.");

    /// <summary>f as a loop expression; 16-bit floats come widened to float32.</summary>
    protected abstract Expr Apply(Expr x);

    /// <summary>f on a known element, or null where it is not known.</summary>
    protected virtual IndexExpr? Apply(IndexExpr x) => null;
}
