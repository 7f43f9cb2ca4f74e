using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Compiler.Operators.Shapes;
using Lathe.Kernels;
using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Movement;

/// <summary>The input broadcast together with a shape.</summary>
public sealed record Expand(EquatableArray<IndexExpr> Shape) : Op, IOp<Expand>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("Expand", 2, 2);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Elementwise;

    /// <inheritdoc/>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder)
    {
        Value x = node.Inputs[0];
        return [node.IsKnown(1) && OnnxInputs.Known(node, 1, "its shape") is var shape && IsDecided(x.Type.Dims, shape) ? builder.Add(new Expand(shape), x) : OfData(node, builder)];
    }

    /// <summary>True if the dims themselves tell which of two corresponding ones is repeated, or that they do not fit.</summary>
    private static bool IsDecided(EquatableArray<IndexExpr> a, EquatableArray<IndexExpr> b) =>
        a.Reverse().Zip(b.Reverse()).All(p => p.First == p.Second || p.First == IndexExpr.One || p.Second == IndexExpr.One || (p.First.IsConstant && p.Second.IsConstant));

    /// <summary>A shape that data determine, with the same rules.</summary>
    private static Value OfData(OnnxNode node, GraphBuilder g)
    {
        Value x = node.Inputs[0], wanted = node.IsKnown(1) ? RuntimeShapes.AsVector(g, node.Inputs[1]) : OnnxInputs.Vector(node, g, 1, "dims of its shape");
        int rank = Math.Max(x.Type.Rank, (int)wanted.Type.Count.Value);
        Value own = Padded(RuntimeShapes.Dims(g, x)), one = RuntimeShapes.Vector(g, 1);
        wanted = Padded(wanted);
        Value isOne = g.Add(new Equal(), own, one), fits = g.Add(new Or(), isOne, g.Add(new Or(), g.Add(new Equal(), wanted, one), g.Add(new Equal(), wanted, own)));
        Value dims = RuntimeShapes.Checked(g, RuntimeShapes.All(g, fits), g.Add(new Where(), isOne, wanted, own));
        Value measured = Measure.Of(g, dims, 0, RuntimeShapes.Max, _ => []);
        IndexExpr[] result = [.. measured.Contents!.Value];
        int added = rank - x.Type.Rank;
        for (int i = 0; i < x.Type.Rank; i++)
            if (x.Type.Dims[i].IsConstant && x.Type.Dims[i] != IndexExpr.One) result[added + i] = x.Type.Dims[i];
        return g.Add(new BroadcastTo(result), View.After(g, x, measured));

        Value Padded(Value vector) =>
            vector.Type.Dims[0].Value == rank ? vector : g.Add(new Concat(0), RuntimeShapes.Vector(g, [.. Enumerable.Repeat(1L, rank - (int)vector.Type.Dims[0].Value)]), vector);
    }

    /// <inheritdoc/>
    public override Op Substitute(Func<IndexVar, IndexExpr?> replacement) => new Expand(Shape.Select(d => d.Substitute(replacement)).ToEquatableArray());

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        TensorType x = context.Type(0), y = new(x.Element, context.Broadcast(x.Dims, Shape));
        EquatableArray<IndexExpr>? known = null;
        if (context.Content(0) is not null && KnownContents.Static(y.Dims) is { } dims)
        {
            int[] offsets = RowMajor.Broadcast(x.StaticDims, dims);
            known = KnownContents.Rearrange(context.Content(0), y.Dims, index => offsets[RowMajor.Offset(dims, index)]);
        }

        context.Output(y, known);
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        long[] dims = outputs[0].StaticDims;
        int[] offsets = RowMajor.Broadcast(inputs[0]!.Dims, dims);
        return [Elements.Rearrange(inputs[0]!, dims, index => offsets[RowMajor.Offset(dims, index)])];
    }

    /// <inheritdoc/>
    public override LoweredOp Lower(LowerContext context) => context.Map(context.ReadBroadcast(0));
}
