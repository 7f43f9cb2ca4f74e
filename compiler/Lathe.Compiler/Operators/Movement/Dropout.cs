using Lathe.Compiler.Graph;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Movement;

/// <summary>y = x: at inference nothing is dropped. The graph has <see cref="Identity"/> in its place.</summary>
public sealed record Dropout : Op, IOp<Dropout>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("Dropout", 1, 3, 2);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Elementwise;

    /// <inheritdoc/>
    /// <remarks>The second output, the mask, is all true; up to opset 9 it has the type of x. From opset 12 on training is an input.</remarks>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder)
    {
        Value x = node.Inputs[0], y = builder.Add(new Identity(), x);
        bool drops = !(node.Has(1) && node.Inputs[1].Constant is { } ratio && ratio.Count == 1 && ratio.GetDouble(0) == 0);
        if (node.Has(2) && drops && !(node.Inputs[2].Constant is { } training && training.Count == 1 && training.GetInt64(0) == 0))
            throw node.Bad("dropping elements at random, as in training, is not supported");
        if (node.OutputCount < 2) return [y];
        ElementType element = node.Opset >= 10 ? ElementType.Bool : x.Type.Element;
        return [y, builder.Add(new Expand(x.Type.Dims), builder.Constant(Elements.Scalar(element, 1)))];
    }

    /// <inheritdoc/>
    public override void Infer(InferContext context) => context.Output(context.Type(0) with { Layout = null });

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs) => [inputs[0]!];

    /// <inheritdoc/>
    public override LoweredOp Lower(LowerContext context) => context.Map(context.Read(0, context.Index));
}
