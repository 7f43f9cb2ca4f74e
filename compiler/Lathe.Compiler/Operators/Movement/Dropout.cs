using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Compiler.Operators.Randomness;
using Lathe.Compiler.Operators.Shapes;
using Lathe.Kernels.Loops;
using Lathe.Runtime;
using Cast = Lathe.Compiler.Operators.Shapes.Cast;

namespace Lathe.Compiler.Operators.Movement;

/// <summary>y = x at inference; in training, elements become 0 with a probability, and the others are divided by that of staying.</summary>
public sealed class Dropout : IComposite<Dropout>
{
    private Dropout()
    {
    }

    /// <inheritdoc/>
    public static OpSchema Schema => new("Dropout", 1, 3, 2);

    /// <inheritdoc/>
    /// <remarks>
    /// The second output, the mask, is true where an element stays; up to opset 9 it has the type of x. From opset 12 on training is an input, before there
    /// is none here.
    /// </remarks>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder)
    {
        Value x = node.Inputs[0];
        bool drops = !node.Has(1) || node.Inputs[1].Constant is not { Count: 1 } ratio || ratio.GetDouble(0) != 0;
        bool trains = node.Has(2) && (node.Inputs[2].Constant is not { Count: 1 } training || training.GetInt64(0) != 0);
        if (drops && trains) return Train(node, x, builder);
        Value y = builder.Add(new Identity(), x);
        if (node.OutputCount < 2) return [y];
        ElementType mask = node.Opset >= 10 ? ElementType.Bool : x.Type.Element;
        return [y, builder.Add(new Expand(x.Type.Dims), builder.Constant(Elements.Scalar(mask, 1)))];
    }

    private static Value[] Train(OnnxNode node, Value x, GraphBuilder builder)
    {
        ElementType element = x.Type.Element, wide = element == ElementType.Float64 ? ElementType.Float64 : ElementType.Float32;
        Value zero = builder.Constant(Elements.Scalar(wide, 0)), one = builder.Constant(Elements.Scalar(wide, 1));
        Value ratio = node.Has(1) ? builder.Add(new Cast(wide), Scalar(node, 1, builder)) : builder.Constant(Elements.Scalar(wide, 0.5));
        // Without training nothing is below the ratio.
        ratio = builder.Add(new Where(), Scalar(node, 2, builder), ratio, zero);
        long? seed = node.Attributes.ContainsKey("seed") ? AttributeReader.Get(node, "seed", 0L) : null;
        Value stays = builder.Add(new GreaterOrEqual(), Draw.Like(builder, new Draw([], wide, Seed: seed), x), ratio);
        Value scale = builder.Add(new Cast(element), builder.Add(new Div(), one, builder.Add(new Sub(), one, ratio)));
        Value y = builder.Add(new Where(), stays, builder.Add(new Mul(), x, scale), builder.Constant(Elements.Scalar(element, 0)));
        return [y, stays];
    }

    private static Value Scalar(OnnxNode node, int input, GraphBuilder builder)
    {
        Value value = node.Inputs[input];
        if (value.Type.Count != IndexExpr.One) throw node.Bad($"input {input} is {value.Type}");
        return value.Type.Rank == 0 ? value : builder.Add(new Reshape([]), value);
    }
}
