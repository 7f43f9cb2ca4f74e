using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Shapes;
using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Movement;

/// <summary>Parts of the input along an axis, one slice each.</summary>
public sealed class Split : IComposite<Split>
{
    private Split()
    {
    }

    /// <inheritdoc/>
    public static OpSchema Schema => new("Split", 1, 2, int.MaxValue);

    /// <inheritdoc/>
    /// <remarks>Lengths are an attribute up to opset 12, then an input; without them the parts are equal, and from opset 18 on the last may be shorter.</remarks>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder)
    {
        Value x = node.Inputs[0];
        int axis = node.Axis(AttributeReader.Get(node, "axis", 0L), x.Type.Rank);
        IndexExpr dim = x.Type.Dims[axis];
        if (!node.IsKnown(1) && Measure.CanBeMeasured(node.Inputs[1])) return OfData(node, axis, builder);
        IndexExpr[] lengths = [.. Lengths(node, dim)];
        if (lengths.Length < node.OutputCount) throw node.Bad($"{lengths.Length} parts do not fit {node.OutputCount} outputs");
        IndexExpr sum = lengths.Aggregate(IndexExpr.Zero, (a, b) => a + b);
        if (sum != dim) throw node.Bad($"parts of {string.Join(", ", (IEnumerable<IndexExpr>)lengths)} do not make up {dim}");

        List<Value> parts = [];
        IndexExpr start = IndexExpr.Zero;
        foreach (IndexExpr length in lengths)
        {
            if (length.Range.Min < 0) throw node.Bad($"a part has the length {length}");
            parts.Add(builder.Add(new Slice([start], [start + length], [axis]), x));
            start += length;
        }

        return parts;
    }

    /// <summary>Parts whose lengths data determine.</summary>
    private static List<Value> OfData(OnnxNode node, int axis, GraphBuilder builder)
    {
        TensorType x = node.Inputs[0].Type;
        IndexExpr dim = x.Dims[axis];
        Value lengths = Measure.Of(builder, node.Inputs[1], 0, RuntimeShapes.Max, l => [dim - Sum(l), Sum(l) - dim]);
        Value from = View.After(builder, node.Inputs[0], lengths);
        List<Value> parts = [];
        IndexExpr start = IndexExpr.Zero;
        foreach (IndexExpr length in lengths.Contents!.Value)
        {
            IndexExpr[] starts = new IndexExpr[x.Rank], steps = new IndexExpr[x.Rank], dims = [.. x.Dims];
            Array.Fill(starts, IndexExpr.Zero);
            Array.Fill(steps, IndexExpr.One);
            (starts[axis], dims[axis]) = (start, length);
            parts.Add(builder.Add(new StridedSlice(starts, steps, dims), from));
            start += length;
        }

        return parts;

        static IndexExpr Sum(IEnumerable<IndexExpr> all) => all.Aggregate(IndexExpr.Zero, (a, b) => a + b);
    }

    private static IEnumerable<IndexExpr> Lengths(OnnxNode node, IndexExpr dim)
    {
        if (node.Has(1)) return OnnxInputs.Known(node, 1, "its lengths");
        if (node.Attributes.ContainsKey("split")) return AttributeReader.Get<long[]>(node, "split", []).Select(l => (IndexExpr)l);
        long count = AttributeReader.Get(node, "num_outputs", (long)node.OutputCount);
        if (count < 1 || count > Math.Max(node.OutputCount, 1)) throw AttributeReader.Wrong(node, "num_outputs", $"it is {count} with {node.OutputCount} outputs");
        IndexExpr length = IndexExpr.CeilDiv(dim, count);
        return Enumerable.Repeat(length, (int)count - 1).Append(dim - (length * (count - 1)));
    }
}
