using Lathe.Compiler.Graph;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Elementwise;

/// <summary>x[i] where condition[i] is true, otherwise y[i]; all three broadcast.</summary>
public sealed record Where : Op, IOp<Where>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("Where", 3, 3);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Elementwise;

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        TensorType condition = context.Type(0), x = context.Type(1), y = context.Type(2);
        context.Require(condition.Element == ElementType.Bool, "the condition is no bool");
        context.RequireSameElement(1, 2);
        TensorType result = new(x.Element, context.Broadcast(condition.Dims, x.Dims, y.Dims));
        context.Output(result, Known(context, result.Dims));
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        long[] dims = outputs[0].StaticDims;
        TensorData condition = inputs[0]!, x = inputs[1]!, y = inputs[2]!, result = TensorData.Zeros(outputs[0].Element, dims);
        int[] which = RowMajor.Broadcast(condition.Dims, dims), then = RowMajor.Broadcast(x.Dims, dims), otherwise = RowMajor.Broadcast(y.Dims, dims);
        for (int i = 0; i < which.Length; i++)
        {
            if (condition.GetInt64(which[i]) != 0) Elements.CopyElement(x, then[i], result, i);
            else Elements.CopyElement(y, otherwise[i], result, i);
        }

        return [result];
    }

    /// <inheritdoc/>
    public override LoweredOp Lower(LowerContext context) =>
        context.Map(context.ReadBroadcast(0).Choose(context.ReadBroadcast(1), context.ReadBroadcast(2)));

    private static EquatableArray<IndexExpr>? Known(InferContext context, IReadOnlyList<IndexExpr> dims)
    {
        if (KnownContents.Constants(context.Content(0)) is not { } condition || context.Content(1) is not { } x || context.Content(2) is not { } y
            || KnownContents.Static(dims) is not { } shape) return null;
        int[] which = RowMajor.Broadcast(context.Type(0).StaticDims, shape);
        int[] then = RowMajor.Broadcast(context.Type(1).StaticDims, shape), otherwise = RowMajor.Broadcast(context.Type(2).StaticDims, shape);
        return which.Select((c, i) => condition[c] != 0 ? x[then[i]] : y[otherwise[i]]).ToEquatableArray();
    }
}
