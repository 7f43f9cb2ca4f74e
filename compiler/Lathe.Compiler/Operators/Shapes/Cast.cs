using Lathe.Compiler.Graph;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Shapes;

/// <summary>The elements as another type. Floats are truncated to integers; a number is true unless it is zero.</summary>
public sealed record Cast(ElementType To) : Op, IOp<Cast>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("Cast", 1, 1);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Elementwise;

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        TensorType x = context.Type(0);
        context.Require(To == ElementType.Bool || To == ElementType.String || To.IsFloat() || To.IsInteger(), $"elements of type {To} are not supported");
        context.Output(x with { Element = To, Layout = null }, x.Element == ElementType.String ? null : KnownContents.Map(context.Content(0), Known));
    }

    /// <summary>A known element as the other type; null where it is not known: what a narrower type cannot hold is not known any more.</summary>
    private IndexExpr? Known(IndexExpr x) => To switch
    {
        ElementType.Int64 or ElementType.Int32 or ElementType.Float32 or ElementType.Float64 => x,
        ElementType.Bool => x.Range switch
        {
            { Min: > 0 } or { Max: < 0 } => IndexExpr.One,
            { Min: >= 0, Max: <= 1 } => x,
            _ => null,
        },
        _ => null,
    };

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        TensorData x = inputs[0]!;
        if (x.Element == To) return [x];
        TensorData y = TensorData.Zeros(To, x.Dims);
        for (int i = 0; i < x.Count; i++)
        {
            if (x.Strings is { } texts) y.SetDouble(i, TextConversion.Parse(texts[i]));
            else if (y.Strings is { } written) written[i] = TextConversion.Format(x, i);
            else if (To == ElementType.Bool) y.SetInt64(i, x.GetDouble(i) != 0 ? 1 : 0);
            else if (x.Element.IsFloat()) y.SetDouble(i, x.GetDouble(i));
            else if (To.IsFloat()) y.SetDouble(i, (double)x.GetInteger(i));
            else y.SetInteger(i, x.GetInteger(i));
        }

        return [y];
    }

    /// <inheritdoc/>
    public override LoweredOp? Lower(LowerContext context)
    {
        if (To == ElementType.String || context.Inputs[0]!.Element == ElementType.String) return null;
        Expr x = context.Read(0, context.Index);
        if (To == ElementType.Bool && x.Type.Element != ElementType.Bool) return context.Map(!x.Widen().EqualTo(0));
        if (x.Type.Element == ElementType.Bool && To != ElementType.Bool) return context.Map(x.Choose(Const.Of(To, 1), Const.Of(To, 0)));
        return context.Map(x.To(To));
    }
}
