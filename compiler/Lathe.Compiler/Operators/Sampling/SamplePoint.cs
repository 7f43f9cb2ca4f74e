using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Sampling;

/// <summary>A coordinate along an axis that comes from data: the place before it, and how far behind that it lies.</summary>
/// <param name="Low">The place, an int64 that is at most <see cref="Reach"/> outside of the axis.</param>
/// <param name="Share">The distance, from 0 to below 1; a NaN where the coordinate is no number.</param>
internal sealed record SamplePoint(Expr Low, Expr Share)
{
    /// <summary>From here on all neighbours of a place lie outside of the axis, so that it does not matter how far away it is.</summary>
    private const int Reach = 4;

    /// <summary>The point at a coordinate, which may be any float.</summary>
    public static SamplePoint At(Expr coordinate, IndexExpr length)
    {
        Expr low = coordinate.Of(UnaryOp.Floor);
        // The first of these gives its second operand for a NaN.
        Expr near = low.Max(Const.Of(low.Type, -Reach)).Min((length + Reach).ToExpr(low.Type.Element));
        return new SamplePoint(near.To(ElementType.Int64), coordinate - low);
    }

    /// <summary>The place a number of elements further.</summary>
    public Expr Place(IndexExpr tap) => Low + tap.ToExpr(ElementType.Int64);

    /// <summary>The weight of the place (0) and of the one behind it (1) in a linear interpolation.</summary>
    public Expr Linear(IndexExpr tap) => LowerContext.Compare(BinaryOp.Equal, tap, 0).Choose(1 - Share, Share);

    /// <summary>True for a place inside an axis.</summary>
    public static Expr IsInside(Expr place, IndexExpr length) => (Const.OfInteger(ElementType.Int64, 0) <= place) & (place < length.ToExpr(ElementType.Int64));

    /// <summary>The nearest place inside an axis.</summary>
    public static Expr Clamped(Expr place, IndexExpr length) =>
        Const.OfInteger(ElementType.Int64, 0).Max((length - 1).ToExpr(ElementType.Int64).Min(place));
}
