using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Shapes;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Movement;

/// <summary>Paddings of ONNX's Pad that data determine.</summary>
internal static class PadOfData
{
    /// <summary>True if paddings and axes are numbers.</summary>
    public static bool IsStatic(OnnxNode node) =>
        node.IsKnown(1) && node.IsKnown(3) && (!node.Has(1) || OnnxInputs.Known(node, 1, "pads").All(p => p.IsConstant));

    /// <summary>The paddings before and after each axis of the input as symbols, and the measurement of them.</summary>
    public static (EquatableArray<IndexExpr> Pads, Value Measured) Measured(OnnxNode node, GraphBuilder g)
    {
        TensorType x = node.Inputs[0].Type;
        Value pads = Input(1, "its paddings");
        Value? axes = node.Has(3) ? Input(3, "its axes") : null;
        int count = axes is { } given ? (int)given.Type.Count.Value : x.Rank;
        if (pads.Type.Count != 2 * count || count > x.Rank) throw node.Bad($"paddings {pads.Type} do not fit {count} axes of {x}");
        int[] padded = [.. Enumerable.Range(0, x.Rank)];
        if (axes is { } some && KnownContents.Constants(some.Contents) is { } known)
        {
            padded = [.. known.Select(axis => node.Axis(axis, x.Rank))];
            if (padded.Distinct().Count() != count) throw node.Bad($"axes {string.Join(", ", known)} name one twice");
        }
        else if (axes is { } open)
        {
            Value matches = RuntimeShapes.Matches(g, open, x.Rank), none = RuntimeShapes.Vector(g, 0);
            Value before = RuntimeShapes.Spread(g, matches, g.Add(new Slice([0], [count]), pads), none);
            Value after = RuntimeShapes.Spread(g, matches, g.Add(new Slice([count], [2 * count]), pads), none);
            pads = RuntimeShapes.Checked(g, RuntimeShapes.AreDistinct(g, matches), g.Add(new Concat(0), before, after));
        }

        int n = padded.Length;
        Value measured = Measure.Of(g, pads, [.. Enumerable.Repeat(new IndexRange(-Pad.MaxPad, Pad.MaxPad), 2 * n)], Checks);
        IReadOnlyList<IndexExpr> symbols = measured.Contents!.Value;
        IndexExpr[] all = new IndexExpr[2 * x.Rank];
        Array.Fill(all, IndexExpr.Zero);
        for (int i = 0; i < n; i++) (all[padded[i]], all[padded[i] + x.Rank]) = (symbols[i], symbols[n + i]);
        return (all, measured);

        Value Input(int input, string what) => node.IsKnown(input)
            ? RuntimeShapes.AsVector(g, node.Inputs[input])
            : OnnxInputs.Vector(node, g, input, what);

        // No dim is negative, and one of 0 does not grow unless it is filled with a constant.
        IEnumerable<IndexExpr> Checks(IReadOnlyList<IndexExpr> p)
        {
            bool repeats = AttributeReader.Get(node, "mode", "constant") != "constant";
            for (int i = 0; i < n; i++)
            {
                IndexExpr dim = x.Dims[padded[i]], result = dim + p[i] + p[n + i];
                yield return result;
                if (repeats) yield return (dim * (2 * Pad.MaxPad)) - (p[i] + p[n + i]);
            }
        }
    }
}
