using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Linear;
using Lathe.Compiler.Operators.Movement;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Transformer;

/// <summary>Queries, keys and values as [batch, heads, position, size], and how the heads of the queries share those of the keys.</summary>
internal sealed class AttentionHeads
{
    private readonly GraphBuilder _builder;
    private readonly bool _joined;
    private readonly long _sharing;

    private AttentionHeads(GraphBuilder builder, Value query, Value key, Value value, bool joined, long sharing)
    {
        (_builder, Query, Key, Value) = (builder, query, key, value);
        (_joined, _sharing) = (joined, sharing);
    }

    /// <summary>The queries.</summary>
    public Value Query { get; }

    /// <summary>The new keys.</summary>
    public Value Key { get; }

    /// <summary>The new values.</summary>
    public Value Value { get; }

    /// <summary>The heads of a node, which has them as an axis, or joined in the last of three.</summary>
    public static AttentionHeads Read(OnnxNode node, GraphBuilder builder)
    {
        int rank = node.Inputs[0].Type.Rank;
        if (rank is not (3 or 4)) throw node.Bad($"the queries are {node.Inputs[0].Type}, of rank {rank}");
        Value[] all = [.. Enumerable.Range(0, 3).Select(i => Apart(i, i == 0 ? "q_num_heads" : "kv_num_heads"))];
        long queries = Known(node, all[0].Type.Dims[1], "the number of heads"), keys = Known(node, all[1].Type.Dims[1], "the number of heads");
        if (keys < 1 || queries % keys != 0 || all[2].Type.Dims[1] != all[1].Type.Dims[1]) throw node.Bad($"{queries} heads do not share {all[1].Type} and {all[2].Type}");
        return new AttentionHeads(builder, all[0], all[1], all[2], rank == 3, queries / keys);

        Value Apart(int input, string attribute)
        {
            Value x = node.Inputs[input];
            if (!x.Type.Element.IsFloat()) throw node.Bad($"input {input} has elements of type {x.Type.Element.Name()}, not floats");
            if (x.Type.Rank != rank) throw node.Bad($"input {input} is {x.Type}, not of rank {rank}");
            return rank == 4 ? x : Split(node, builder, x, AttributeReader.Get(node, attribute, 0L), attribute);
        }
    }

    /// <summary>[batch, position, heads · size] as [batch, heads, position, size].</summary>
    public static Value Split(OnnxNode node, GraphBuilder builder, Value x, long heads, string attribute)
    {
        long width = Known(node, x.Type.Dims[2], "the size of all heads");
        if (heads < 1 || width % heads != 0) throw AttributeReader.Wrong(node, attribute, $"{heads} heads do not share {width} elements");
        Value parts = builder.Add(new Reshape([x.Type.Dims[0], x.Type.Dims[1], heads, width / heads]), x);
        return builder.Add(new Transpose([0, 2, 1, 3]), parts);
    }

    /// <summary>[batch, heads, position, size] as [batch, position, heads · size].</summary>
    public static Value Join(GraphBuilder builder, Value x)
    {
        Value moved = builder.Add(new Transpose([0, 2, 1, 3]), x);
        return builder.Add(new Reshape([moved.Type.Dims[0], moved.Type.Dims[1], moved.Type.Dims[2] * moved.Type.Dims[3]]), moved);
    }

    /// <summary>A dim that has to be a number.</summary>
    public static long Known(OnnxNode node, IndexExpr dim, string what) => dim.IsConstant ? dim.Value : throw node.Bad($"{what}, {dim}, is not known");

    /// <summary>The matrix product of every query head's matrix with that of the head it shares.</summary>
    public Value Multiply(Value queries, Value shared)
    {
        if (_sharing == 1) return _builder.Add(new MatMul(), queries, shared);
        EquatableArray<IndexExpr> dims = queries.Type.Dims;
        Value groups = _builder.Add(new Reshape([dims[0], shared.Type.Dims[1], _sharing, dims[2], dims[3]]), queries);
        Value product = _builder.Add(new MatMul(), groups, _builder.Add(new Unsqueeze([2]), shared));
        return _builder.Add(new Reshape([dims[0], dims[1], dims[2], product.Type.Dims[4]]), product);
    }

    /// <summary>A result in the form of the node's inputs.</summary>
    public Value Join(Value result) => _joined ? Join(_builder, result) : result;
}
