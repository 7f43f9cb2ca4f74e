using Lathe.Compiler.Graph;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Sampling;

/// <summary>The second half of <see cref="ResizeImage"/>: of the rows that <see cref="ResizeRows"/> gives, interpolated between the image's columns, and what is around the image.</summary>
/// <param name="Width">The columns of the result; its rows are those of the input.</param>
/// <param name="FromHeight">The rows of the image.</param>
/// <param name="FromWidth">The columns of the image.</param>
/// <param name="Channels">How many channels of a pixel lie together, which become the last axis; 0 for planes.</param>
/// <param name="To">The elements of the result; integers are rounded to.</param>
/// <param name="Mode">As in <see cref="ResizeImage"/>.</param>
/// <param name="AlignCorners">As in <see cref="ResizeImage"/>.</param>
/// <param name="Fill">As in <see cref="ResizeImage"/>.</param>
public sealed record ResizeColumns(long Width, IndexExpr FromHeight, IndexExpr FromWidth, long Channels, ElementType To, string Mode = "stretch", bool AlignCorners = false, float Fill = 0f) : Op, IOp<ResizeColumns>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new(null, 1, 1);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Movement;

    /// <inheritdoc/>
    public override Op Substitute(Func<IndexVar, IndexExpr?> replacement) =>
        this with { FromHeight = FromHeight.Substitute(replacement), FromWidth = FromWidth.Substitute(replacement) };

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        TensorType x = context.Numeric(0);
        context.Require(Mode is "stretch" or "letterbox" or "crop", $"mode '{Mode}' is unknown");
        context.Require(x.Rank >= 2 && x.Element.IsFloat() && x.Dims[^2].IsConstant && Width > 0 && Channels >= 0, $"{x} are not rows of {Width} columns");
        context.Require(x.Dims[^1] == FromWidth * Math.Max(1, Channels), $"rows of {x} are not those of {FromWidth} columns");
        context.Output(new TensorType(To, [.. x.Dims.SkipLast(1), Width, .. Channels == 0 ? Array.Empty<IndexExpr>() : [Channels]]));
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        TensorData x = inputs[0]!, y = TensorData.Zeros(outputs[0].Element, outputs[0].StaticDims);
        int rows = x.Dims.Length - 2, next = 0;
        ImageMap map = ResizeImage.MapOf(Mode, AlignCorners, ((int)FromHeight.Value, (int)FromWidth.Value), ((int)x.Dims[^2], (int)Width));
        foreach (long[] index in RowMajor.Indices(y.Dims))
        {
            (long row, long column) = (index[rows], index[rows + 1]);
            double value = Fill;
            if (row >= map.Top && row < map.Top + map.Height && column >= map.Left && column < map.Left + map.Width)
            {
                double at = Math.Clamp(map.ToSource(column + 0.5, 0.5).X - 0.5, 0, FromWidth.Value - 1);
                long left = (long)at;
                value = ((1 - (at - left)) * At(left)) + ((at - left) * At(left + 1));
            }

            y.SetDouble(next++, To.IsFloat() ? value : Math.Round(value, MidpointRounding.ToEven));

            double At(long place) => x.GetDouble((int)RowMajor.Offset(
                x.Dims, [.. index.Take(rows + 1), (Math.Min(place, FromWidth.Value - 1) * Math.Max(1, Channels)) + (Channels == 0 ? 0 : index[^1])]));
        }

        return [y];
    }

    /// <inheritdoc/>
    public override LoweredOp Lower(LowerContext context)
    {
        TensorType x = context.Inputs[0]!;
        int rows = x.Rank - 2;
        (IndexExpr row, IndexExpr column) = (context.Index[rows], context.Index[rows + 1]);
        ImagePlace place = ImagePlace.Of(Mode, AlignCorners, (FromHeight, FromWidth), (x.Dims[rows].Value, Width));
        Expr value = place.BetweenColumns(row, column, z => context.Read(0, [.. context.Index.Take(rows + 1), Channels == 0 ? z : (z * Channels) + context.Index[^1]]), Fill);
        return context.Map(To.IsFloat() ? value.To(To) : value.Of(UnaryOp.Round).To(To));
    }
}
