using Lathe.Compiler.Graph;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Linear;

/// <summary>
/// A convolution of stride 1 in two axes by Winograd's algorithm: each tile of outputs is the back transform of a sum over channels of products of transformed
/// tiles of the input and transformed weights. Inputs are x [n, c, h, w], the weights G·g·Gᵀ as [t, t, c, o], and the optional b [o].
/// </summary>
/// <param name="Tile">The outputs of a tile along each axis; with the weights' t, it gives the kernel's size.</param>
/// <param name="Pads">The padding by zeros: both starts, then both ends.</param>
public sealed record WinogradConv(long Tile, EquatableArray<long> Pads) : Op, IOp<WinogradConv>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new(null, 2, 3);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Contraction;

    /// <summary>How far the last tiles read behind the input along a spatial axis.</summary>
    public long Beyond(TensorType x, TensorType u, int axis)
    {
        long output = Extent(x, u, axis).Value, tiles = (output + Tile - 1) / Tile;
        return Math.Max(0, (tiles * Tile) + Kernel(u) - 1 - Pads[axis] - x.Dims[axis + 2].Value);
    }

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        TensorType x = context.Type(0), u = context.Type(1);
        context.Require(x.Element == ElementType.Float32 && u.Element == ElementType.Float32, "only float32 is transformed");
        context.Require(x.Rank == 4 && u.Rank == 4 && u.IsStatic && u.Dims[0] == u.Dims[1], $"weights {u} do not fit input {x}");
        context.Require(Tile >= 1 && Kernel(u) >= 1, $"weights {u} have no kernel for tiles of {Tile}");
        context.Require(Pads.Length == 4 && Pads.All(p => p >= 0), "the padding does not fit");
        context.Require(x.Dims.Skip(1).All(d => d.IsConstant) && x.Dims[1] == u.Dims[2], $"weights {u} do not fit input {x}");
        context.Require(Extent(x, u, 0).Value > 0 && Extent(x, u, 1).Value > 0, "the kernel does not fit the input");
        if (context.Has(2)) context.Require(context.Type(2).Dims is [var length] && length == u.Dims[3], "there is not one bias per output channel");
        context.Output(x.Element, [x.Dims[0], u.Dims[3], Extent(x, u, 0), Extent(x, u, 1)]);
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        TensorData x = inputs[0]!, u = inputs[1]!;
        double[] image = x.ToDoubles(), weights = u.ToDoubles();
        double[]? bias = inputs.ElementAtOrDefault(2)?.ToDoubles();
        long[] to = outputs[0].StaticDims;
        int t = (int)u.Dims[0], channels = (int)u.Dims[2], filters = (int)u.Dims[3];
        WinogradTransform transform = WinogradTransform.Of((int)Tile, t - (int)Tile + 1);
        double[] y = new double[RowMajor.Count(to)];
        foreach (long[] tile in RowMajor.Indices([to[0], (to[2] + Tile - 1) / Tile, (to[3] + Tile - 1) / Tile]))
        {
            double[][,] transformed = [.. Enumerable.Range(0, channels).Select(c => WinogradTransform.Apply(transform.Input, TileOf(tile, c)))];
            for (int o = 0; o < filters; o++)
            {
                double[,] sum = new double[t, t];
                for (int i = 0; i < t; i++)
                    for (int j = 0; j < t; j++)
                        for (int c = 0; c < channels; c++) sum[i, j] += transformed[c][i, j] * weights[(((((i * t) + j) * channels) + c) * filters) + o];
                double[,] back = WinogradTransform.Apply(transform.Output, sum);
                foreach (long[] at in RowMajor.Indices([Tile, Tile]))
                {
                    long h = (tile[1] * Tile) + at[0], w = (tile[2] * Tile) + at[1];
                    if (h < to[2] && w < to[3]) y[RowMajor.Offset(to, [tile[0], o, h, w])] = back[at[0], at[1]] + (bias?[o] ?? 0);
                }
            }
        }

        return [Elements.FromDoubles(outputs[0], y)];

        double[,] TileOf(long[] tile, int c)
        {
            double[,] d = new double[t, t];
            for (int i = 0; i < t; i++)
            {
                for (int j = 0; j < t; j++)
                {
                    long h = (tile[1] * Tile) + i - Pads[0], w = (tile[2] * Tile) + j - Pads[1];
                    if (h >= 0 && h < x.Dims[2] && w >= 0 && w < x.Dims[3]) d[i, j] = image[RowMajor.Offset(x.Dims, [tile[0], c, h, w])];
                }
            }

            return d;
        }
    }

    /// <inheritdoc/>
    public override LoweredOp Lower(LowerContext context)
    {
        TensorType x = context.Inputs[0]!, u = context.Inputs[1]!;
        long t = u.Dims[0].Value, kernel = Kernel(u);
        WinogradTransform transform = WinogradTransform.Of((int)Tile, (int)kernel);
        ConstantTensor input = context.Constant("bt", x.Element, [t, t], WinogradTransform.Elements(transform.Input));
        ConstantTensor output = context.Constant("at", x.Element, [Tile, t], WinogradTransform.Elements(transform.Output));
        IndexExpr high = IndexExpr.CeilDiv(context.Output.Dims[2], Tile), wide = IndexExpr.CeilDiv(context.Output.Dims[3], Tile);
        Expr zero = Const.Of(x.Element, 0);

        // 1. Bᵀ·d: the columns of each tile of the input.
        Axis[] columns = Axes("a", x.Dims[0], high, wide, t, t, x.Dims[1]);
        (IndexExpr n, IndexExpr th, IndexExpr tw, IndexExpr i, IndexExpr j, IndexExpr c) = Six(columns);
        Axis tap = context.Reduce("ak", t);
        Expr element = context.ReadPadded(0, zero, [n, c, (th * Tile) + tap.Variable - Pads[0], (tw * Tile) + j - Pads[1]]);
        LoweredPass pass0 = Pass(columns, tap, "a", input.Tensor.At(i, tap.Variable), element);

        // 2. (Bᵀ·d)·B: the rows.
        Axis[] rows = Axes("b", t, t, x.Dims[0], high, wide, x.Dims[1]);
        (i, j, n, th, tw, c) = Six(rows);
        tap = context.Reduce("bk", t);
        LoweredPass pass1 = Pass(rows, tap, "b", input.Tensor.At(j, tap.Variable), context.ReadTemporary(0, x.Element, columns, n, th, tw, i, tap.Variable, c));

        // 3. The products, one for each element of a tile.
        Axis[] products = Axes("c", t, t, x.Dims[0], high, wide, u.Dims[3]);
        (i, j, n, th, tw, IndexExpr o) = Six(products);
        Axis channel = context.Reduce("cc", x.Dims[1]);
        Accumulator sum = context.Accumulate("sum", x.Element, zero, acc =>
            context.ReadTemporary(1, x.Element, rows, i, j, n, th, tw, channel.Variable).MultiplyAdd(context.Read(1, i, j, channel.Variable, o), acc));
        LoweredPass pass2 = new([.. products], [channel], [sum], sum.Value);

        // 4. Aᵀ·m: the columns of a tile of outputs.
        Axis[] back = Axes("d", x.Dims[0], high, wide, Tile, t, u.Dims[3]);
        (n, th, tw, i, j, o) = Six(back);
        tap = context.Reduce("dk", t);
        LoweredPass pass3 = Pass(back, tap, "d", output.Tensor.At(i, tap.Variable), context.ReadTemporary(2, x.Element, products, tap.Variable, j, n, th, tw, o));

        // 5. (Aᵀ·m)·A: its rows.
        (n, o, IndexExpr h, IndexExpr w) = (context.Index[0], context.Index[1], context.Index[2], context.Index[3]);
        tap = context.Reduce("ek", t);
        Expr start = context.Has(2) ? context.Read(2, o) : zero;
        LoweredPass pass4 = Pass(
            [.. context.Axes], tap, "e", output.Tensor.At(w % Tile, tap.Variable),
            context.ReadTemporary(3, x.Element, back, n, h / Tile, w / Tile, h % Tile, tap.Variable, o), start);
        return new LoweredOp(KernelFamily.Winograd, [pass0, pass1, pass2, pass3, pass4]) { Constants = [input, output] };

        Axis[] Axes(string name, params IndexExpr[] extents) => [.. extents.Select((extent, at) => context.Reduce($"{name}{at}", extent))];

        // A coefficient of zero leaves the sum as it is, whatever it would be multiplied with.
        LoweredPass Pass(Axis[] axes, Axis reduction, string name, Expr coefficient, Expr value, Expr? init = null)
        {
            Accumulator total = context.Accumulate(name, x.Element, init ?? zero, acc =>
                new Select(new Binary(BinaryOp.Equal, coefficient, zero), acc, new Fma(coefficient, value, acc)));
            return new LoweredPass([.. axes], [reduction], [total], total.Value);
        }
    }

    /// <inheritdoc/>
    public override IndexExpr Macs(IReadOnlyList<TensorType> inputs, IReadOnlyList<TensorType> outputs) =>
        outputs[0].Count * inputs[1].Dims[2] * Kernel(inputs[1]) * Kernel(inputs[1]);

    private static (IndexExpr, IndexExpr, IndexExpr, IndexExpr, IndexExpr, IndexExpr) Six(Axis[] axes) =>
        (axes[0].Variable, axes[1].Variable, axes[2].Variable, axes[3].Variable, axes[4].Variable, axes[5].Variable);

    private long Kernel(TensorType u) => u.Dims[0].Value - Tile + 1;

    private IndexExpr Extent(TensorType x, TensorType u, int axis) => x.Dims[axis + 2] + Pads[axis] + Pads[axis + 2] - Kernel(u) + 1;
}
