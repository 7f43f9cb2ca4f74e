using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Shapes;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;
using Cast = Lathe.Compiler.Operators.Shapes.Cast;

namespace Lathe.Compiler.Operators.Movement;

/// <summary>
/// values[1] where the place along a new axis of the given depth is the index, values[0] elsewhere. Inputs are the indices, which count from the end
/// where negative, and the values. An index outside the depth is nowhere.
/// </summary>
public sealed record OneHot(IndexExpr Depth, long Axis = -1) : Op, IOp<OneHot>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("OneHot", 3, 3);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Movement;

    /// <inheritdoc/>
    /// <remarks>The depth is an input, a scalar of any type of numbers.</remarks>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder)
    {
        long axis = AttributeReader.Get(node, "axis", -1L);
        Value indices = node.Inputs[0], depth = node.Inputs[1];
        if (depth.Type.Element.IsFloat())
        {
            // Only integers are measured.
            depth = builder.Add(new Cast(ElementType.Int64), depth);
            node = node with { Inputs = [indices, OnnxInputs.ConstantOf(depth) is { } known ? builder.Constant(known) : Measure.Of(builder, depth), node.Inputs[2]] };
            indices = View.BehindData(builder, indices, node.Inputs[1]);
        }

        return OnnxInputs.Known(node, 1, "its depth") is [var only] ? [builder.Add(new OneHot(only, axis), indices, node.Inputs[2])] : throw node.Bad("its depth is no scalar");
    }

    /// <inheritdoc/>
    public override Op Substitute(Func<IndexVar, IndexExpr?> replacement) => this with { Depth = Depth.Substitute(replacement) };

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        TensorType indices = context.Numeric(0), values = context.Type(1);
        context.Require(Depth.Range.Min >= 0, $"its depth is {Depth}");
        context.Require(values.Dims is [{ IsConstant: true, Value: 2 }] && values.Element != ElementType.String, $"{values} are not two values");
        int axis = context.Axis(Axis, indices.Rank + 1);
        context.Output(new TensorType(values.Element, [.. indices.Dims.Take(axis), Depth, .. indices.Dims.Skip(axis)]));
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        TensorData indices = inputs[0]!, values = inputs[1]!;
        int axis = (int)(Axis < 0 ? Axis + indices.Dims.Length + 1 : Axis);
        long[] dims = outputs[0].StaticDims;
        return [Elements.Rearrange(values, dims, index =>
        {
            int at = (int)RowMajor.Offset(indices.Dims, [.. index.Where((_, i) => i != axis)]);
            double value = Math.Truncate(indices.GetDouble(at));
            return value == index[axis] || value + dims[axis] == index[axis] ? 1 : 0;
        })];
    }

    /// <inheritdoc/>
    public override LoweredOp Lower(LowerContext context)
    {
        int axis = (int)(Axis < 0 ? Axis + context.Output.Rank : Axis);
        Expr index = context.Read(0, [.. context.Index.Where((_, i) => i != axis)]).Widen();
        // Floats are compared as floats: they need not fit an integer.
        ElementType element = index.Type.Element.IsFloat() ? index.Type.Element : ElementType.Int64;
        index = index.Type.Element.IsFloat() ? index.Of(UnaryOp.Truncate) : index.To(element);
        Expr place = context.Index[axis].ToExpr(element), fromEnd = (context.Index[axis] - Depth).ToExpr(element);
        Expr hot = index.EqualTo(place);
        // Only what is negative counts from the end: the bits of a great unsigned number may look so.
        if (!context.Inputs[0]!.Element.IsUnsigned()) hot |= index.EqualTo(fromEnd);
        return context.Map(hot.Choose(context.Read(1, IndexExpr.One), context.Read(1, IndexExpr.Zero)));
    }
}
