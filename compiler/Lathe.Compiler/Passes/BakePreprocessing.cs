using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Compiler.Operators.Movement;
using Lathe.Compiler.Operators.Shapes;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Cast = Lathe.Compiler.Operators.Shapes.Cast;
using Lathe.Runtime;

namespace Lathe.Compiler.Passes;

/// <summary>
/// What the user says of an input becomes operators behind it: an input of the type and order in which the application has its images, converted, brought into the
/// model's order of axes and channels, and then (x[c] - mean[c]) / scale[c], channels in the model's order. <see cref="FoldIntoWeights"/> takes them into
/// a convolution where one reads them, exactly also at padded borders, and otherwise they are fused into what reads them.
/// </summary>
public sealed class BakePreprocessing : IPass
{
    private const string FormatOption = "--input-format", MeanOption = "--mean", ScaleOption = "--scale";

    /// <inheritdoc/>
    public bool RunsInBodies => false;

    /// <inheritdoc/>
    public Graph.Graph Run(Graph.Graph graph, PassContext context)
    {
        Dictionary<string, float[]> means = Resolve(graph, MeanOption, context.Options.Mean), scales = Resolve(graph, ScaleOption, context.Options.Scale);
        Dictionary<string, InputFormat> formats = Resolve(graph, FormatOption, context.Options.InputFormats);
        Dictionary<string, Image> images = [];
        foreach (GraphPort port in graph.Inputs.Where(p => means.ContainsKey(p.Name) || scales.ContainsKey(p.Name) || formats.ContainsKey(p.Name)))
            images[port.Name] = Image.Of(port, formats.GetValueOrDefault(port.Name), means.GetValueOrDefault(port.Name), scales.GetValueOrDefault(port.Name));
        if (images.Count == 0) return graph;

        GraphBuilder builder = new();
        Dictionary<Value, Value> replaced = [];
        foreach (Node node in graph.TopologicalOrder())
        {
            builder.CurrentName = graph.Names.GetValueOrDefault(node);
            if (node.Op is Input { Port: var port } && images.TryGetValue(port, out Image? image))
            {
                replaced.Add(node[0], image.AsModelSees(builder));
                continue;
            }

            Node copy = builder.AddNode(node.Op, [.. node.Inputs.Select(v => v.IsNone ? v : replaced[v])]);
            for (int output = 0; output < node.OutputTypes.Length; output++) replaced.Add(node[output], copy[output]);
        }

        return builder.Build(
            graph.Name,
            graph.Inputs.Select(p => p with { Value = images.TryGetValue(p.Name, out Image? image) ? builder.Add(image.Input) : replaced[p.Value] }),
            graph.Outputs.Select(p => p with { Value = replaced[p.Value] }),
            graph.Symbols);
    }

    private static Dictionary<string, T> Resolve<T>(Graph.Graph graph, string option, IReadOnlyDictionary<string, T> given)
    {
        Dictionary<string, T> resolved = new(StringComparer.Ordinal);
        foreach ((string key, T value) in given.OrderBy(g => g.Key, StringComparer.Ordinal))
        {
            string name = key.Length == 0 && graph.Inputs.Length == 1 ? graph.Inputs[0].Name : key;
            if (!graph.Inputs.Any(i => i.Name == name))
            {
                string inputs = string.Join(", ", graph.Inputs.Select(i => $"'{i.Name}'"));
                throw Bad(option, key.Length == 0 ? $"the model has several inputs: name one of {inputs}" : $"the model has no input '{key}' (it has {inputs})");
            }

            if (!resolved.TryAdd(name, value)) throw Bad(option, $"input '{name}' is given twice");
        }

        return resolved;
    }

    private static DiagnosticException Bad(string option, string reason) => new(new Diagnostic(DiagnosticTable.BadOption, null, option, reason));

