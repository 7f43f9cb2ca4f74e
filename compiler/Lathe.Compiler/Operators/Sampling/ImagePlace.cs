using Lathe.Compiler.Operators.Movement;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Sampling;

/// <summary>
/// Where an image lies in what it is resized to, as <see cref="ImageMap"/> has it, in formulas of its sides. Where pixels lie is exact, in whole numbers: only the shares of
/// neighbours are rounded.
/// </summary>
/// <param name="Down">How rows are mapped.</param>
/// <param name="Across">How columns are mapped.</param>
/// <param name="Top">The first row of the image.</param>
/// <param name="Left">The first column of the image.</param>
/// <param name="IsFilled">True if there may be something around the image.</param>
internal sealed record ImagePlace(ResizeAxis Down, ResizeAxis Across, IndexExpr Top, IndexExpr Left, bool IsFilled)
{
    /// <summary>The place of an image of some sides.</summary>
    public static ImagePlace Of(string mode, bool alignCorners, (IndexExpr H, IndexExpr W) from, (long H, long W) to)
    {
        (IndexExpr h, IndexExpr w) = from;
        // Both sides fit, or one does and the other is as long as that makes it.
        IndexExpr byHeight = IndexExpr.Max(1, ((w * (2 * to.H)) + h) / (h * 2)), byWidth = IndexExpr.Max(1, ((h * (2 * to.W)) + w) / (w * 2));
        IndexExpr narrow = h * to.W, wide = w * to.H;
        (IndexExpr height, IndexExpr width) = mode switch
        {
            "letterbox" => (IndexExpr.IfLess(wide, narrow, to.H, byWidth), IndexExpr.IfLess(wide, narrow, byHeight, to.W)),
            "crop" => (IndexExpr.IfLess(wide, narrow, byWidth, to.H), IndexExpr.IfLess(wide, narrow, to.W, byHeight)),
            _ => ((IndexExpr)to.H, (IndexExpr)to.W),
        };
        return new(Map(h, height), Map(w, width), Start(to.H, height), Start(to.W, width), mode == "letterbox");

        ResizeAxis Map(IndexExpr of, IndexExpr length) => ResizeAxis.Of(alignCorners ? "align_corners" : "half_pixel", of, length, null, ResizeRegion.Whole);

        // In the middle of the result, or around it.
        IndexExpr Start(long whole, IndexExpr part) => mode switch
        {
            "letterbox" => (whole - part) / 2,
            "crop" => -((part - whole) / 2),
            _ => 0,
        };
    }

    /// <summary>An element of a row of the result, of those of the image's rows.</summary>
    public Expr BetweenRows(IndexExpr row, Func<IndexExpr, Expr> read) => Between(Down, row - Top, read, (value, _) => value);

    /// <summary>An element of the result, of those of the image's columns, or what is around the image.</summary>
    public Expr BetweenColumns(IndexExpr row, IndexExpr column, Func<IndexExpr, Expr> read, float fill)
    {
        if (!IsFilled) return Between(Across, column - Left, read, (value, _) => value);
        Expr isInside = Inside(row - Top, Down.Output) & Inside(column - Left, Across.Output);
        // Of the two terms, not of their sum: the share is outside of what is chosen, and found once for all that use it.
        return Between(Across, column - Left, read, (value, isDifference) => isInside.Choose(value, Const.Of(value.Type, isDifference ? 0 : fill)));
    }

    /// <summary>An element as it is interpolated.</summary>
    public static Expr Widened(Expr element) => element.Type.Element.IsFloat() ? element.Widen() : element.To(ElementType.Float32);

    private static Expr Inside(IndexExpr at, IndexExpr length) => LowerContext.Compare(BinaryOp.LessOrEqual, 0, at) & LowerContext.Compare(BinaryOp.Less, at, length);

    /// <summary>The interpolation of what lies before and behind the place of an output's element along an axis.</summary>
    private static Expr Between(ResizeAxis map, IndexExpr o, Func<IndexExpr, Expr> read, Func<Expr, bool, Expr> choose)
    {
        if (map.IsIdentity) return choose(read(o), false);
        IndexExpr last = map.Input - 1, at = IndexExpr.Max(0, IndexExpr.Min(map.Numerator(o), last * map.C)), low = at / map.C;
        Expr near = read(low), far = read(IndexExpr.Min(low + 1, last));
        Expr share = (at % map.C).ToExpr(near.Type.Element) / map.C.ToExpr(near.Type.Element);
        return choose(near, false) + (choose(far - near, true) * share);
    }
}
