using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Compiler.Operators.Shapes;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Movement;

/// <summary>The elements of the last two axes on and above the k-th diagonal, or on and below it if not <paramref name="Upper"/>; zero elsewhere.</summary>
public sealed record Trilu(bool Upper = true, long K = 0) : Op, IOp<Trilu>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("Trilu", 1, 2);

    /// <summary>Further out than any tensor reaches, diagonals do not differ.</summary>
    private const long Far = 1L << 40;

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Movement;

    /// <inheritdoc/>
    /// <remarks>The diagonal is an optional input.</remarks>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder)
    {
        if (!node.IsKnown(1)) return [OfData(node, builder)];
        long[] k = node.Has(1) ? [.. OnnxInputs.Numbers(node, 1, "its diagonal")] : [0];
        if (k.Length != 1) throw node.Bad("its diagonal is no scalar");
        return [builder.Add(new Trilu(AttributeReader.Get(node, "upper", 1L) != 0, Math.Clamp(k[0], -Far, Far)), node.Inputs[0])];
    }

    /// <summary>A diagonal that data determine: no shape depends on it.</summary>
    private static Value OfData(OnnxNode node, GraphBuilder g)
    {
        Value x = node.Inputs[0], k = node.Inputs[1];
        if (x.Type.Rank < 2 || k.Type.Count != IndexExpr.One || !k.Type.Element.IsInteger()) throw node.Bad($"a diagonal of {k.Type} does not fit {x.Type}");
        if (x.Type.Count == IndexExpr.Zero) return x;
        Value diagonal = g.Add(new Max(), RuntimeShapes.Vector(g, -Far), g.Add(new Min(), RuntimeShapes.Vector(g, Far), g.Add(new Reshape([1]), RuntimeShapes.AsVector(g, k))));
        Value rows = g.Add(new Add(), g.Add(new Unsqueeze([1]), Places(^2)), diagonal), columns = Places(^1);
        bool upper = AttributeReader.Get(node, "upper", 1L) != 0;
        Value stays = upper ? g.Add(new LessOrEqual(), rows, columns) : g.Add(new LessOrEqual(), columns, rows);
        return g.Add(new Where(), stays, x, g.Constant(TensorData.Zeros(x.Type.Element)));

        Value Places(Index axis) => RuntimeShapes.Places(g, x, axis.GetOffset(x.Type.Rank));
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
