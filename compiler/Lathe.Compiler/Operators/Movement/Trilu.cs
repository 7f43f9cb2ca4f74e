using Lathe.Compiler.Graph;
using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Movement;

/// <summary>The elements of the last two axes on and above the k-th diagonal, or on and below it if not <paramref name="Upper"/>; zero elsewhere.</summary>
public sealed record Trilu(bool Upper = true, long K = 0) : Op, IOp<Trilu>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("Trilu", 1, 2);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Movement;

    /// <inheritdoc/>
    /// <remarks>The diagonal is an optional input.</remarks>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder)
    {
        long[] k = node.Has(1) ? [.. OnnxInputs.Numbers(node, 1, "its diagonal")] : [0];
        if (k.Length != 1) throw node.Bad("its diagonal is no scalar");
        // Further out than any tensor reaches, diagonals do not differ.
        return [builder.Add(new Trilu(AttributeReader.Get(node, "upper", 1L) != 0, Math.Clamp(k[0], -1L << 40, 1L << 40)), node.Inputs[0])];
    }

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        TensorType x = context.Type(0);
        context.Require(x.Rank >= 2, $"the input has rank {x.Rank}");
        context.Output(x with { Layout = null });
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        TensorData x = inputs[0]!;
        return [Elements.Rearrange(x, x.Dims, index =>
        {
            long diagonal = index[^1] - index[^2];
            return (Upper ? diagonal >= K : diagonal <= K) ? RowMajor.Offset(x.Dims, index) : -1;
        })];
    }

    /// <inheritdoc/>
    public override LoweredOp Lower(LowerContext context)
    {
        IndexExpr row = context.Index[^2] + K, column = context.Index[^1];
        Expr inside = Upper ? LowerContext.Compare(BinaryOp.LessOrEqual, row, column) : LowerContext.Compare(BinaryOp.LessOrEqual, column, row);
        return context.Map(inside.Choose(context.Read(0, context.Index), Const.OfInteger(context.Output.Element, 0)));
    }
}
