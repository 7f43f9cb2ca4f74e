using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Compiler.Operators.Movement;
using Lathe.Kernels.Loops;
using Lathe.Runtime;
using Range = Lathe.Compiler.Operators.Shapes.Range;

namespace Lathe.Compiler.Operators.Transformer;

/// <summary>Which keys a query of <see cref="Attention"/> may see: scores of others become -∞.</summary>
internal static class AttentionMask
{
    /// <summary>Wider windows than any sequence are not told apart.</summary>
    private const long Unbounded = 1L << 40;

    /// <summary>The scores [batch, heads, query, key] with a node's masks applied.</summary>
    /// <param name="node">The node.</param>
    /// <param name="builder">Where nodes are added.</param>
    /// <param name="scores">The scores.</param>
    /// <param name="past">How many keys lie before those of the call.</param>
    /// <param name="mayBeEmpty">Whether a query may be left without keys.</param>
    public static Value Apply(OnnxNode node, GraphBuilder builder, Value scores, IndexExpr past, out bool mayBeEmpty)
    {
        ElementType element = scores.Type.Element;
        IndexExpr queries = scores.Type.Dims[2], keys = scores.Type.Dims[3];
        Value allowed = Value.None, counts = node.Has(6) ? node.Inputs[6] : Value.None;
        if (!counts.IsNone)
        {
            if (counts.Type.Element != ElementType.Int64 || counts.Type.Dims is not [var batch] || batch != scores.Type.Dims[0]) throw node.Bad($"{counts.Type} are no counts of keys");
            counts = builder.Add(new Unsqueeze([1, 2, 3]), counts);
        }

        long left = Window("left_window_size"), right = Window("right_window_size");
        if (AttributeReader.Get(node, "is_causal", 0L) != 0) right = 0;
        mayBeEmpty = node.Has(3) || node.Has(6) || left >= 0 || (right >= 0 && past != IndexExpr.Zero && past.Range.Min < 0);

        // Queries are the last of the keys that count, or else follow those of the past.
        Value key = builder.Add(new Range(0, 1, keys, ElementType.Int64));
        Value query = builder.Add(new Unsqueeze([1]), builder.Add(new Range(counts.IsNone || node.Has(4) ? past : 0, 1, queries, ElementType.Int64)));
        if (!counts.IsNone && !node.Has(4)) query = builder.Add(new Add(), query, builder.Add(new Sub(), counts, Length()));
        if (right >= 0) Allow(builder.Add(new LessOrEqual(), key, Shifted(right)));
        if (left >= 0) Allow(builder.Add(new LessOrEqual(), Shifted(-left), key));
        if (!counts.IsNone) Allow(builder.Add(new Less(), key, counts));
        if (node.Has(3))
        {
            Value mask = Extended(node.Inputs[3]);
            if (mask.Type.Element == ElementType.Bool) Allow(mask);
            else scores = builder.Add(new Add(), scores, builder.Cast(mask, element));
        }

        return allowed.IsNone ? scores : builder.Add(new Where(), allowed, scores, builder.Number(element, double.NegativeInfinity));

        long Window(string attribute)
        {
            long size = AttributeReader.Get(node, attribute, -1L);
            return size >= -1 ? Math.Min(size, Unbounded) : throw AttributeReader.Wrong(node, attribute, $"it is {size}");
        }

        Value Shifted(long distance) =>
            distance == 0 ? query : builder.Add(new Add(), query, builder.Constant(TensorData.OfInt64s(distance)));

        void Allow(Value condition) => allowed = allowed.IsNone ? condition : builder.Add(new And(), allowed, condition);

        Value Length() => builder.Add(new Shapes.Shape(2, 3), scores);

        // A mask may end before the keys do: what it does not speak of is not seen.
        Value Extended(Value mask)
        {
            if (mask.Type.Rank is < 1 or > 4 || (mask.Type.Element != ElementType.Bool && !mask.Type.Element.IsFloat())) throw node.Bad($"{mask.Type} is no mask");
            IndexExpr missing = keys - mask.Type.Dims[^1];
            if (missing == IndexExpr.Zero) return mask;
            if (!missing.IsConstant || missing.Value < 0) throw node.Bad($"a mask {mask.Type} does not fit {keys} keys");
            Value unseen = builder.Constant(mask.Type.Element == ElementType.Bool ? TensorData.Zeros(ElementType.Bool) : Elements.Scalar(mask.Type.Element, double.NegativeInfinity));
            IndexExpr[] pads = [.. Enumerable.Repeat(IndexExpr.Zero, 2 * mask.Type.Rank)];
            pads[^1] = missing;
            return builder.Add(new Pad(pads), mask, unseen);
        }
    }
}
