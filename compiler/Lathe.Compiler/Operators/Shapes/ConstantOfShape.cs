using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Movement;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Shapes;

/// <summary>A tensor of a given shape with one value everywhere, by default the float 0.</summary>
public sealed class ConstantOfShape : IComposite<ConstantOfShape>
{
    private ConstantOfShape()
    {
    }

    /// <inheritdoc/>
    public static OpSchema Schema => new("ConstantOfShape", 1, 1);

    /// <inheritdoc/>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder)
    {
        TensorData value = AttributeReader.Get(node, "value", TensorData.Zeros(ElementType.Float32));
        if (value.Count != 1) throw AttributeReader.Wrong(node, "value", $"it has {value.Count} elements");
        EquatableArray<IndexExpr> shape = OnnxInputs.Known(node, 0, "its shape");
        // A shape that data determine is known only behind them.
        return [builder.Add(new Expand(shape), View.BehindData(builder, builder.Constant(value.Reshape()), node.Inputs[0]))];
    }
}
