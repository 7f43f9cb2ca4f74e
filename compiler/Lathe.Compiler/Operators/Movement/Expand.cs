using Lathe.Compiler.Graph;
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
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder) =>
        [builder.Add(new Expand(OnnxInputs.Known(node, 1, "its shape")), node.Inputs[0])];

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
