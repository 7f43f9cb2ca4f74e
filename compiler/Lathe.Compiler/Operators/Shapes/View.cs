using Lathe.Compiler.Graph;
using Lathe.Kernels;
using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Shapes;

/// <summary>
/// The first elements of input 0 in another shape, or all in its own, once the other inputs have been computed: the same memory. Whoever makes it sees to
/// it that the elements are there, by a check of the <see cref="Measure"/> whose symbols the shape speaks of.
/// </summary>
/// <param name="Dims">The shape; null for the input's.</param>
/// <param name="Layout">How these elements lie in that memory; null for row-major.</param>
public sealed record View(EquatableArray<IndexExpr>? Dims = null, Layout? Layout = null) : Op, IOp<View>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new(null, 1, int.MaxValue);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Opaque;

    /// <inheritdoc/>
    public override bool IsInPlace => true;

    /// <inheritdoc/>
    public override Op Substitute(Func<IndexVar, IndexExpr?> replacement) =>
        Dims is { } dims ? this with { Dims = dims.Select(d => d.Substitute(replacement)).ToEquatableArray() } : this;

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        TensorType x = context.Type(0);
        if (Dims is not { } dims)
        {
            context.Output(x with { Layout = null }, context.Content(0));
            return;
        }

        TensorType y = new(x.Element, dims, Layout);
        context.Require(!(y.Count.IsConstant && x.Count.IsConstant) || y.Count.Value <= x.Count.Value, $"{x} has less elements than [{string.Join(", ", dims)}]");
        context.Output(y);
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        TensorData x = inputs[0]!;
        long[] dims = outputs[0].StaticDims;
        int count = checked((int)dims.Aggregate(1L, (n, d) => checked(n * d)));
        if (count > x.Count) throw new ArgumentException($"There are {x.Count} elements, not {count}.");
        if (count == x.Count) return [x.Reshape(dims)];
        return [Elements.Rearrange(x, dims, index => RowMajor.Offset(dims, index))];
    }

    /// <summary>A value, to be computed with after a shape that data determine; the value itself where the shape is known.</summary>
    public static Value BehindData(GraphBuilder builder, Value value, Value shape) => KnownContents.Constants(shape.Contents) is null ? After(builder, value, shape) : value;

    /// <summary>A value, to be computed with after others.</summary>
    public static Value After(GraphBuilder builder, Value value, params ReadOnlySpan<Value> others) => builder.Add(new View(), [value, .. others]);
}
