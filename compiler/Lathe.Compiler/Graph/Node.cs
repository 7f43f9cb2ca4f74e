using System.Collections.Immutable;
using Lathe.Compiler.Operators;
using Lathe.Kernels;
using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Graph;

/// <summary>
/// An operator applied to values. Made only by <see cref="GraphBuilder"/>, which interns: the same operator on the same values is the same
/// object, so that == means "the same value". Immutable.
/// </summary>
public sealed class Node
{
    internal Node(int id, Op op, ImmutableArray<Value> inputs, ImmutableArray<TensorType> outputs, ImmutableArray<EquatableArray<IndexExpr>?> contents)
    {
        Id = id;
        Op = op;
        Inputs = inputs;
        OutputTypes = outputs;
        Contents = contents;
    }

    /// <summary>A number in order of creation, so that inputs come before users.</summary>
    public int Id { get; }

    /// <summary>The operator.</summary>
    public Op Op { get; }

    /// <summary>What it is applied to; an absent optional input is <see cref="Value.None"/>.</summary>
    public ImmutableArray<Value> Inputs { get; }

    /// <summary>The types of its outputs.</summary>
    public ImmutableArray<TensorType> OutputTypes { get; }

    /// <summary>
    /// For each output the elements where they are known as expressions over the graph's symbols (small integer tensors such as shapes), else null.
    /// </summary>
    public ImmutableArray<EquatableArray<IndexExpr>?> Contents { get; }

    /// <summary>An output.</summary>
    public Value this[int output] => new(this, output);
}

/// <summary>An output of a node.</summary>
/// <param name="Node">The node; null in <see cref="None"/>.</param>
/// <param name="Output">Which output.</param>
public readonly record struct Value(Node Node, int Output)
{
    /// <summary>An optional input that is not given.</summary>
    public static Value None => default;

    /// <summary>True for <see cref="None"/>.</summary>
    public bool IsNone => Node is null;

    /// <summary>Its type.</summary>
    public TensorType Type => Node.OutputTypes[Output];

    /// <summary>Its operator, for patterns.</summary>
    public Op Op => Node.Op;

    /// <summary>Its elements if it is a constant, otherwise null.</summary>
    public TensorData? Constant => Node?.Op is Constant constant ? constant.Data : null;

    /// <summary>Its elements where they are known as expressions over symbols, otherwise null.</summary>
    public EquatableArray<IndexExpr>? Contents => Node.Contents[Output];
}
