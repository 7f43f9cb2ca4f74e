using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Compiler.Operators.Reductions;
using Lathe.Kernels;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Normalization;

/// <summary>(x - mean) / (√var + 1e-9), with mean and variance over given axes, by default all but the channels of an image.</summary>
public sealed class MeanVarianceNormalization : IComposite<MeanVarianceNormalization>
{
    /// <summary>What ONNX's definition adds to the deviation.</summary>
    private const double Epsilon = 1e-9;

    private MeanVarianceNormalization()
    {
    }

    /// <inheritdoc/>
    public static OpSchema Schema => new("MeanVarianceNormalization", 1, 1);

    /// <inheritdoc/>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder)
    {
        Value x = node.Inputs[0];
        if (!x.Type.Element.IsFloat()) throw node.Bad($"{x.Type} has no floats");
        EquatableArray<long> axes = AttributeReader.Get<long[]>(node, "axes", [0, 2, 3]);
        Value wide = builder.Widen(x), distance = builder.Add(new Sub(), wide, Mean(wide));
        Value deviation = builder.Add(new Sqrt(), Mean(builder.Add(new Mul(), distance, distance)));
        Value y = builder.Add(new Div(), distance, builder.Add(new Add(), deviation, builder.Number(wide.Type.Element, Epsilon)));
        return [builder.Cast(y, x.Type.Element)];

        Value Mean(Value value) => builder.Add(new ReduceMean(axes), value);
    }
}
