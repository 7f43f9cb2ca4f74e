using Lathe.Compiler.Graph;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Shapes;

/// <summary>The bits of the elements as another type of the same size.</summary>
public sealed record BitCast(ElementType To) : Op, IOp<BitCast>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("BitCast", 1, 1);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Elementwise;

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        TensorType x = context.Type(0);
        context.Require(To == ElementType.Bool || To.IsFloat() || To.IsInteger(), $"elements of type {To} are not supported");
        context.Require(x.Element != ElementType.String && x.Element.Size() == To.Size(), $"elements of type {x.Element.Name()} do not have the size of {To.Name()}");
        context.Output(x with { Element = To, Layout = null });
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        TensorData x = inputs[0]!;
        // A bool is 0 or 1, whatever the byte.
        byte[] bytes = To == ElementType.Bool ? [.. x.Bytes.Select(b => b == 0 ? (byte)0 : (byte)1)] : x.Bytes;
        return [TensorData.FromBytes(To, x.Dims, bytes)];
    }

    /// <inheritdoc/>
    public override LoweredOp Lower(LowerContext context)
    {
        Expr x = context.Read(0, context.Index);
        ElementType from = x.Type.Element;
        if (from == To) return context.Map(x);
        if (from == ElementType.Bool) return context.Map(x.Choose(Const.Of(To, 1), Const.Of(To, 0)));
        if (To == ElementType.Bool) return context.Map(!x.EqualTo(0));
        // Integers of one size have the same bits, so that a conversion between them keeps them.
        if (from.IsFloat()) x = new Bits(x, Integer(from.Size()));
        return context.Map(To.IsFloat() ? new Bits(x.To(Integer(To.Size())), To) : x.To(To));
    }

    private static ElementType Integer(int size) => size switch
    {
        2 => ElementType.Int16,
        4 => ElementType.Int32,
        _ => ElementType.Int64,
    };
}
