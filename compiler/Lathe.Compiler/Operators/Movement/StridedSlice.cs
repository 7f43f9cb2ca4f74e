using Lathe.Compiler.Graph;
using Lathe.Kernels;
using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Movement;

/// <summary>
/// y[i] = x[start + i * step] along each axis, as ONNX's Slice is once its bounds are clamped. Whoever makes it sees to it that these places are inside the
/// input.
/// </summary>
/// <param name="Starts">The first place on each axis.</param>
/// <param name="Steps">The distance of neighbours on each axis, also negative.</param>
/// <param name="Dims">How many places there are on each axis.</param>
public sealed record StridedSlice(EquatableArray<IndexExpr> Starts, EquatableArray<IndexExpr> Steps, EquatableArray<IndexExpr> Dims) : Op, IOp<StridedSlice>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new(null, 1, 1);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Movement;

    /// <inheritdoc/>
    public override Op Substitute(Func<IndexVar, IndexExpr?> replacement)
    {
        return new StridedSlice(Replace(Starts), Replace(Steps), Replace(Dims));

        EquatableArray<IndexExpr> Replace(EquatableArray<IndexExpr> all) => all.Select(e => e.Substitute(replacement)).ToEquatableArray();
    }

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        TensorType x = context.Type(0);
        context.Require(Starts.Length == x.Rank && Steps.Length == x.Rank && Dims.Length == x.Rank, $"starts {Starts}, steps {Steps} and dims {Dims} do not fit {x}");
        context.Output(new TensorType(x.Element, Dims));
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        TensorData x = inputs[0]!;
        return [Elements.Rearrange(x, outputs[0].StaticDims, index => RowMajor.Offset(x.Dims, [.. index.Select((at, i) => Starts[i].Value + (at * Steps[i].Value))]))];
    }

    /// <inheritdoc/>
    public override LoweredOp Lower(LowerContext context) =>
        context.Map(context.Read(0, [.. context.Index.Select((at, i) => Starts[i] + (at * Steps[i]))]));
}
