using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Linear;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Pooling;

/// <summary>y[n, c, p] = max x[n, c, p·stride + k·dilation - pad] over the window; what lies outside of x does not count.</summary>
public sealed record MaxPool(
    string AutoPad = "NOTSET",
    bool CeilMode = false,
    EquatableArray<long> Dilations = default,
    EquatableArray<long> KernelShape = default,
    EquatableArray<long> Pads = default,
    EquatableArray<long> Strides = default) : PoolOperator(AutoPad, CeilMode, Dilations, KernelShape, Pads, Strides), IOp<MaxPool>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("MaxPool", 1, 1, 2);

    /// <inheritdoc/>
    /// <remarks>The optional second output is an operator of its own.</remarks>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder)
    {
        MaxPool pool = AttributeReader.Read<MaxPool>(node);
        Value x = node.Inputs[0], y = builder.Add(pool, x);
        if (node.OutputCount < 2) return [y];
        bool columnMajor = AttributeReader.Get(node, "storage_order", 0L) != 0;
        return [y, builder.Add(new MaxPoolIndices(pool.AutoPad, pool.CeilMode, pool.Dilations, pool.KernelShape, pool.Pads, pool.Strides, columnMajor), x)];
    }

    /// <inheritdoc/>
    public override LoweredOp Lower(LowerContext context)
    {
        ElementType element = context.Output.Element;
        (Axis[] taps, IndexExpr[] index) = Taps(context);
        Expr x = context.ReadPadded(0, Elements.Lowest(element), index);
        return context.ReduceOver(KernelFamily.Pool, taps, context.Accumulate("max", element, Elements.Lowest(element), acc => acc.Max(x)));
    }

    /// <inheritdoc/>
    protected override bool Accepts(ElementType element) => element.IsFloat() || element is ElementType.Int8 or ElementType.UInt8;

    /// <inheritdoc/>
    protected override double Pool(ReadOnlySpan<double> inside, int counted)
    {
        double max = double.NegativeInfinity;
        foreach (double x in inside) max = Math.Max(max, x);
        return max;
    }
}
