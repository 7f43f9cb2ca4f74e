using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Shapes;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Movement;

/// <summary>
/// The places of the elements that are not zero, in row-major order, at the start of a vector with room for all (row by row: one row per axis), and their
/// number.
/// </summary>
public sealed record NonZero : Op, IOp<NonZero>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("NonZero", 1, 1);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Opaque;

    /// <inheritdoc/>
    /// <remarks>ONNX gives a matrix, as wide as there are places.</remarks>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder)
    {
        Value x = node.Inputs[0];
        Node found = builder.AddNode(new NonZero(), x);
        Value count = Measure.Of(builder, found[1], 0, RuntimeShapes.Max);
        IndexExpr n = count.Contents!.Value[0];
        return [builder.Add(new View((IndexExpr[])[Math.Max(1, x.Type.Rank), n]), found[0], count)];
    }

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        TensorType x = context.Type(0);
        context.Require(x.Element != ElementType.String, "it does not take strings");
        context.Output(ElementType.Int64, x.Count * Math.Max(1, x.Rank));
        context.Output(ElementType.Int64);
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        TensorData x = inputs[0]!, places = TensorData.Zeros(ElementType.Int64, outputs[0].StaticDims);
        long[][] found = [.. RowMajor.Indices(x.Dims).Select(index => index.ToArray()).Where((_, i) => x.GetDouble(i) != 0)];
        for (int i = 0; i < found.Length; i++)
            for (int axis = 0; axis < found[i].Length; axis++) places.SetInt64((axis * found.Length) + i, found[i][axis]);
        return [places, TensorData.Of(ElementType.Int64, (ReadOnlySpan<long>)[found.Length])];
    }

    /// <inheritdoc/>
    public override RoutineUse Routine(IReadOnlyList<TensorType?> inputs, IReadOnlyList<TensorType> outputs) => new(nameof(NonZero));
}
