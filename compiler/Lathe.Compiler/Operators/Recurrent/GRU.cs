using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Compiler.Operators.Linear;

namespace Lathe.Compiler.Operators.Recurrent;

/// <summary>
/// Gated recurrent units (Cho et al., 2014): z = f(x Wz + h Rz + bz), r = f(x Wr + h Rr + br), n = g(x Wh + (r h) Rh + bh) or, where the product comes
/// before the reset, g(x Wh + r (h Rh + Rbh) + Wbh); h' = (1 - z) n + z h.
/// </summary>
public sealed class GRU : IComposite<GRU>
{
    private GRU()
    {
    }

    /// <inheritdoc/>
    public static OpSchema Schema => new("GRU", 3, 6, 2);

    /// <inheritdoc/>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder)
    {
        RecurrentLayer layer = new(node, builder, 3);
        Activations[] activations = Activations.Read(node, layer.Directions, "Sigmoid", "Tanh");
        bool productFirst = AttributeReader.Get(node, "linear_before_reset", 0L) != 0;
        return layer.Run(gate => !productFirst || gate < 2, d => [layer.Initial(5, d)], d => productFirst ? ProductFirst(d) : ResetFirst(d));

        Cell ResetFirst(int d)
        {
            Value gates = layer.Recurrent(d, 0, 2), candidate = layer.Recurrent(d, 2);
            return (g, x, states) =>
            {
                Value h = states[0], zr = g.Add(new MatMul(), h, gates);
                Value z = Sigma(g, d, g.Add(new Add(), layer.Gate(g, zr, 0), layer.Gate(g, x, 0)));
                Value r = Sigma(g, d, g.Add(new Add(), layer.Gate(g, zr, 1), layer.Gate(g, x, 1)));
                Value n = g.Add(new Add(), g.Add(new MatMul(), g.Add(new Mul(), r, h), candidate), layer.Gate(g, x, 2));
                return [Blend(g, z, activations[d].Apply(g, 1, layer.Limit(g, n)), h)];
            };
        }

        Cell ProductFirst(int d)
        {
            Value weights = layer.Recurrent(d, 0, 3), bias = layer.RecurrentBias(d, 2);
            return (g, x, states) =>
            {
                Value h = states[0], all = g.Add(new MatMul(), h, weights), candidate = layer.Gate(g, all, 2);
                Value z = Sigma(g, d, g.Add(new Add(), layer.Gate(g, all, 0), layer.Gate(g, x, 0)));
                Value r = Sigma(g, d, g.Add(new Add(), layer.Gate(g, all, 1), layer.Gate(g, x, 1)));
                if (!bias.IsNone) candidate = g.Add(new Add(), candidate, bias);
                Value n = g.Add(new Add(), g.Add(new Mul(), r, candidate), layer.Gate(g, x, 2));
                return [Blend(g, z, activations[d].Apply(g, 1, layer.Limit(g, n)), h)];
            };
        }

        Value Sigma(GraphBuilder g, int d, Value x) => activations[d].Apply(g, 0, layer.Limit(g, x));

        Value Blend(GraphBuilder g, Value z, Value n, Value h)
        {
            Value one = g.Constant(Elements.Scalar(layer.Element, 1));
            return g.Add(new Add(), g.Add(new Mul(), g.Add(new Sub(), one, z), n), g.Add(new Mul(), z, h));
        }
    }
}
