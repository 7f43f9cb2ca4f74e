using Lathe.Compiler.Graph;
using Lathe.Kernels;
using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Movement;

/// <summary>Axis i of the result is axis <c>Perm[i]</c> of the input; without a permutation the axes are reversed.</summary>
public sealed record Transpose(EquatableArray<long> Perm = default) : Op, IOp<Transpose>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("Transpose", 1, 1);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Movement;

    /// <inheritdoc/>
    public override bool MovesFar => true;

    /// <inheritdoc/>
    public override bool PartsNeighbours => Perm.Length == 0 || Perm[^1] != Perm.Length - 1;

    /// <summary>The permutation for a rank, given or not.</summary>
    public int[] Permutation(int rank) => Perm.Length == 0 ? [.. Enumerable.Range(0, rank).Reverse()] : [.. Perm.Select(p => (int)p)];

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        TensorType x = context.Type(0);
        context.Require(
            Perm.Length == 0 || Perm.Order().SequenceEqual(Enumerable.Range(0, x.Rank).Select(i => (long)i)), $"{Perm} is no permutation of {x.Rank} axes");
        EquatableArray<IndexExpr> dims = Permutation(x.Rank).Select(p => x.Dims[p]).ToEquatableArray();
        context.Output(
            new TensorType(x.Element, dims),
            context.Content(0) is null ? null : KnownContents.Rearrange(context.Content(0), dims, Source(x.StaticDims)));
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs) =>
        [Elements.Rearrange(inputs[0]!, outputs[0].StaticDims, Source(inputs[0]!.Dims))];

    /// <inheritdoc/>
    public override LoweredOp Lower(LowerContext context)
    {
        int[] permutation = Permutation(context.Output.Rank);
        IndexExpr[] index = new IndexExpr[permutation.Length];
        for (int i = 0; i < index.Length; i++) index[permutation[i]] = context.Index[i];
        return context.Map(context.Read(0, index));
    }

    private Func<long[], long> Source(long[] dims)
    {
        long[] strides = RowMajor.Strides(dims);
        int[] permutation = Permutation(dims.Length);
        return index =>
        {
            long offset = 0;
            for (int i = 0; i < index.Length; i++) offset += index[i] * strides[permutation[i]];
            return offset;
        };
    }
}
