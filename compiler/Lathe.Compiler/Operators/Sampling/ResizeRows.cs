using Lathe.Compiler.Graph;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Sampling;

/// <summary>
/// The first half of <see cref="ResizeImage"/>: rows of elements that lie together, interpolated between the image's rows. The last two axes are rows and the elements of a row. What follows is
/// <see cref="ResizeColumns"/>.
/// </summary>
/// <param name="Height">The rows of the result.</param>
/// <param name="Width">The columns of the result.</param>
/// <param name="From">The columns of the image.</param>
/// <param name="Mode">As in <see cref="ResizeImage"/>.</param>
/// <param name="AlignCorners">As in <see cref="ResizeImage"/>.</param>
public sealed record ResizeRows(long Height, long Width, IndexExpr From, string Mode = "stretch", bool AlignCorners = false) : Op, IOp<ResizeRows>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new(null, 1, 1);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Movement;

    /// <inheritdoc/>
    public override Op Substitute(Func<IndexVar, IndexExpr?> replacement) => this with { From = From.Substitute(replacement) };

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        TensorType x = context.Numeric(0);
        context.Require(Mode is "stretch" or "letterbox" or "crop", $"mode '{Mode}' is unknown");
        context.Require(x.Rank >= 2 && Height > 0 && Width > 0, $"{x} is not resized to {Width} x {Height}");
        context.Require(From.Range.Min > 0 && x.Dims[^2].Range.Min > 0, $"{x} may have no pixels");
        context.Output(new TensorType(x.Element == ElementType.Float64 ? x.Element : ElementType.Float32, [.. x.Dims.SkipLast(2), Height, x.Dims[^1]]));
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        TensorData x = inputs[0]!, y = TensorData.Zeros(outputs[0].Element, outputs[0].StaticDims);
        ImageMap map = ResizeImage.MapOf(Mode, AlignCorners, ((int)x.Dims[^2], (int)From.Value), ((int)Height, (int)Width));
        int next = 0;
        foreach (long[] index in RowMajor.Indices(y.Dims))
        {
            double at = Math.Clamp(map.ToSource(0.5, index[^2] + 0.5).Y - 0.5, 0, x.Dims[^2] - 1);
            long above = (long)at;
            y.SetDouble(next++, ((1 - (at - above)) * At(above)) + ((at - above) * At(above + 1)));

            double At(long row) => x.GetDouble((int)RowMajor.Offset(x.Dims, [.. index.SkipLast(2), Math.Min(row, x.Dims[^2] - 1), index[^1]]));
        }

        return [y];
    }

    /// <inheritdoc/>
    public override LoweredOp Lower(LowerContext context)
    {
        ImagePlace place = ImagePlace.Of(Mode, AlignCorners, (context.Inputs[0]!.Dims[^2], From), (Height, Width));
        return context.Map(place.BetweenRows(context.Index[^2], y => ImagePlace.Widened(context.Read(0, [.. context.Index.SkipLast(2), y, context.Index[^1]]))).To(context.Output.Element));
    }
}
