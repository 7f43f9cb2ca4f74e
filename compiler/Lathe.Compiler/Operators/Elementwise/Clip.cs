using Lathe.Compiler.Graph;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Elementwise;

/// <summary>min(max(x, low), high) with scalar bounds as optional inputs 1 and 2. A NaN stays one; where low exceeds high the result is high.</summary>
public sealed record Clip : Op, IOp<Clip>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("Clip", 1, 3);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Elementwise;

    /// <inheritdoc/>
    /// <remarks>Up to opset 10 the bounds are attributes.</remarks>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder)
    {
        if (node.Opset >= 11) return AttributeReader.ImportPlain<Clip>(node, builder);
        return [builder.Add(new Clip(), node.Inputs[0], Bound("min"), Bound("max"))];

        Value Bound(string attribute) => node.Attributes.ContainsKey(attribute)
            ? builder.Constant(Elements.Scalar(node.Inputs[0].Type.Element, AttributeReader.Get(node, attribute, 0f)))
            : Value.None;
    }

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        TensorType x = context.Numeric(0);
        for (int bound = 1; bound <= 2; bound++)
        {
            if (!context.Has(bound)) continue;
            context.RequireSameElement(0, bound);
            context.Require(context.Type(bound).Dims.All(d => d == IndexExpr.One), $"bound {context.Type(bound)} is no scalar");
        }

        context.Output(x with { Layout = null });
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        TensorData x = inputs[0]!, y = TensorData.Zeros(x.Element, x.Dims);
        TensorData? low = inputs.ElementAtOrDefault(1), high = inputs.ElementAtOrDefault(2);
        for (int i = 0; i < x.Count; i++)
        {
            if (x.Element.IsFloat())
            {
                double value = x.GetDouble(i);
                if (low is not null && value < low.GetDouble(0)) value = low.GetDouble(0);
                if (high is not null && value > high.GetDouble(0)) value = high.GetDouble(0);
                y.SetDouble(i, value);
            }
            else
            {
                Int128 value = x.GetInteger(i);
                if (low is not null) value = Int128.Max(value, low.GetInteger(0));
                if (high is not null) value = Int128.Min(value, high.GetInteger(0));
                y.SetInteger(i, value);
            }
        }

        return [y];
    }

    /// <inheritdoc/>
    public override LoweredOp Lower(LowerContext context)
    {
        // The bound is the first operand: Min and Max of a NaN give the second.
        Expr x = context.Read(0, context.Index).Widen();
        if (context.Has(1)) x = Bound(context, 1).Max(x);
        if (context.Has(2)) x = Bound(context, 2).Min(x);
        return context.Map(x.To(context.Output.Element));
    }

    private static Expr Bound(LowerContext context, int input) =>
        context.Read(input, [.. context.Inputs[input]!.Dims.Select(_ => IndexExpr.Zero)]).Widen();
}
