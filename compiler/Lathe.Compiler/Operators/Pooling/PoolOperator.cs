using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Linear;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Pooling;

/// <summary>y[n, c, p] = f(x[n, c, p·stride + k·dilation - pad] for k in the window), channel by channel over any number of spatial axes.</summary>
public abstract record PoolOperator(
    string AutoPad,
    bool CeilMode,
    EquatableArray<long> Dilations,
    EquatableArray<long> KernelShape,
    EquatableArray<long> Pads,
    EquatableArray<long> Strides) : Op
{
    /// <inheritdoc/>
    public sealed override OpRole Role => OpRole.Reduction;

    /// <summary>How the windows lie over an input.</summary>
    public Window WindowOf(TensorType x) =>
        Window.Resolve([.. x.Dims.Skip(2)], [.. KernelShape.Select(k => (IndexExpr)k)], AutoPad, Strides, Dilations, Pads, CeilMode);

    /// <inheritdoc/>
    public sealed override void Infer(InferContext context)
    {
        TensorType x = context.Type(0);
        context.Require(Accepts(x.Element), $"it does not take elements of type {x.Element.Name()}");
        Window.Check(context, x.Rank - 2, AutoPad, Strides, Dilations, Pads);
        context.Require(KernelShape.Length == x.Rank - 2, $"kernel_shape has {KernelShape.Length} values for {x.Rank - 2} spatial axes");
        context.Require(KernelShape.All(k => k is > 0 and <= int.MaxValue), "kernel_shape is not positive");
        Window window = WindowOf(x);
        window.RequireFits(context);
        context.Output(ResultElement(x.Element), [x.Dims[0], x.Dims[1], .. window.Output]);
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        TensorData x = inputs[0]!;
        double[] image = x.ToDoubles();
        Window window = WindowOf(TensorType.Of(x.Element, x.Dims));
        long[] from = x.Dims[2..], kernel = [.. KernelShape], dims = outputs[0].StaticDims;
        long size = RowMajor.Count(from);
        double[] y = new double[RowMajor.Count(dims)], inside = new double[RowMajor.Count(kernel)];
        long[] position = new long[from.Length];
        int next = 0;
        foreach (long[] index in RowMajor.Indices(dims))
        {
            long plane = ((index[0] * dims[1]) + index[1]) * size;
            int found = 0, padded = 0;
            foreach (long[] k in RowMajor.Indices(kernel))
            {
                bool isInside = true, isPadded = true;
                for (int axis = 0; axis < from.Length; axis++)
                {
                    long at = position[axis] = (index[axis + 2] * window.Strides[axis]) + (k[axis] * window.Dilations[axis]) - window.PadLow[axis].Value;
                    isInside &= at >= 0 && at < from[axis];
                    isPadded &= at < from[axis] + window.PadHigh[axis].Value;
                }

                if (isInside) inside[found++] = image[plane + RowMajor.Offset(from, position)];
                if (isPadded) padded++;
            }

            y[next++] = Pool(inside.AsSpan(0, found), padded);
        }

        return [Elements.FromDoubles(outputs[0], y)];
    }

    /// <summary>True for the element types it takes; by default floats.</summary>
    protected virtual bool Accepts(ElementType element) => element.IsFloat();

    /// <summary>The element type of the result; by default that of the input.</summary>
    protected virtual ElementType ResultElement(ElementType element) => element;

    /// <summary>f.</summary>
    /// <param name="inside">The window's elements inside the input, in order.</param>
    /// <param name="counted">How many of its elements lie inside the padded input.</param>
    protected abstract double Pool(ReadOnlySpan<double> inside, int counted);

    /// <summary>The reduction axes over the window, and the input's index at them.</summary>
    private protected (Axis[] Taps, IndexExpr[] Index) Taps(LowerContext context)
    {
        Window window = WindowOf(context.Inputs[0]!);
        Axis[] taps = [.. window.Kernel.Select((extent, axis) => context.Reduce($"k{axis}", extent))];
        return (taps, [context.Index[0], context.Index[1], .. taps.Select((tap, axis) => window.Position(axis, context.Index[axis + 2], tap.Variable))]);
    }
}
