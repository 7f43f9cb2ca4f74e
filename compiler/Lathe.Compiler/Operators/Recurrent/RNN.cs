using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Compiler.Operators.Linear;

namespace Lathe.Compiler.Operators.Recurrent;

/// <summary>h' = f(x W + h R + b).</summary>
public sealed class RNN : IComposite<RNN>
{
    private RNN()
    {
    }

    /// <inheritdoc/>
    public static OpSchema Schema => new("RNN", 3, 6, 2);

    /// <inheritdoc/>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder)
    {
        RecurrentLayer layer = new(node, builder, 1);
        Activations[] activations = Activations.Read(node, layer.Directions, "Tanh");
        return layer.Run(_ => true, d => [layer.Initial(5, d)], d =>
        {
            Value r = layer.Recurrent(d, 0);
            return (g, x, states) => [activations[d].Apply(g, 0, layer.Limit(g, g.Add(new Add(), g.Add(new MatMul(), states[0], r), x)))];
        });
    }
}
