using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Compiler.Operators.Shapes;
using Lathe.Kernels.Loops;
using Lathe.Runtime;
using Cast = Lathe.Compiler.Operators.Shapes.Cast;
using Range = Lathe.Compiler.Operators.Shapes.Range;

namespace Lathe.Compiler.Operators.Signal;

/// <summary>Windows that are sums of cosines: w[n] = Σ (-1)^k·terms[k]·cos(2πk·n/N), N being the size, or one less for one that is symmetric.</summary>
internal static class CosineWindow
{
    /// <summary>Imports a window, whose size is an input.</summary>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder g, params ReadOnlySpan<double> terms)
    {
        ElementType element = AttributeReader.Element(node, "output_datatype", ElementType.Float32);
        IndexExpr size = OnnxInputs.Known(node, 0, "its size") is [var only] ? only : throw node.Bad("its size is no scalar");
        Range numbers = new(IndexExpr.Zero, IndexExpr.One, size, ElementType.Int64);
        // Computed in float64: the angles of long windows are close together.
        Cast wide = new(ElementType.Float64);
        Value n = g.Add(wide, size.IsConstant ? g.Add(numbers) : g.Add(numbers, node.Inputs[0])), period = g.Add(wide, RuntimeShapes.AsVector(g, node.Inputs[0]));
        if (AttributeReader.Get(node, "periodic", 1L) == 0) period = g.Add(new Sub(), period, Scalar(1));
        Value turn = g.Add(new Div(), g.Add(new Mul(), n, Scalar(2 * Math.PI)), period), sum = Scalar(terms[0]);
        for (int k = 1; k < terms.Length; k++)
        {
            Value wave = g.Add(new Cos(), g.Add(new Mul(), turn, Scalar(k)));
            sum = g.Add(new Add(), sum, g.Add(new Mul(), wave, Scalar(k % 2 == 0 ? terms[k] : -terms[k])));
        }

        return [g.Add(new Cast(element), sum)];

        Value Scalar(double value) => g.Constant(Elements.Scalar(ElementType.Float64, value));
    }
}
