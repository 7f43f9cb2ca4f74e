using Lathe.Compiler.Graph;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators;

/// <summary>A constant. Two are the same node only if they hold the same object: large tensors are not compared.</summary>
public sealed record Constant(TensorData Data, Layout? DataLayout = null) : Op
{
    /// <summary>The largest integer tensor whose elements take part in shape inference.</summary>
    private const int MaxContent = 64;

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Opaque;

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        EquatableArray<IndexExpr>? content = Data.Element.IsInteger() && Data.Dims.Length <= 1 && Data.Count <= MaxContent
            ? Enumerable.Range(0, Data.Count).Select(i => (IndexExpr)Data.GetInt64(i)).ToEquatableArray()
            : (EquatableArray<IndexExpr>?)null;
        context.Output(TensorType.Of(Data.Element, Data.Dims) with { Layout = DataLayout }, content);
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs) => [Data];
}
