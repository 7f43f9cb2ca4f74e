using Lathe.Compiler.Graph;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Sampling;

/// <summary>
/// Images of any size resized to one, interpolated linearly between the centres of pixels: stretched; with their aspect ratio kept (letterbox) in the middle of a filling; or
/// their middle (crop). <see cref="ImageMap"/> says where an image lies in the result.
/// </summary>
/// <param name="Height">The rows of the result.</param>
/// <param name="Width">The columns of the result.</param>
/// <param name="Axis">The axis of the rows; that of the columns follows.</param>
/// <param name="Mode"><c>stretch</c>, <c>letterbox</c> or <c>crop</c>.</param>
/// <param name="AlignCorners">True if the centres of the corner pixels meet; for stretch.</param>
/// <param name="Fill">The filling.</param>
/// <param name="Rounds">True to give integers of the input's type, false to give floats.</param>
public sealed record ResizeImage(long Height, long Width, long Axis, string Mode = "stretch", bool AlignCorners = false, float Fill = 0f, bool Rounds = false) : Op, IOp<ResizeImage>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new(null, 1, 1);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Movement;

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        TensorType x = context.Numeric(0);
        context.Require(Mode is "stretch" or "letterbox" or "crop", $"mode '{Mode}' is unknown");
        context.Require(!AlignCorners || Mode == "stretch", $"corners do not meet in mode {Mode}");
        context.Require(Axis >= 0 && Axis + 1 < x.Rank, $"{x} has no axes {Axis} and {Axis + 1}");
        context.Require(Height > 0 && Width > 0, $"its size is {Width} x {Height}");
        int rows = (int)Axis;
        context.Require(x.Dims[rows].Range.Min > 0 && x.Dims[rows + 1].Range.Min > 0, $"{x} may have no pixels");
        context.Output(new TensorType(Rounds || x.Element.IsFloat() ? x.Element : ElementType.Float32, [.. x.Dims.Take(rows), Height, Width, .. x.Dims.Skip(rows + 2)]));
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        TensorData x = inputs[0]!, y = TensorData.Zeros(outputs[0].Element, outputs[0].StaticDims);
        int rows = (int)Axis, next = 0;
        (int w, int h, int toW, int toH) = ((int)x.Dims[rows + 1], (int)x.Dims[rows], (int)Width, (int)Height);
        ImageMap map = MapOf(Mode, AlignCorners, (h, w), (toH, toW));
        foreach (long[] index in RowMajor.Indices(y.Dims))
        {
            (long row, long column) = (index[rows], index[rows + 1]);
            double value = Fill;
            if (row >= map.Top && row < map.Top + map.Height && column >= map.Left && column < map.Left + map.Width)
            {
                (double px, double py) = map.ToSource(column + 0.5, row + 0.5);
                (double sx, double sy) = (Math.Clamp(px - 0.5, 0, w - 1), Math.Clamp(py - 0.5, 0, h - 1));
                (long left, long top) = ((long)sx, (long)sy);
                (double right, double below) = (sx - left, sy - top);
                value = ((1 - below) * (((1 - right) * At(top, left)) + (right * At(top, left + 1)))) + (below * (((1 - right) * At(top + 1, left)) + (right * At(top + 1, left + 1))));
            }

            y.SetDouble(next++, y.Element.IsFloat() ? value : Math.Round(value, MidpointRounding.ToEven));

            double At(long atRow, long atColumn)
            {
                long[] at = [.. index];
                (at[rows], at[rows + 1]) = (Math.Min(atRow, h - 1), Math.Min(atColumn, w - 1));
                return x.GetDouble((int)RowMajor.Offset(x.Dims, at));
            }
        }

        return [y];
    }

    /// <inheritdoc/>
    public override LoweredOp Lower(LowerContext context)
    {
        TensorType x = context.Inputs[0]!;
        int rows = (int)Axis;
        ImagePlace place = ImagePlace.Of(Mode, AlignCorners, (x.Dims[rows], x.Dims[rows + 1]), (Height, Width));
        (IndexExpr row, IndexExpr column) = (context.Index[rows], context.Index[rows + 1]);
        Expr value = place.BetweenColumns(row, column, z => place.BetweenRows(row, y => Read(y, z)), Fill);
        return context.Map(Rounds && !x.Element.IsFloat() ? value.Of(UnaryOp.Round).To(x.Element) : value.To(context.Output.Element));

        Expr Read(IndexExpr y, IndexExpr z)
        {
            IndexExpr[] index = [.. context.Index];
            (index[rows], index[rows + 1]) = (y, z);
            return ImagePlace.Widened(context.Read(0, index));
        }
    }

    /// <summary>Where an image of known sides lies in the result.</summary>
    internal static ImageMap MapOf(string mode, bool alignCorners, (int H, int W) from, (int H, int W) to) => mode switch
    {
        "letterbox" => ImageMap.Letterbox(from.W, from.H, to.W, to.H),
        "crop" => ImageMap.Crop(from.W, from.H, to.W, to.H),
        _ => ImageMap.Stretch(from.W, from.H, to.W, to.H, alignCorners),
    };
}
