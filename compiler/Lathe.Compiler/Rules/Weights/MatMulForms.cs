using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Compiler.Operators.Linear;
using Lathe.Runtime;

namespace Lathe.Compiler.Rules.Weights;

/// <summary>
/// Products of matrices with constants behind them: matmul(a, b) + c → gemm(a, b, c) for matrices and one c per column; gemm(a, b, c) + d → gemm(a, b,
/// c + d); a product of a constant b, times one d per column → the product with b · d.
/// </summary>
public static class MatMulForms
{
    /// <summary>Applies the rule.</summary>
    public static Value? TryRewrite(Node node, Rewriting g)
    {
        if (node.OutputTypes[0].Element is not (ElementType.Float32 or ElementType.Float64)) return null;
        if (ChannelArithmetic.Offset(node, v => v.Type.Rank - 1) is var (sum, offset) && g.IsReadOnce(sum)) return Offset(sum.Node, offset, g);
        return ChannelArithmetic.Scale(node, v => v.Type.Rank - 1) is var (product, factor) && g.IsReadOnce(product) ? Scale(product.Node, factor, g) : null;
    }

    private static Value? Offset(Node product, double[] offset, Rewriting g)
    {
        ElementType element = product.OutputTypes[0].Element;
        switch (product)
        {
            case { Op: MatMul, Inputs: [{ Type.Rank: 2 } a, { Type.Rank: 2 } b] }:
                return g.Add(new Gemm(), a, b, g.Numbers(element, offset, offset.Length));
            case { Op: Gemm gemm, Inputs: [var a, var b] }:
                return g.Add(gemm with { Beta = 1 }, a, b, g.Numbers(element, offset, offset.Length));
            case { Op: Gemm gemm, Inputs: [var a, var b, var c] } when Patterns.PerChannel(c, product.OutputTypes[0], 1) is { } bias:
                return g.Add(gemm with { Beta = 1 }, a, b, g.Numbers(element, [.. bias.Select((v, n) => (v * gemm.Beta) + offset[n])], offset.Length));
            default:
                return null;
        }
    }

    private static Value? Scale(Node product, double[] factor, Rewriting g)
    {
        TensorType type = product.OutputTypes[0];
        switch (product)
        {
            case { Op: MatMul, Inputs: [var a, { Constant: { Dims.Length: 2 } b }] }:
                return g.Add(new MatMul(), a, Columns(b, false, factor, g));
            case { Op: Gemm gemm, Inputs: [var a, { Constant: { } b }] }:
                return g.Add(gemm, a, Columns(b, gemm.TransB, factor, g));
            case { Op: Gemm gemm, Inputs: [var a, { Constant: { } b }, var c] } when Patterns.PerChannel(c, type, 1) is { } bias:
                return g.Add(gemm, a, Columns(b, gemm.TransB, factor, g), g.Numbers(type.Element, [.. bias.Select((v, n) => v * factor[n])], factor.Length));
            default:
                return null;
        }
    }

    /// <summary>A matrix with each column, or row if it is transposed, times a number.</summary>
    private static Value Columns(TensorData matrix, bool transposed, double[] factor, Rewriting g)
    {
        TensorData scaled = TensorData.Zeros(matrix.Element, matrix.Dims);
        for (int i = 0; i < matrix.Count; i++)
            scaled.SetDouble(i, matrix.GetDouble(i) * factor[transposed ? i / (int)matrix.Dims[1] : i % (int)matrix.Dims[1]]);
        return g.Constant(scaled);
    }
}
