using Lathe.Compiler.Graph;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Elementwise;

/// <summary>y[i] = g(f(… f(a[i], b[i]), …), n) over one or more inputs of one element type, broadcast to one shape.</summary>
public abstract record VariadicOperator : Op
{
    /// <inheritdoc/>
    public sealed override OpRole Role => OpRole.Elementwise;

    /// <inheritdoc/>
    public sealed override void Infer(InferContext context)
    {
        TensorType first = context.Type(0);
        context.Require(Accepts(first.Element), $"it does not take elements of type {first.Element.Name()}");
        for (int i = 1; i < context.Inputs.Length; i++) context.RequireSameElement(0, i);
        TensorType result = new(first.Element, context.Broadcast([.. context.Inputs.Select(v => v.Type.Dims)]));
        context.Output(result, context.Inputs.Length == 2 ? KnownContents.Zip(context.Inputs[0], context.Inputs[1], result.Dims, Combine) : null);
    }

    /// <inheritdoc/>
    public sealed override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        long[] dims = outputs[0].StaticDims;
        TensorData y = TensorData.Zeros(outputs[0].Element, dims);
        int[][] offsets = [.. inputs.Select(x => RowMajor.Broadcast(x!.Dims, dims))];
        for (int i = 0; i < y.Count; i++)
        {
            if (y.Element.IsFloat()) y.SetDouble(i, Finish(inputs.Select((x, n) => x!.GetDouble(offsets[n][i])).Aggregate(Combine), inputs.Count));
            else y.SetInteger(i, inputs.Select((x, n) => x!.GetInteger(offsets[n][i])).Aggregate(Combine));
        }

        return [y];
    }

    /// <inheritdoc/>
    public sealed override LoweredOp Lower(LowerContext context)
    {
        Expr all = Enumerable.Range(0, context.Inputs.Count).Select(i => context.ReadBroadcast(i).Widen()).Aggregate(Combine);
        return context.Map(Finish(all, context.Inputs.Count).To(context.Output.Element));
    }

    /// <summary>True for the element types it takes; by default floats.</summary>
    protected virtual bool Accepts(ElementType element) => element.IsFloat();

    /// <summary>f on floats.</summary>
    protected abstract double Combine(double a, double b);

    /// <summary>f on integers.</summary>
    protected virtual Int128 Combine(Int128 a, Int128 b) => throw new InvalidOperationException($"{Name} has no meaning on integers.");

    /// <summary>f as a loop expression.</summary>
    protected abstract Expr Combine(Expr a, Expr b);

    /// <summary>f on known elements, or null where the result is not known.</summary>
    protected virtual IndexExpr? Combine(IndexExpr a, IndexExpr b) => null;

    /// <summary>g on floats; by default nothing.</summary>
    protected virtual double Finish(double all, int count) => all;

    /// <summary>g as a loop expression; by default nothing.</summary>
    protected virtual Expr Finish(Expr all, int count) => all;
}
