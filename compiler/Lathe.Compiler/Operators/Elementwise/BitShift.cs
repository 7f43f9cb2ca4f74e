using Lathe.Compiler.Graph;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Elementwise;

/// <summary>a shifted by b bits to the left or right; 0 where b is the width or more.</summary>
public sealed record BitShift(string Direction) : BinaryOperator, IOp<BitShift>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("BitShift", 2, 2);

    private bool Left => Direction == "LEFT";

    /// <inheritdoc/>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder)
    {
        BitShift shift = AttributeReader.Read<BitShift>(node);
        return shift.Direction is "LEFT" or "RIGHT"
            ? [builder.Add(shift, [.. node.Inputs])]
            : throw AttributeReader.Wrong(node, "direction", "it is neither LEFT nor RIGHT");
    }

    /// <inheritdoc/>
    protected override bool Accepts(ElementType element) => element.IsUnsigned();

    /// <inheritdoc/>
    protected override double Apply(double a, double b) => throw new InvalidOperationException("BitShift has no meaning on floats.");

    /// <inheritdoc/>
    protected override Int128 Apply(Int128 a, Int128 b) => b >= 64 ? 0 : Left ? a << (int)b : a >> (int)b;

    /// <inheritdoc/>
    protected override Expr Apply(Expr a, Expr b)
    {
        int width = a.Type.Element.Size() * 8;
        Expr shifted = new Binary(Left ? BinaryOp.ShiftLeft : BinaryOp.ShiftRight, a, (b < width).Choose(b, Const.Of(b.Type, 0)));
        return (b < width).Choose(shifted, Const.Of(a.Type, 0));
    }
}
