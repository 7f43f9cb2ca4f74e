using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Compiler.Operators.Linear;
using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Recurrent;

/// <summary>
/// Long short-term memory (Hochreiter and Schmidhuber, 1997) with optional peepholes p (Gers and Schmidhuber, 2000):
/// i = f(x Wi + h Ri + pi c + bi), k = f(x Wf + h Rf + pf c + bf) or 1 - i, c' = k c + i g(x Wc + h Rc + bc), o = f(x Wo + h Ro + po c' + bo), h' = o h(c').
/// </summary>
public sealed class LSTM : IComposite<LSTM>
{
    // The order of the gates in ONNX's weights, and of the peepholes: no cell.
    private const int InputGate = 0, OutputGate = 1, ForgetGate = 2, CellGate = 3, Gates = 4, Peepholes = 3;

    private LSTM()
    {
    }

    /// <inheritdoc/>
    public static OpSchema Schema => new("LSTM", 3, 8, 3);

    /// <inheritdoc/>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder)
    {
        RecurrentLayer layer = new(node, builder, Gates);
        Activations[] activations = Activations.Read(node, layer.Directions, "Sigmoid", "Tanh", "Tanh");
        bool coupled = AttributeReader.Get(node, "input_forget", 0L) != 0;
        if (node.Has(7) && node.Inputs[7].Type.Dims != (IndexExpr[])[layer.Directions, Peepholes * layer.Hidden]) throw node.Bad($"its peepholes are {node.Inputs[7].Type}");
        return layer.Run(_ => true, d => [layer.Initial(5, d), layer.Initial(6, d)], d =>
        {
            Value weights = layer.Recurrent(d, 0, Gates);
            Value[] peepholes = node.Has(7) ? [.. Enumerable.Range(0, Peepholes).Select(p => layer.Part(7, d, p * layer.Hidden, (p + 1) * layer.Hidden))] : [];
            return (g, x, states) =>
            {
                Value cell = states[1], all = g.Add(new Add(), g.Add(new MatMul(), states[0], weights), x);
                Value input = Sigma(g, InputGate, cell);
                Value forget = coupled ? g.Add(new Sub(), g.Constant(Elements.Scalar(layer.Element, 1)), input) : Sigma(g, ForgetGate, cell);
                Value candidate = activations[d].Apply(g, 1, layer.Limit(g, layer.Gate(g, all, CellGate)));
                Value next = g.Add(new Add(), g.Add(new Mul(), forget, cell), g.Add(new Mul(), input, candidate));
                return [g.Add(new Mul(), Sigma(g, OutputGate, next), activations[d].Apply(g, 2, next)), next];

                Value Sigma(GraphBuilder g, int gate, Value seen)
                {
                    Value sum = layer.Gate(g, all, gate);
                    if (peepholes.Length > 0) sum = g.Add(new Add(), sum, g.Add(new Mul(), peepholes[gate], seen));
                    return activations[d].Apply(g, 0, layer.Limit(g, sum));
                }
            };
        });
    }
}
