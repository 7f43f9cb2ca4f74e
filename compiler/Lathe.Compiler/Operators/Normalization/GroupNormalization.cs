using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Compiler.Operators.Movement;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Normalization;

/// <summary>
/// (x - mean) / √(var + ε) · scale + bias, with mean and variance of each group of channels of each instance. Inputs are x, scale and bias, which are
/// given by channel.
/// </summary>
public sealed class GroupNormalization : IComposite<GroupNormalization>
{
    private GroupNormalization()
    {
    }

    /// <inheritdoc/>
    public static OpSchema Schema => new("GroupNormalization", 3, 3);

    /// <inheritdoc/>
    /// <remarks>Up to opset 20 scale and bias are given by group.</remarks>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder)
    {
        TensorType x = node.Inputs[0].Type;
        if (!x.Element.IsFloat() || x.Rank < 3) throw node.Bad($"{x} has no channels of floats");
        long groups = AttributeReader.Get(node, "num_groups", 0L);
        IndexExpr channels = x.Dims[1];
        if (groups < 1 || channels % groups != IndexExpr.Zero) throw AttributeReader.Wrong(node, "num_groups", $"{groups} groups do not share {channels} channels");
        foreach (Value factor in node.Inputs.Skip(1))
            if (factor.Type.Element != x.Element) throw node.Bad($"{factor.Type} does not have the elements of {x}");

        // A group is a channel of an instance normalisation; in wider floats, since scale and bias follow as steps of their own.
        InstanceNormalization norm = new(AttributeReader.Get(node, "epsilon", 1e-5f));
        Value rows = builder.Add(new Reshape([x.Dims[0], groups, channels / groups * IndexExpr.Product(x.Dims.Skip(2))]), builder.Widen(node.Inputs[0]));
        bool byGroup = node.Opset < 21;
        Value scale = byGroup ? builder.Widen(node.Inputs[1]) : Constant(1), bias = byGroup ? builder.Widen(node.Inputs[2]) : Constant(0);
        Value y = builder.Add(new Reshape(x.Dims), builder.Add(norm, rows, scale, bias));
        if (!byGroup) y = builder.Add(new Add(), builder.Add(new Mul(), y, ByChannel(1)), ByChannel(2));
        return [builder.Cast(y, x.Element)];

        Value Constant(double value)
        {
            TensorData all = TensorData.Zeros(x.Element.Arithmetic(), groups);
            for (int i = 0; i < groups; i++) all.SetDouble(i, value);
            return builder.Constant(all);
        }

        Value ByChannel(int input)
        {
            if (node.Inputs[input].Type.Dims is not [var only] || only != channels) throw node.Bad($"input {input} is {node.Inputs[input].Type}, not a vector of {channels}");
            return builder.Widen(builder.Add(new Reshape([channels, .. Enumerable.Repeat(IndexExpr.One, x.Rank - 2)]), node.Inputs[input]));
        }
    }
}
