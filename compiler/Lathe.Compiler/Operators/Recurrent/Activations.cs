using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Elementwise;

namespace Lathe.Compiler.Operators.Recurrent;

/// <summary>The activation functions of recurrent layers, by the names that ONNX gives them.</summary>
internal sealed class Activations
{
    private readonly Func<GraphBuilder, Value, Value>[] _functions;

    private Activations(Func<GraphBuilder, Value, Value>[] functions) => _functions = functions;

    /// <summary>Reads the functions of a node.</summary>
    /// <param name="node">The node.</param>
    /// <param name="directions">How many directions it has.</param>
    /// <param name="otherwise">The functions of one direction where the node names none.</param>
    /// <returns>The functions of each direction.</returns>
    public static Activations[] Read(OnnxNode node, int directions, params ReadOnlySpan<string> otherwise)
    {
        string[] names = AttributeReader.Get<string[]>(node, "activations", []);
        int each = otherwise.Length;
        if (names.Length == 0)
        {
            names = new string[directions * each];
            for (int i = 0; i < names.Length; i++) names[i] = otherwise[i % each];
        }

        if (names.Length != directions * each) throw AttributeReader.Wrong(node, "activations", $"it has {names.Length} names, not {directions * each}");
        // Functions that have a parameter take the next one of the list; those that have none leave it.
        Queue<float> alphas = new(AttributeReader.Get<float[]>(node, "activation_alpha", [])), betas = new(AttributeReader.Get<float[]>(node, "activation_beta", []));
        Func<GraphBuilder, Value, Value>[] functions = [.. names.Select(name => Of(node, name, alphas, betas))];
        return [.. Enumerable.Range(0, directions).Select(d => new Activations(functions[(d * each)..((d + 1) * each)]))];
    }

    /// <summary>One of the functions of a value.</summary>
    public Value Apply(GraphBuilder g, int function, Value x) => _functions[function](g, x);

    private static Func<GraphBuilder, Value, Value> Of(OnnxNode node, string name, Queue<float> alphas, Queue<float> betas)
    {
        float Alpha(float otherwise) => alphas.TryDequeue(out float alpha) ? alpha : otherwise;
        float Beta(float otherwise) => betas.TryDequeue(out float beta) ? beta : otherwise;
        switch (name.ToLowerInvariant())
        {
            case "sigmoid": return (g, x) => g.Add(new Sigmoid(), x);
            case "tanh": return (g, x) => g.Add(new Tanh(), x);
            case "relu": return (g, x) => g.Add(new Relu(), x);
            case "softsign": return (g, x) => g.Add(new Softsign(), x);
            case "softplus": return (g, x) => g.Add(new Softplus(), x);
            case "leakyrelu":
                LeakyRelu leaky = new(Alpha(0.01f));
                return (g, x) => g.Add(leaky, x);
            case "thresholdedrelu":
                ThresholdedRelu thresholded = new(Alpha(1));
                return (g, x) => g.Add(thresholded, x);
            case "elu":
                Elu elu = new(Alpha(1));
                return (g, x) => g.Add(elu, x);
            case "hardsigmoid":
                HardSigmoid hard = new(Alpha(0.2f), Beta(0.5f));
                return (g, x) => g.Add(hard, x);
            case "affine":
                (float factor, float offset) = (Alpha(1), Beta(0));
                return (g, x) => g.Add(new Add(), g.Add(new Mul(), x, Scalar(g, x, factor)), Scalar(g, x, offset));
            case "scaledtanh":
                (float outer, float inner) = (Alpha(1), Beta(1));
                return (g, x) => g.Add(new Mul(), g.Add(new Tanh(), g.Add(new Mul(), x, Scalar(g, x, inner))), Scalar(g, x, outer));
            default:
                throw AttributeReader.Wrong(node, "activations", $"'{name}' is unknown");
        }
    }

    private static Value Scalar(GraphBuilder g, Value like, double value) => g.Constant(Elements.Scalar(like.Type.Element, value));
}
