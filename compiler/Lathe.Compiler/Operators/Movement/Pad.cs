using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Shapes;
using Lathe.Kernels;
using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Movement;

/// <summary>
/// The input with elements added before and after each axis, or taken away where a padding is negative. They are those of the optional scalar input 1
/// (mode constant), mirrored (reflect), those of the edge, or those of the other end (wrap).
/// </summary>
public sealed record Pad(EquatableArray<IndexExpr> Pads, string Mode = "constant") : Op, IOp<Pad>
{
    /// <summary>The greatest padding that is taken: products with dims stay far from 64 bits.</summary>
    internal const long MaxPad = 1 << 30;

    /// <inheritdoc/>
    public static OpSchema Schema => new("Pad", 1, 4);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Movement;

    /// <inheritdoc/>
    public override bool IsBorder => Mode == "constant";

    /// <inheritdoc/>
    /// <remarks>Up to opset 10 paddings and value are attributes; from opset 18 on paddings may be those of some axes only.</remarks>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder)
    {
        Value x = node.Inputs[0];
        string mode = AttributeReader.Get(node, "mode", "constant");
        EquatableArray<IndexExpr> pads;
        if (PadOfData.IsStatic(node))
        {
            EquatableArray<long> given = OnnxInputs.NumbersOrAttribute(node, 1, "pads") ?? throw node.Bad("it has no paddings");
            if (node.Has(3)) given = Spread(node, given, OnnxInputs.Numbers(node, 3, "axes"), x.Type.Rank);
            pads = given.Select(p => (IndexExpr)p).ToEquatableArray();
        }
        else
        {
            (pads, Value measured) = PadOfData.Measured(node, builder);
            x = View.After(builder, x, measured);
        }

        float value = AttributeReader.Get(node, "value", 0f);
        Value outside = node.Has(2) ? node.Inputs[2] : value != 0 ? builder.Constant(Elements.Scalar(x.Type.Element, value)) : Value.None;
        Pad pad = new(pads, mode);
        return [outside.IsNone || mode != "constant" ? builder.Add(pad, x) : builder.Add(pad, x, outside)];
    }

    /// <inheritdoc/>
    public override Op Substitute(Func<IndexVar, IndexExpr?> replacement) => this with { Pads = Pads.Select(p => p.Substitute(replacement)).ToEquatableArray() };

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        TensorType x = context.Type(0);
        context.Require(Mode is "constant" or "reflect" or "edge" or "wrap", $"mode '{Mode}' is unknown");
        context.Require(Pads.Length == 2 * x.Rank, $"pads has {Pads.Length} values for {x}");
        context.Require(Pads.All(p => p.Range is { Min: >= -MaxPad, Max: <= MaxPad }), "a padding is too large");
        if (context.Has(1))
        {
            context.RequireSameElement(0, 1);
            context.Require(context.Type(1).Dims.All(d => d == IndexExpr.One), $"the value {context.Type(1)} is no scalar");
        }

        // Of paddings that data determine, whoever measures them sees to it.
        for (int i = 0; i < x.Rank; i++)
            context.Require(
                Mode == "constant" || x.Dims[i].Range.Min > 0 || Takes(i, x.Rank) || !Pads[i].IsConstant || !Pads[i + x.Rank].IsConstant, $"axis {i} of {x} has nothing to repeat");
        context.Output(new TensorType(x.Element, x.Dims.Select((d, i) => d + Pads[i] + Pads[i + x.Rank]).ToEquatableArray()));
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        TensorData x = inputs[0]!;
        long[] position = new long[x.Dims.Length];
        return [Elements.Rearrange(x, outputs[0].StaticDims, index =>
        {
            for (int i = 0; i < position.Length; i++)
            {
                long at = index[i] - Pads[i].Value, dim = x.Dims[i];
                if (at < 0 || at >= dim)
                {
                    if (Mode == "constant") return -1;
                    at = Mode switch
                    {
                        "edge" => Math.Clamp(at, 0, dim - 1),
                        "wrap" => ((at % dim) + dim) % dim,
                        _ => Mirror(at, dim),
                    };
                }

                position[i] = at;
            }

            return RowMajor.Offset(x.Dims, position);
        }, inputs.ElementAtOrDefault(1))];

        static long Mirror(long at, long dim)
        {
            if (dim == 1) return 0;
            while (at < 0 || at >= dim) at = at < 0 ? -at : (2 * (dim - 1)) - at;
            return at;
        }
    }

    /// <inheritdoc/>
    public override LoweredOp Lower(LowerContext context)
    {
        TensorType x = context.Inputs[0]!;
        IndexExpr[] index = [.. context.Index.Select((at, i) => at - Pads[i])];
        if (Mode == "constant")
        {
            Expr outside = context.Has(1)
                ? context.Read(1, [.. context.Inputs[1]!.Dims.Select(_ => IndexExpr.Zero)])
                : Const.OfInteger(x.Element, 0);
            return context.Map(context.ReadPadded(0, outside, index));
        }

        return context.Map(context.Read(0, [.. index.Select((at, i) => Takes(i, x.Rank) ? at : Inside(at, x.Dims[i], IndexExpr.Max(0, Pads[i])))]));
    }

    /// <summary>True if an axis is only cut.</summary>
    private bool Takes(int axis, int rank) => Pads[axis].Range.Max <= 0 && Pads[axis + rank].Range.Max <= 0;

    /// <summary>The place inside an axis that stands for a place at most <paramref name="low"/> before it or any number behind it.</summary>
    private IndexExpr Inside(IndexExpr at, IndexExpr dim, IndexExpr low)
    {
        if (Mode == "edge") return IndexExpr.Max(0, IndexExpr.Min(at, dim - 1));
        IndexExpr period = IndexExpr.Max(1, Mode == "wrap" ? dim : (dim - 1) * 2);
        // Whole periods are added first: remainders are defined for non-negative operands.
        IndexExpr place = (at + (period * (period.IsConstant ? IndexExpr.CeilDiv(low, period) : low))) % period;
        return Mode == "wrap" ? place : IndexExpr.Min(place, ((dim - 1) * 2) - place);
    }

    private static EquatableArray<long> Spread(OnnxNode node, EquatableArray<long> pads, EquatableArray<long> axes, int rank)
    {
        if (pads.Length != 2 * axes.Length) throw node.Bad($"pads has {pads.Length} values for {axes.Length} axes");
        long[] all = new long[2 * rank];
        for (int i = 0; i < axes.Length; i++)
        {
            int axis = node.Axis(axes[i], rank);
            (all[axis], all[axis + rank]) = (pads[i], pads[i + axes.Length]);
        }

        return all;
    }
}
