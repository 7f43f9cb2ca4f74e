using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Runtime;

namespace Lathe.Compiler.Passes;

/// <summary>
/// (x[c] - mean[c]) / scale[c] in front of the inputs for which the user gives means and scales, channels in the model's order. As operators of the
/// graph: <see cref="FoldIntoWeights"/> takes them into a convolution where one reads them, exactly also at padded borders, and otherwise they are
/// fused into what reads them.
/// </summary>
public sealed class BakePreprocessing : IPass
{
    /// <inheritdoc/>
    public bool RunsInBodies => false;

    /// <inheritdoc/>
    public Graph.Graph Run(Graph.Graph graph, PassContext context)
    {
        Dictionary<string, float[]> means = Resolve(graph, "--mean", context.Options.Mean), scales = Resolve(graph, "--scale", context.Options.Scale);
        if (means.Count == 0 && scales.Count == 0) return graph;
        return Rebuild.Run(graph, (node, builder) =>
        {
            if (node.Op is not Input input) return null;
            Value x = node[0];
            if (means.TryGetValue(input.Port, out float[]? mean)) x = builder.Add(new Sub(), x, PerChannel(builder, x.Type, mean));
            if (scales.TryGetValue(input.Port, out float[]? scale)) x = builder.Add(new Div(), x, PerChannel(builder, x.Type, scale));
            return [x];
        });
    }

    private static Dictionary<string, float[]> Resolve(Graph.Graph graph, string option, IReadOnlyDictionary<string, float[]> given)
    {
        Dictionary<string, float[]> resolved = new(StringComparer.Ordinal);
        foreach ((string key, float[] values) in given.OrderBy(g => g.Key, StringComparer.Ordinal))
        {
            string name = key.Length == 0 && graph.Inputs.Length == 1 ? graph.Inputs[0].Name : key;
            GraphPort? port = graph.Inputs.FirstOrDefault(i => i.Name == name);
            if (port is null)
            {
                string inputs = string.Join(", ", graph.Inputs.Select(i => $"'{i.Name}'"));
                throw Bad(key.Length == 0 ? $"the model has several inputs: name one of {inputs}" : $"the model has no input '{key}' (it has {inputs})");
            }

            TensorType type = port.Value.Type;
            if (type.Rank != 4) throw Bad($"input '{name}' is {type}, not an image of 4 dims");
            if (!type.Element.IsFloat()) throw Bad($"the elements of input '{name}' are {type.Element.Name()}, not floats");
            if (ChannelAxis(type, values.Length) is null) throw Bad($"{values.Length} values do not fit the channels of input '{name}', {type}");
            if (values.Any(v => !float.IsFinite(v))) throw Bad("a value is not finite");
            if (option == "--scale" && values.Contains(0)) throw Bad("a scale is zero");
            if (!resolved.TryAdd(name, values)) throw Bad($"input '{name}' is given twice");

            DiagnosticException Bad(string reason) => new(new Diagnostic(DiagnosticTable.BadOption, null, option, reason));
        }

        return resolved;
    }

    /// <summary>The axis of the channels: the second, or the last for models that were exported channels-last.</summary>
    private static int? ChannelAxis(TensorType type, int channels) => type.Dims[1] == channels ? 1 : type.Dims[3] == channels ? 3 : null;

    private static Value PerChannel(GraphBuilder builder, TensorType type, float[] values)
    {
        long[] dims = [1, 1, 1, 1];
        dims[ChannelAxis(type, values.Length)!.Value] = values.Length;
        TensorData data = TensorData.Zeros(type.Element, dims);
        for (int i = 0; i < values.Length; i++) data.SetDouble(i, values[i]);
        return builder.Constant(data);
    }
}
