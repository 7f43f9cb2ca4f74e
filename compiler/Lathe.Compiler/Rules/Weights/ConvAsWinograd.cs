using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Linear;
using Lathe.Compiler.Tuning;
using Lathe.Kernels.Schedules;
using Lathe.Kernels.Targets;
using Lathe.Runtime;
using Lathe.Runtime.Plans;

namespace Lathe.Compiler.Rules.Weights;

/// <summary>conv(x, w, b) → winograd(x, G·w·Gᵀ, b) for square kernels at stride 1, if a model of its cost, or a tuning record, says that it pays.</summary>
/// <param name="decisions">Where records are asked.</param>
/// <param name="isa">The instruction set whose entries count.</param>
public sealed class ConvAsWinograd(Decisions decisions, Isa isa)
{
    /// <summary>The tiles that are considered, by the kernel's size.</summary>
    private static readonly Dictionary<long, int[]> TilesOf = new() { [3] = [4, 2] };

    private const long Panel = PackedLayouts.Panel;

    /// <summary>The most that transformed weights may take: models whose layers have more are rather read from memory than computed.</summary>
    private const double MostBytes = 256 << 20;

    /// <summary>Layers that share weights share what is made of them.</summary>
    private static readonly ConditionalWeakTable<TensorData, ConcurrentDictionary<int, TensorData>> Known = [];

    /// <summary>The share of the direct convolution's time that it must not exceed: the model is not exact, and weights grow.</summary>
    private const double Gain = 0.8;

    /// <summary>Applies the rule.</summary>
    public Value? TryRewrite(Node node, Rewriting g)
    {
        if (node is not { Op: Conv { Group: 1 } conv, Inputs: [{ Type: { Rank: 4, Element: ElementType.Float32 } } x, var weights, .. var rest] } || SourceImage.Of(x) is not null) return null;
        // Weights of 16 bits are transformed when the model is loaded.
        Value? stored = Patterns.StoredHalf(weights);
        if ((stored ?? weights).Constant is not { } w) return null;
        if (rest is [_, { IsNone: false }, ..] || (rest is [{ IsNone: false } b, ..] && b.Constant is null)) return null;
        Window window = conv.WindowOf(x.Type, weights.Type);
        if (w.Dims[2] != w.Dims[3] || !TilesOf.TryGetValue(w.Dims[2], out int[]? tiles)) return null;
        if (window.Strides.Concat(window.Dilations).Any(s => s != 1) || !window.PadLow.Concat(window.PadHigh).All(p => p is { IsConstant: true, Value: >= 0 })) return null;
        if (w.Count == 0 || !x.Type.Dims.Skip(2).Concat(window.Output).All(d => d.IsConstant)) return null;

        ConvolutionAlgorithm[] algorithms = [.. Algorithms(tiles, window.Output[0].Value, window.Output[1].Value, w.Dims)];
        long tile = algorithms.Length < 2 ? 0 : decisions.Take(isa, ConvolutionAlgorithm.SignatureOf(node)!, isOfAlgorithm: true, algorithms).Tile;
        if (tile == 0) return null;

        WinogradConv op = new(tile, (long[])[.. window.PadLow.Concat(window.PadHigh).Select(p => p.Value)]);
        if (stored is { } halves) return g.Add(op, [x, g.Add(new WinogradWeights(), halves, Matrix(g, tile, w.Dims[2])), .. rest.Take(1)]);
        return g.Add(op, [x, g.Constant(Known.GetOrCreateValue(w).GetOrAdd((int)tile, t => Transformed(w, WinogradTransform.Of(t, (int)w.Dims[2])))), .. rest.Take(1)]);
    }

    /// <summary>The machine that the model of cost speaks of: the choice is one for all instruction sets.</summary>
    private static readonly Machine Core = Machine.Avx512;

    /// <summary>The variant table: the cheapest by the model first, which has to gain something to be preferred to the direct sum.</summary>
    private static IEnumerable<ConvolutionAlgorithm> Algorithms(int[] tiles, long high, long wide, long[] w)
    {
        double direct = (double)high * wide * w[2] * w[3] * Blocks(w[0]) * Panel * w[1] / Core.ProductsPerCycle / 0.95 * Gain;
        return tiles.Where(t => Bytes(t, w) <= MostBytes).Select(t => (Tile: (long)t, Cycles: Cycles(t, high, wide, w))).Append((Tile: 0, Cycles: direct))
            .OrderBy(a => a.Cycles).Select(a => new ConvolutionAlgorithm(a.Tile));
    }

    private static double Bytes(long tile, long[] w) => (double)(tile + w[2] - 1) * (tile + w[2] - 1) * Blocks(w[0]) * Panel * w[1] * sizeof(float);

    private static long Blocks(long channels) => (channels + Panel - 1) / Panel;

    /// <summary>What the algorithm takes: the products, the transforms, and reading the weights for each strip of tiles.</summary>
    private static double Cycles(long tile, long high, long wide, long[] w)
    {
        long size = tile + w[2] - 1, down = (high + tile - 1) / tile, across = (wide + tile - 1) / tile, tiles = down * across;
        double products = (double)tiles * size * size * Blocks(w[0]) * Panel * w[1] / Core.ProductsPerCycle / 0.85;
        // Loads, stores and sums of both passes over a tile, a vector at a time, two a cycle.
        double transforms = (double)tiles * ((Blocks(w[1]) * size * size * 5) + (Blocks(w[0]) * size * (size + tile) * 2.5));
        double bytes = Bytes(tile, w), strips = Math.Ceiling(tiles / 28.0);
        // Weights that do not stay in the second-level cache come from memory for the first strip and from the third-level cache for later ones.
        return products + transforms + (bytes > Core.CachedBytes ? (bytes / Core.BytesPerCycle.Memory) + (bytes * (strips - 1) / Core.BytesPerCycle.ThirdLevel) : 0);
    }

    /// <summary>[o, c, r, r] as [t, t, c, o].</summary>
    internal static TensorData Transformed(TensorData w, WinogradTransform transform)
    {
        long filters = w.Dims[0], channels = w.Dims[1];
        int r = transform.Kernel, t = transform.Size;
        TensorData u = TensorData.Zeros(w.Element, [t, t, channels, filters]);
        double[,] kernel = new double[r, r];
        for (long o = 0; o < filters; o++)
        {
            for (long c = 0; c < channels; c++)
            {
                for (int k = 0; k < r * r; k++) kernel[k / r, k % r] = w.GetDouble((int)((((o * channels) + c) * r * r) + k));
                double[,] tile = WinogradTransform.Apply(transform.Weights, kernel);
                for (int k = 0; k < t * t; k++) u.SetDouble((int)((((k * channels) + c) * filters) + o), tile[k / t, k % t]);
            }
        }

        return u;
    }

    /// <summary>G as a constant.</summary>
    private static Value Matrix(Rewriting g, long tile, long kernel)
    {
        double[,] matrix = WinogradTransform.Of((int)tile, (int)kernel).Weights;
        return g.Numbers(ElementType.Float32, [.. matrix.Cast<double>()], matrix.GetLength(0), matrix.GetLength(1));
    }
}
