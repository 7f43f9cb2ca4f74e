using Lathe.Compiler.Graph;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Pooling;

/// <summary>
/// The second output of ONNX's MaxPool: the offset in x, as if it were row-major, or with its spatial axes reversed if
/// <paramref name="ColumnMajor"/>, of the first greatest element of each window.
/// </summary>
public sealed record MaxPoolIndices(
    string AutoPad = "NOTSET",
    bool CeilMode = false,
    EquatableArray<long> Dilations = default,
    EquatableArray<long> KernelShape = default,
    EquatableArray<long> Pads = default,
    EquatableArray<long> Strides = default,
    bool ColumnMajor = false) : PoolOperator(AutoPad, CeilMode, Dilations, KernelShape, Pads, Strides), IOp<MaxPoolIndices>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new(null, 1, 1);

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        TensorData x = inputs[0]!, y = TensorData.Zeros(ElementType.Int64, outputs[0].StaticDims);
        Linear.Window window = WindowOf(TensorType.Of(x.Element, x.Dims));
        long[] from = x.Dims[2..], kernel = [.. KernelShape], position = new long[from.Length];
        long size = RowMajor.Count(from);
        int next = 0;
        foreach (long[] index in RowMajor.Indices(y.Dims))
        {
            long plane = ((index[0] * x.Dims[1]) + index[1]) * size, best = -1;
            double max = double.NegativeInfinity;
            foreach (long[] k in RowMajor.Indices(kernel))
            {
                bool inside = true;
                for (int axis = 0; axis < from.Length; axis++)
                {
                    position[axis] = (index[axis + 2] * window.Strides[axis]) + (k[axis] * window.Dilations[axis]) - window.PadLow[axis].Value;
                    inside &= position[axis] >= 0 && position[axis] < from[axis];
                }

                if (!inside) continue;
                double value = x.GetDouble((int)(plane + RowMajor.Offset(from, position)));
                if (best >= 0 && !(value > max)) continue;
                max = value;
                best = plane + (ColumnMajor ? RowMajor.Offset([.. from.Reverse()], [.. position.Reverse()]) : RowMajor.Offset(from, position));
            }

            y.SetInt64(next++, best);
        }

        return [y];
    }

    /// <inheritdoc/>
    public override LoweredOp Lower(LowerContext context)
    {
        TensorType x = context.Inputs[0]!;
        (Axis[] taps, IndexExpr[] index) = Taps(context);
        IndexExpr[] dims = [.. x.Dims.Skip(2)], position = index[2..];
        IndexExpr within = ColumnMajor
            ? RowMajor.Offset([.. Enumerable.Reverse(dims)], [.. Enumerable.Reverse(position)])
            : RowMajor.Offset(dims, position);
        IndexExpr offset = (((index[0] * x.Dims[1]) + index[1]) * IndexExpr.Product(dims)) + within;

        Expr element = context.ReadPadded(0, Elements.Lowest(x.Element), index);
        Accumulator max = context.Accumulate("max", x.Element, Elements.Lowest(x.Element), acc => acc.Max(element));
        Accumulator at = context.Accumulate(
            "at", ElementType.Int64, Const.OfInteger(ElementType.Int64, -1), acc => (element > max.Value).Choose(offset.ToExpr(ElementType.Int64), acc));
        return new LoweredOp(KernelFamily.Pool, [new LoweredPass(context.Axes, taps, [max, at], at.Value)]);
    }

    /// <inheritdoc/>
    protected override bool Accepts(ElementType element) => element.IsFloat() || element is ElementType.Int8 or ElementType.UInt8;

    /// <inheritdoc/>
    protected override ElementType ResultElement(ElementType element) => ElementType.Int64;

    /// <inheritdoc/>
    protected override double Pool(ReadOnlySpan<double> inside, int counted) => throw new InvalidOperationException("It needs positions, not elements.");
}
