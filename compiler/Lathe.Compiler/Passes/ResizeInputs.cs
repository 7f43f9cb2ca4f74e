using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Sampling;
using Lathe.Kernels.Loops;
using Lathe.Runtime;
using Cast = Lathe.Compiler.Operators.Shapes.Cast;

namespace Lathe.Compiler.Passes;

/// <summary>
/// Inputs that the user has resized take images of any height and width, as they are in memory: the resizing is the first operator that reads them, in front of the
/// arithmetic of <see cref="BakePreprocessing"/>, and is fused with it.
/// </summary>
public sealed class ResizeInputs : IPass
{
    private const string Option = "--resize";

    /// <summary>The longest side of an image.</summary>
    private const long MaxSide = 1 << 14;

    /// <inheritdoc/>
    public bool RunsInBodies => false;

    /// <inheritdoc/>
    public Graph.Graph Run(Graph.Graph graph, PassContext context)
    {
        if (context.Options.Resizing.Count == 0) return graph;
        GraphBuilder builder = new();
        builder.Symbols.Reserve(graph.Symbols);
        List<IndexVar> symbols = [.. graph.Symbols];
        Dictionary<Node, Input> inputs = [];
        Dictionary<Node, ResizeImage> resized = [];
        Dictionary<Node, List<(Node User, int Input)>> users = graph.Users();
        foreach ((string key, Resizing way) in context.Options.Resizing.OrderBy(r => r.Key, StringComparer.Ordinal))
        {
            GraphPort port = Named(graph, key);
            TensorType type = port.Value.Type;
            int rows = RowAxis(port.Name, type);
            if (resized.ContainsKey(port.Value.Node)) throw Bad($"input '{port.Name}' is given twice");
            // Arithmetic goes on with what is interpolated; other readers want what they would have been given.
            bool rounds = !type.Element.IsFloat() && !users[port.Value.Node].TrueForAll(u => u.User.Op is Cast { To: var to } && to.IsFloat());
            if (rounds && !Fits(type.Element, way.Fill)) throw Bad($"the elements of input '{port.Name}' are {type.Element.Name()}, which {way.Fill} is not");
            string stem = graph.Inputs.Length == 1 ? "" : port.Name + "_";
            IndexVar height = builder.Symbols.Fresh(stem + "height", 1, MaxSide), width = builder.Symbols.Fresh(stem + "width", 1, MaxSide);
            symbols.AddRange([height, width]);
            inputs[port.Value.Node] = new Input(port.Name, new TensorType(type.Element, [.. type.Dims.Take(rows), height, width, .. type.Dims.Skip(rows + 2)]));
            resized[port.Value.Node] = new ResizeImage(type.Dims[rows].Value, type.Dims[rows + 1].Value, rows, way.Mode, way.AlignCorners, way.Fill, rounds);
        }

        Dictionary<Value, Value> copied = Rebuild.Copy(graph, builder, node => inputs.TryGetValue(node, out Input? input) ? builder.Add(resized[node], builder.Add(input)) : null);
        return builder.Build(
            graph.Name,
            graph.Inputs.Select(p => p with { Value = inputs.TryGetValue(p.Value.Node, out Input? input) ? builder.Add(input) : copied[p.Value] }),
            graph.Outputs.Select(p => p with { Value = copied[p.Value] }),
            symbols);
    }

    private static GraphPort Named(Graph.Graph graph, string key)
    {
        string name = key.Length == 0 && graph.Inputs.Length == 1 ? graph.Inputs[0].Name : key, all = string.Join(", ", graph.Inputs.Select(i => $"'{i.Name}'"));
        return graph.Inputs.FirstOrDefault(i => i.Name == name)
            ?? throw Bad(key.Length == 0 ? $"the model has several inputs: name one of {all}" : $"the model has no input '{key}' (it has {all})");
    }

    /// <summary>The axis of the rows: in front of the columns, and the channels in front of both or behind them.</summary>
    private static int RowAxis(string name, TensorType type)
    {
        if (type.Rank != 4) throw Bad($"input '{name}' is {type}, not an image of 4 dims");
        if (!type.Element.IsFloat() && !type.Element.IsInteger()) throw Bad($"the elements of input '{name}' are {type.Element.Name()}, not numbers");
        int rows = IsChannels(1) ? 2 : IsChannels(3) ? 1 : throw Bad($"input '{name}' is {type}, which has no axis of 1, 3 or 4 channels");
        if (!type.Dims[rows].IsConstant || !type.Dims[rows + 1].IsConstant) throw Bad($"input '{name}' is {type}: give the size that images are resized to by --shape");
        return type.Dims[rows].Value > 0 && type.Dims[rows + 1].Value > 0 ? rows : throw Bad($"input '{name}' is {type}, which has no pixels");

        bool IsChannels(int axis) => type.Dims[axis] is { IsConstant: true, Value: 1 or 3 or 4 };
    }

    private static bool Fits(ElementType element, float value)
    {
        TensorData data = TensorData.Zeros(element, []);
        if (value != Math.Floor(value) || Math.Abs(value) > 1 << 24) return false;
        data.SetInt64(0, (long)value);
        return data.GetInt64(0) == (long)value;
    }

    private static DiagnosticException Bad(string reason) => new(new Diagnostic(DiagnosticTable.BadOption, null, Option, reason));
}
