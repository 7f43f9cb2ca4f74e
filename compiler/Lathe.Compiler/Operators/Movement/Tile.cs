using Lathe.Compiler.Graph;
using Lathe.Kernels;
using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Movement;

/// <summary>The input repeated along each axis.</summary>
public sealed record Tile(EquatableArray<IndexExpr> Repeats) : Op, IOp<Tile>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("Tile", 2, 2);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Movement;

    /// <inheritdoc/>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder) =>
        [builder.Add(new Tile(OnnxInputs.Known(node, 1, "repeats")), node.Inputs[0])];

    /// <inheritdoc/>
    public override Op Substitute(Func<IndexVar, IndexExpr?> replacement) => new Tile(Repeats.Select(d => d.Substitute(replacement)).ToEquatableArray());

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        TensorType x = context.Type(0);
        context.Require(Repeats.Length == x.Rank, $"{Repeats.Length} repeats do not fit {x}");
        context.Require(Repeats.All(r => r.Range.Min >= 0), $"repeats {Repeats} are negative");
        EquatableArray<IndexExpr> dims = x.Dims.Select((d, i) => d * Repeats[i]).ToEquatableArray();
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
        EquatableArray<IndexExpr> dims = context.Inputs[0]!.Dims;
        // An axis without elements is never read; a remainder by its length would not be defined.
        return context.Map(context.Read(0, [.. context.Index.Select((at, i) => dims[i] == IndexExpr.Zero ? IndexExpr.Zero : at % dims[i])]));
    }

    private static Func<long[], long> Source(long[] dims) => index => RowMajor.Offset(dims, [.. index.Select((at, i) => at % dims[i])]);
}
