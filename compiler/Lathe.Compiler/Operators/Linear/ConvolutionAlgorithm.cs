using Lathe.Compiler.Graph;
using Lathe.Kernels;
using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Linear;

/// <summary>How a convolution is computed.</summary>
/// <param name="Tile">The outputs of a tile of Winograd's algorithm along each axis; 0 for the direct sum.</param>
public sealed record ConvolutionAlgorithm(long Tile)
{
    /// <summary>As tuning records have it.</summary>
    public override string ToString() => Tile == 0 ? "direct" : $"F{Tile}x{Tile}";

    /// <summary>What tuning records know a convolution by, whichever algorithm computes it: shapes of input and weights, and the padding. Null for what has but one algorithm: only square windows at stride 1 have tiles.</summary>
    public static string? SignatureOf(Node node)
    {
        if (node.Op is not (Conv { Group: 1 } or WinogradConv)) return null;
        (TensorType x, TensorType w) = (node.Inputs[0].Type, node.Inputs[1].Type);
        if (node.Op is WinogradConv tiled) return Text(x, w.Dims[3], w.Dims[0] - tiled.Tile + 1, tiled.Pads.Items.Select(p => (IndexExpr)p));
        Window window = ((Conv)node.Op).WindowOf(x, w);
        bool isPlain = x.Rank == 4 && w.Dims[2] == w.Dims[3] && window.Strides.Concat(window.Dilations).All(s => s == 1);
        return isPlain ? Text(x, w.Dims[0], w.Dims[2], window.PadLow.Concat(window.PadHigh)) : null;
    }

    private static string Text(TensorType x, IndexExpr filters, IndexExpr kernel, IEnumerable<IndexExpr> pads)
    {
        static string Dim(IndexExpr d) => d.IsConstant ? d.ToString() : "?";
        return $"Algorithm:{string.Join('x', x.Dims.Items.Select(Dim))}:{Dim(filters)}x{Dim(kernel)}x{Dim(kernel)}:{string.Join(',', pads.Select(Dim))}";
    }
}
