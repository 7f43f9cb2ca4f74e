using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Compiler.Operators.Reductions;
using Lathe.Kernels;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Normalization;

/// <summary>x divided by its L1 or L2 norm along an axis; 0 where that is 0.</summary>
public sealed class LpNormalization : IComposite<LpNormalization>
{
    private LpNormalization()
    {
    }

    /// <inheritdoc/>
    public static OpSchema Schema => new("LpNormalization", 1, 1);

    /// <inheritdoc/>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder)
    {
        TensorType x = node.Inputs[0].Type;
        if (!x.Element.IsFloat()) throw node.Bad($"{x} has no floats");
        long axis = node.Axis(AttributeReader.Get(node, "axis", -1L), x.Rank), p = AttributeReader.Get(node, "p", 2L);
        if (p is not (1 or 2)) throw AttributeReader.Wrong(node, "p", $"it is {p}, not 1 or 2");
        EquatableArray<long> axes = [axis];
        Value wide = builder.Widen(node.Inputs[0]), norm = builder.Add(p == 1 ? new ReduceL1(axes) : new ReduceL2(axes), wide);
        Value zero = builder.Number(wide.Type.Element, 0), quotient = builder.Add(new Div(), wide, norm);
        return [builder.Cast(builder.Add(new Where(), builder.Add(new Equal(), norm, zero), zero, quotient), x.Element)];
    }
}
