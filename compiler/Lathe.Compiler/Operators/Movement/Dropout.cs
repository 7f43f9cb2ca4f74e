using Lathe.Compiler.Graph;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Movement;

/// <summary>y = x: at inference nothing is dropped.</summary>
public sealed class Dropout : IComposite<Dropout>
{
    private Dropout()
    {
    }

    /// <inheritdoc/>
    public static OpSchema Schema => new("Dropout", 1, 3, 2);

    /// <inheritdoc/>
    /// <remarks>The second output, the mask, is all true; up to opset 9 it has the type of x. From opset 12 on training is an input.</remarks>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder)
    {
        Value x = node.Inputs[0], y = builder.Add(new Identity(), x);
        bool drops = !node.Has(1) || node.Inputs[1].Constant is not { Count: 1 } ratio || ratio.GetDouble(0) != 0;
        bool trains = node.Has(2) && (node.Inputs[2].Constant is not { Count: 1 } training || training.GetInt64(0) != 0);
        if (drops && trains) throw node.Bad("dropping elements at random, as in training, is not supported");
        if (node.OutputCount < 2) return [y];
        ElementType mask = node.Opset >= 10 ? ElementType.Bool : x.Type.Element;
        return [y, builder.Add(new Expand(x.Type.Dims), builder.Constant(Elements.Scalar(mask, 1)))];
    }
}
