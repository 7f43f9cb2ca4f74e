using Lathe.Compiler.Graph;
using Lathe.Kernels;

namespace Lathe.Compiler.Operators.Linear;

/// <summary>How a convolution is computed.</summary>
/// <param name="Tile">The outputs of a tile of Winograd's algorithm along each axis; 0 for the direct sum.</param>
public sealed record ConvolutionAlgorithm(long Tile)
{
    /// <summary>As tuning records have it.</summary>
    public override string ToString() => Tile == 0 ? "direct" : $"F{Tile}x{Tile}";

    /// <summary>What tuning records know a convolution by, whichever algorithm computes it: shapes of input and weights, and the padding. Null for what is no convolution of two axes.</summary>
    public static string? SignatureOf(Node node)
    {
        TensorType[] types = [.. node.Inputs.Select(v => v.Type)];
        switch (node.Op)
        {
            case Conv { Group: 1 } conv when types[0].Rank == 4:
                Window window = conv.WindowOf(types[0], types[1]);
                return Text(types[0], types[1].Dims[0], types[1].Dims[2], window.PadLow.Concat(window.PadHigh));
            case WinogradConv tiled:
                return Text(types[0], types[1].Dims[3], types[1].Dims[0] - tiled.Tile + 1, tiled.Pads.Items.Select(p => (Kernels.Loops.IndexExpr)p));
            default:
                return null;
        }
    }

    private static string Text(TensorType x, Kernels.Loops.IndexExpr filters, Kernels.Loops.IndexExpr kernel, IEnumerable<Kernels.Loops.IndexExpr> pads)
    {
        static string Dim(Kernels.Loops.IndexExpr d) => d.IsConstant ? d.ToString() : "?";
        return $"Algorithm:{string.Join('x', x.Dims.Items.Select(Dim))}:{Dim(filters)}x{Dim(kernel)}x{Dim(kernel)}:{string.Join(',', pads.Select(Dim))}";
    }
}
