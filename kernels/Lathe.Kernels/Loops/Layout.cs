using System.Globalization;

namespace Lathe.Kernels.Loops;

/// <summary>
/// One level of a layout: a part of a logical axis. Its index is <c>(x + PadLow) / Divisor</c>, then <c>mod Modulus</c> unless that is 0.
/// </summary>
/// <param name="Axis">The logical axis.</param>
/// <param name="Divisor">The size of the blocks it counts; 1 for single elements.</param>
/// <param name="Modulus">The length of the level where it lies inside a block; 0 for an outermost level of its axis.</param>
/// <param name="PadLow">Elements of halo before the axis; the same on all levels of an axis.</param>
/// <param name="PadHigh">Elements of halo after the axis; the same on all levels of an axis.</param>
/// <param name="Stride">The distance of neighbours, where that is decided when memory is given; null where the levels after it fill what lies between.</param>
public sealed record LayoutLevel(int Axis, long Divisor = 1, long Modulus = 0, long PadLow = 0, long PadHigh = 0, IndexVar? Stride = null);

/// <summary>
/// Where a tensor's elements lie: its axes, possibly split into blocks and padded, in order from the slowest to the fastest. What lies in
/// the rest of a last block or in the halo belongs to no element; a halo is zero whenever another step may read it, a block's rest is unspecified but readable.
/// </summary>
public sealed record Layout(EquatableArray<LayoutLevel> Levels)
{
    /// <summary>All axes in order, unsplit and unpadded.</summary>
    public static Layout RowMajor(int rank) => new([.. Enumerable.Range(0, rank).Select(a => new LayoutLevel(a))]);

    /// <summary>The greatest stride that can be given, in elements.</summary>
    public const long MostStride = 1L << 40;

    /// <summary>A stride that is decided when memory is given.</summary>
    public static IndexVar StrideOf(string name) => new(name, 1, MostStride);

    /// <summary>The strides that are decided when memory is given.</summary>
    public IEnumerable<IndexVar> Strides => Levels.Items.Select(l => l.Stride).OfType<IndexVar>();

    /// <summary>N, C in blocks, spatial axes with a halo, then the channels of a block: the layout of activations of convolutions.</summary>
    /// <param name="rank">The rank, at least 3.</param>
    /// <param name="block">Channels in a block.</param>
    /// <param name="padLow">Halo before each spatial axis; empty for none.</param>
    /// <param name="padHigh">Halo after each spatial axis; empty for none.</param>
    public static Layout Blocked(int rank, long block, ReadOnlySpan<long> padLow = default, ReadOnlySpan<long> padHigh = default)
    {
        LayoutLevel[] levels = new LayoutLevel[rank + 1];
        levels[0] = new LayoutLevel(0);
        levels[1] = new LayoutLevel(1, block);
        for (int axis = 2; axis < rank; axis++)
            levels[axis] = new LayoutLevel(axis, PadLow: padLow.IsEmpty ? 0 : padLow[axis - 2], PadHigh: padHigh.IsEmpty ? 0 : padHigh[axis - 2]);
        levels[rank] = new LayoutLevel(1, 1, block);
        return new Layout(levels);
    }

    /// <summary>Axis 1 the fastest, the others in order.</summary>
    /// <param name="rank">The rank of the tensor, 2 or more.</param>
    public static Layout ChannelsLast(int rank) => new([new LayoutLevel(0), .. Enumerable.Range(2, rank - 2).Select(a => new LayoutLevel(a)), new LayoutLevel(1)]);

    /// <summary>True if it is <see cref="RowMajor"/>.</summary>
    public bool IsRowMajor => Levels.Items.Select((l, i) => l == new LayoutLevel(i)).All(x => x);

    /// <summary>The length of a level for a logical shape.</summary>
    public static IndexExpr LevelLength(LayoutLevel level, IReadOnlyList<IndexExpr> dims) => level.Modulus != 0
        ? level.Modulus
        : IndexExpr.CeilDiv(dims[level.Axis] + level.PadLow + level.PadHigh, level.Divisor);

    /// <summary>The number of elements of a buffer for a logical shape, padding included, where no stride is given.</summary>
    public IndexExpr Length(IReadOnlyList<IndexExpr> dims) => IndexExpr.Product(Levels.Items.Select(l => LevelLength(l, dims)));

    /// <summary>The offset of an element, in elements.</summary>
    public IndexExpr Offset(IReadOnlyList<IndexExpr> dims, IReadOnlyList<IndexExpr> indices)
    {
        IndexExpr offset = IndexExpr.Zero, stride = IndexExpr.One;
        for (int i = Levels.Length - 1; i >= 0; i--)
        {
            LayoutLevel level = Levels[i];
            IndexExpr index = (indices[level.Axis] + level.PadLow) / level.Divisor;
            if (level.Modulus != 0) index %= level.Modulus;
            if (level.Stride is { } given) stride = given;
            offset += index * stride;
            stride *= LevelLength(level, dims);
        }

        return offset;
    }

    /// <summary>The halo before an axis.</summary>
    public long PadLow(int axis) => Levels.Items.Where(l => l.Axis == axis).Select(l => l.PadLow).DefaultIfEmpty(0).Max();

    /// <summary>The halo after an axis.</summary>
    public long PadHigh(int axis) => Levels.Items.Where(l => l.Axis == axis).Select(l => l.PadHigh).DefaultIfEmpty(0).Max();

    /// <summary>
    /// The text form: levels from the slowest on, such as <c>0,1/16,2+1+1,3+1+1,1%16</c> for NCHW16c with a halo of one, or <c>0,1*rows,2</c> for rows a given stride apart.
    /// </summary>
    public override string ToString() => string.Join(',', Levels.Items.Select(l => string.Create(
        CultureInfo.InvariantCulture,
        $"{l.Axis}{(l.PadLow == 0 && l.PadHigh == 0 ? "" : $"+{l.PadLow}+{l.PadHigh}")}{(l.Divisor == 1 ? "" : $"/{l.Divisor}")}{(l.Modulus == 0 ? "" : $"%{l.Modulus}")}{(l.Stride is null ? "" : $"*{l.Stride.Name}")}")));

    /// <summary>Reads what <see cref="ToString"/> writes.</summary>
    /// <exception cref="FormatException">The text is none.</exception>
    public static Layout Parse(string text)
    {
        if (text.Length == 0) return new Layout([]);
        List<LayoutLevel> levels = [];
        foreach (string part in text.Split(','))
        {
            string[] stride = part.Split('*'), modulus = stride[0].Split('%'), divisor = modulus[0].Split('/'), pads = divisor[0].Split('+');
            if (stride.Length > 2 || modulus.Length > 2 || divisor.Length > 2 || pads.Length is not (1 or 3)) throw new FormatException($"'{part}' is no level of a layout.");
            levels.Add(new LayoutLevel(
                int.Parse(pads[0], CultureInfo.InvariantCulture),
                divisor.Length == 2 ? long.Parse(divisor[1], CultureInfo.InvariantCulture) : 1,
                modulus.Length == 2 ? long.Parse(modulus[1], CultureInfo.InvariantCulture) : 0,
                pads.Length == 3 ? long.Parse(pads[1], CultureInfo.InvariantCulture) : 0,
                pads.Length == 3 ? long.Parse(pads[2], CultureInfo.InvariantCulture) : 0,
                stride.Length == 2 ? StrideOf(stride[1]) : null));
        }

        return new Layout([.. levels]);
    }
}
