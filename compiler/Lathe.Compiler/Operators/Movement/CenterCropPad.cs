using Lathe.Compiler.Graph;
using Lathe.Kernels;
using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Movement;

/// <summary>The middle of the input along each given axis, or the input in the middle of zeros; of an odd rest the greater half lies behind.</summary>
public sealed class CenterCropPad : IComposite<CenterCropPad>
{
    private CenterCropPad()
    {
    }

    /// <inheritdoc/>
    public static OpSchema Schema => new("CenterCropPad", 2, 2);

    /// <inheritdoc/>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder)
    {
        Value x = node.Inputs[0];
        EquatableArray<IndexExpr> shape = OnnxInputs.Known(node, 1, "its shape");
        long[] all = [.. Enumerable.Range(0, x.Type.Rank).Select(a => (long)a)];
        int[] axes = [.. AttributeReader.Get(node, "axes", all).Select(a => node.Axis(a, x.Type.Rank))];
        if (axes.Length != shape.Length || axes.Distinct().Count() != axes.Length) throw node.Bad($"{shape.Length} dims do not fit axes {string.Join(", ", axes)}");

        List<IndexExpr> starts = [], ends = [];
        List<long> cropped = [];
        long[] pads = new long[2 * x.Type.Rank];
        for (int i = 0; i < axes.Length; i++)
        {
            IndexExpr surplus = x.Type.Dims[axes[i]] - shape[i];
            if (shape[i].Range.Min < 0) throw node.Bad($"its shape has the dim {shape[i]}");
            if (surplus.Range.Min >= 0)
            {
                starts.Add(surplus / 2);
                ends.Add((surplus / 2) + shape[i]);
                cropped.Add(axes[i]);
            }
            else
            {
                if (!surplus.IsConstant) throw node.Bad($"whether {x.Type.Dims[axes[i]]} or {shape[i]} is longer is not known");
                pads[axes[i]] = -surplus.Value / 2;
                pads[axes[i] + x.Type.Rank] = -surplus.Value - pads[axes[i]];
            }
        }

        Value y = cropped.Count == 0 ? x : builder.Add(new Slice([.. starts], [.. ends], [.. cropped]), x);
        return [pads.Any(p => p != 0) ? builder.Add(new Pad(pads), y) : y];
    }
}
