using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Compiler.Operators.Movement;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Transformer;

/// <summary>
/// Pairs (a, b) of each head's elements rotated to (a·cos - b·sin, a·sin + b·cos): element i with i + n/2, or neighbours if interleaved, of the first n.
/// Inputs are x, the cosines, the sines, and optionally the positions at which these are to be looked up.
/// </summary>
public sealed class RotaryEmbedding : IComposite<RotaryEmbedding>
{
    private RotaryEmbedding()
    {
    }

    /// <inheritdoc/>
    public static OpSchema Schema => new("RotaryEmbedding", 3, 4);

    /// <inheritdoc/>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder)
    {
        Value x = node.Inputs[0];
        if (!x.Type.Element.IsFloat() || x.Type.Rank is not (3 or 4)) throw node.Bad($"{x.Type} has no heads of floats");
        bool joined = x.Type.Rank == 3;
        Value heads = joined ? AttentionHeads.Split(node, builder, x, AttributeReader.Get(node, "num_heads", 0L), "num_heads") : x;
        long size = AttentionHeads.Known(node, heads.Type.Dims[3], "the size of a head"), rotated = AttributeReader.Get(node, "rotary_embedding_dim", 0L);
        if (rotated == 0) rotated = size;
        if (rotated < 0 || rotated > size || rotated % 2 != 0) throw AttributeReader.Wrong(node, "rotary_embedding_dim", $"{rotated} of {size} elements do not make pairs");

        bool interleaved = AttributeReader.Get(node, "interleaved", 0L) != 0;
        Value cosines = Angles(1), sines = Angles(2), a = Half(0), b = Half(1);
        Value real = builder.Add(new Sub(), Product(a, cosines), Product(b, sines)), imaginary = builder.Add(new Add(), Product(a, sines), Product(b, cosines));
        Value pairs = interleaved
            ? builder.Add(new Reshape([.. heads.Type.Dims.Take(3), rotated]), builder.Add(new Concat(4), Alone(real), Alone(imaginary)))
            : builder.Add(new Concat(3), real, imaginary);
        Value y = builder.Cast(pairs, x.Type.Element);
        if (rotated < size) y = builder.Add(new Concat(3), y, builder.Add(new Slice([rotated], [size], [3]), heads));
        return [joined ? AttentionHeads.Join(builder, y) : y];

        // [batch, 1, position, n/2]
        Value Angles(int input)
        {
            Value table = node.Inputs[input];
            if (table.Type.Element != x.Type.Element) throw node.Bad($"input {input} has elements of type {table.Type.Element.Name()}, not {x.Type.Element.Name()}");
            if (node.Has(3) && table.Type.Rank != 2) throw node.Bad($"input {input} is {table.Type}, no table of positions");
            Value angles = node.Has(3) ? builder.Add(new Gather(), table, CheckIndices.Of(node, builder, node.Inputs[3], table, 0)) : table;
            if (angles.Type.Rank != 3 || angles.Type.Dims[2] != rotated / 2) throw node.Bad($"input {input}, {table.Type}, does not fit {rotated / 2} pairs");
            return builder.Widen(builder.Add(new Unsqueeze([1]), angles));
        }

        Value Half(int which)
        {
            Slice slice = interleaved ? new Slice([which], [rotated], [3], [2]) : new Slice([which * rotated / 2], [(which + 1) * rotated / 2], [3]);
            return builder.Widen(builder.Add(slice, heads));
        }

        Value Product(Value left, Value right) => builder.Add(new Mul(), left, right);

        Value Alone(Value value) => builder.Add(new Unsqueeze([4]), value);
    }
}
