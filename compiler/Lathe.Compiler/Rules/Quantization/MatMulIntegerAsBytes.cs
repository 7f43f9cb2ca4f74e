using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Compiler.Operators.Movement;
using Lathe.Compiler.Operators.Quantization;
using Lathe.Compiler.Operators.Shapes;
using Lathe.Runtime;

namespace Lathe.Compiler.Rules.Quantization;

/// <summary>
/// matMulInteger(a, b, za, zb, c) → matMulOfBytes(a, b', c') - zb' · Σ a - za · Σ (b' - zb'), with constant b, as <see cref="ConvIntegerAsBytes"/> does with convolutions; the sum over a
/// row is a product with one column more. A zero point of a that only the run tells, as of DynamicQuantizeLinear, is multiplied with what is known of b.
/// </summary>
public static class MatMulIntegerAsBytes
{
    /// <summary>Applies the rule.</summary>
    public static Value? TryRewrite(Node node, Rewriting g)
    {
        if (node is not { Op: MatMulInteger, Inputs: [var a, { Constant: { Dims: [var depth, var columns] } w }, ..] } || a.Type.Rank < 2 || w.Count == 0) return null;
        Value aZero = node.Inputs.ElementAtOrDefault(2), bZero = node.Inputs.ElementAtOrDefault(3), bias = node.Inputs.ElementAtOrDefault(4);
        if (!bZero.IsNone && (bZero.Constant is not { } known || (known.Count != 1 && known.Count != columns))) return null;
        int n = (int)columns;
        WeightBytes weights = WeightBytes.Of(w, bZero.Constant, n, Column);

        // What is known of the sum starts it; the rest is taken off or added behind.
        bool startsWithBias = bias.Constant is { } b && (b.Count == 1 || (b.Count == columns && b.Dims[^1] == columns));
        bool startsWithZero = aZero.IsNone || aZero.Constant is { Count: 1 };
        long moved = a.Type.Element == ElementType.Int8 ? 128 : 0;
        if (moved != 0) a = Unsigned.Of(a, g);
        long zero = startsWithZero ? (aZero.Constant?.GetInt64(0) ?? 0) + moved : moved;
        int[] starts = weights.Starts(zero, o => startsWithBias ? bias.Constant!.GetInt64(bias.Constant.Count == 1 ? 0 : o) : 0, Column);

        long words = (depth + 3) / 4;
        if (depth % 4 != 0) a = Padded(g, a, (words * 4) - depth);
        Value y = g.Add(new MatMulOfBytes(), a, g.Constant(weights.Words([depth, columns], 0)), g.Constant(TensorData.Of<int>(ElementType.Int32, starts, columns)));
        if (weights.Zeros.Any(z => z != 0))
        {
            bool isOne = weights.Zeros.All(z => z == weights.Zeros[0]);
            WeightBytes factors = new([.. Enumerable.Repeat(isOne ? weights.Zeros[0] : 1, (int)depth)], [0]);
            Value rows = g.Add(new MatMulOfBytes(), a, g.Constant(factors.Words([depth, 1], 0)));
            y = g.Add(new Sub(), y, isOne ? rows : g.Add(new Mul(), rows, g.Constant(TensorData.Of<int>(ElementType.Int32, [.. weights.Zeros.Select(z => (int)z)], columns))));
        }

        if (!startsWithZero)
        {
            int[] sums = [.. weights.Starts(1, _ => 0, Column).Select(s => -s)];
            y = g.Add(new Sub(), y, g.Add(new Mul(), g.Add(new Cast(ElementType.Int32), aZero), g.Constant(TensorData.Of<int>(ElementType.Int32, sums, columns))));
        }

        return bias.IsNone || startsWithBias ? y : g.Add(new Add(), y, bias);

        int Column(int i) => i % n;
    }

    /// <summary>Rows that end in whole words.</summary>
    private static Value Padded(Rewriting g, Value a, long count)
    {
        Kernels.Loops.IndexExpr[] pads = new Kernels.Loops.IndexExpr[2 * a.Type.Rank];
        Array.Fill(pads, Kernels.Loops.IndexExpr.Zero);
        pads[^1] = count;
        return g.Add(new Pad(pads), a, g.Constant(TensorData.Zeros(ElementType.UInt8, [])));
    }
}