    /// <summary>An input as the application has it, and what is said of it.</summary>
    private sealed record Image(Input Input, TensorType Model, int ChannelAxis, bool IsMoved, IReadOnlyList<int> Selection, float[]? Mean, float[]? Scale)
    {
        /// <summary>An image of what the options say.</summary>
        /// <exception cref="DiagnosticException">They do not fit the input.</exception>
        public static Image Of(GraphPort port, InputFormat? format, float[]? mean, float[]? scale)
        {
            TensorType model = port.Value.Type;
            string first = format is not null ? FormatOption : mean is not null ? MeanOption : ScaleOption;
            if (model.Rank != 4) throw Bad(first, $"input '{port.Name}' is {model}, not an image of 4 dims");
            ElementType element = format?.Element ?? model.Element;
            if (!model.Element.IsFloat() && (element != model.Element || mean is not null || scale is not null))
                throw Bad(element == model.Element && mean is null ? ScaleOption : first, $"the elements of input '{port.Name}' are {model.Element.Name()}, not floats");

            int? axis = ChannelsOf(model, (mean ?? scale)?.Length);
            foreach ((string option, float[]? values) in (IEnumerable<(string, float[]?)>)[(MeanOption, mean), (ScaleOption, scale)])
            {
                if (values is null) continue;
                if (axis is null || model.Dims[axis.Value] != values.Length) throw Bad(option, $"{values.Length} values do not fit the channels of input '{port.Name}', {model}");
                if (values.Any(v => !float.IsFinite(v))) throw Bad(option, "a value is not finite");
                if (option == ScaleOption && values.Contains(0)) throw Bad(option, "a scale is zero");
            }

            if (axis is not { } channelAxis) throw Bad(first, $"input '{port.Name}' is {model}, which has no axis of 1, 3 or 4 channels");
            try
            {
                int channels = (int)model.Dims[channelAxis].Value;
                IReadOnlyList<int> selection = format?.Selection(channels) ?? [.. Enumerable.Range(0, channels)];
                IndexExpr inMemory = format?.ImageChannels(channels) ?? channels;
                bool isPlanar = format?.IsPlanar ?? channelAxis == 1;
                (IndexExpr n, IndexExpr h, IndexExpr w) = channelAxis == 1 ? (model.Dims[0], model.Dims[2], model.Dims[3]) : (model.Dims[0], model.Dims[1], model.Dims[2]);
                Input input = new(port.Name, new TensorType(element, isPlanar ? [n, inMemory, h, w] : [n, h, w, inMemory]));
                return new Image(input, model, channelAxis, isPlanar != (channelAxis == 1), selection, mean, scale);
            }
            catch (FormatException problem)
            {
                throw Bad(FormatOption, problem.Message);
            }
        }

        /// <summary>The axis of the channels: the second or, for models that were exported channels-last, the last; the one that has as many as there are values, where both may be it.</summary>
        private static int? ChannelsOf(TensorType model, int? values)
        {
            int[] usual = [.. ((int[])[1, 3]).Where(axis => model.Dims[axis] is { IsConstant: true, Value: 1 or 3 or 4 })];
            int[] axes = usual.Length > 0 ? usual : [.. ((int[])[1, 3]).Where(axis => values is { } count && model.Dims[axis] == count)];
            return axes.Length == 0 ? null : axes.Where(axis => model.Dims[axis] == (values ?? -1)).Append(axes[0]).First();
        }

        /// <summary>The value that stands for the model's input.</summary>
        public Value AsModelSees(GraphBuilder builder)
        {
            Value x = builder.Add(Input);
            if (Input.InputType.Element != Model.Element) x = builder.Add(new Cast(Model.Element.IsFloat() && Model.Element.Size() < sizeof(float) ? ElementType.Float32 : Model.Element), x);
            if (IsMoved) x = builder.Add(new Transpose(ChannelAxis == 1 ? [0, 3, 1, 2] : [0, 2, 3, 1]), x);
            x = Selected(builder, x);
            if (Mean is not null) x = builder.Add(new Sub(), x, PerChannel(builder, x.Type.Element, Mean));
            if (Scale is not null) x = builder.Add(new Div(), x, PerChannel(builder, x.Type.Element, Scale));
            return x.Type.Element == Model.Element ? x : builder.Add(new Cast(Model.Element), x);
        }

        /// <summary>The channels in the model's order: one for all, or one after another in steps.</summary>
        private Value Selected(GraphBuilder builder, Value x)
        {
            IndexExpr channels = x.Type.Dims[ChannelAxis];
            if (channels == Selection.Count && Selection.SequenceEqual(Enumerable.Range(0, Selection.Count))) return x;
            if (channels == IndexExpr.One) return builder.Add(new Expand([.. x.Type.Dims.Select((d, axis) => axis == ChannelAxis ? Selection.Count : d)]), x);
            long step = Selection.Count == 1 ? 1 : Selection[1] - Selection[0], end = Selection[^1] + step;
            bool isInSteps = Selection.Select((c, i) => c == Selection[0] + (i * step)).All(same => same);
            return isInSteps
                ? builder.Add(new Slice([Selection[0]], [end < 0 ? -int.MaxValue : end], [ChannelAxis], [step]), x)
                : builder.Add(new Concat(ChannelAxis), [.. Selection.Select(c => builder.Add(new Slice([c], [c + 1], [ChannelAxis]), x))]);
        }

        private Value PerChannel(GraphBuilder builder, ElementType element, float[] values)
        {
            long[] dims = [1, 1, 1, 1];
            dims[ChannelAxis] = values.Length;
            TensorData data = TensorData.Zeros(element, dims);
            for (int i = 0; i < values.Length; i++) data.SetDouble(i, values[i]);
            return builder.Constant(data);
        }
    }
}
