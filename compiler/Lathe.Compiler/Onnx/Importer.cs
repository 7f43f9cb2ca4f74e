using System.Collections.Immutable;
using System.Reflection;
using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Onnx;

/// <summary>
/// Turns a model into a <see cref="Graph.Graph"/>: initialisers become constants, functions are inlined, bodies are handed to their operators, and
/// every node to its row of <see cref="OperatorTable"/>. Names stay the model's.
/// </summary>
internal sealed class Importer(ModelProto model, string directory, CompileOptions options)
{
    /// <summary>How many nodes the functions of a model may bring: they can double at each level.</summary>
    private const int MaxInlined = 50_000;

    /// <summary>How deep functions may call each other.</summary>
    private const int MaxCalls = 64;

    private readonly TensorReader _tensors = new(directory);
    private readonly FunctionTable _functions = new(model.Functions);
    private int _inlined;

    /// <summary>Where a node stands: the versions it is written for, and the functions around it with what their caller gave.</summary>
    private sealed record Frame(OpsetTable Opsets, string Prefix, IReadOnlyDictionary<string, object>? Bound, ImmutableStack<FunctionProto> Calls);

    /// <summary>The name of a node for messages and counters.</summary>
    public static string NameOf(NodeProto node) =>
        node.Name.Length > 0 ? node.Name : $"{node.OpType}_{node.Output.FirstOrDefault(o => o.Length > 0) ?? ""}";

    /// <summary>True for the nodes that only state a tensor.</summary>
    public static bool IsConstant(NodeProto node) => node.OpType == "Constant" && OpsetTable.Normal(node.Domain).Length == 0;

    /// <summary>The operator of a node, or null if Lathe has none.</summary>
    public static OperatorRow? RowOf(NodeProto node) => OperatorTable.ByOnnxName.GetValueOrDefault((OpsetTable.Normal(node.Domain), node.OpType));

    /// <summary>Imports the model.</summary>
    /// <exception cref="DiagnosticException">It is malformed, or the options do not fit it.</exception>
    /// <returns>The graph with warnings, or why there is none.</returns>
    public (Graph.Graph? Graph, IReadOnlyList<Diagnostic> Diagnostics) Import()
    {
        GraphProto proto = model.Graph;
        OpsetTable opsets = new(model.OpsetImport);
        IReadOnlyList<Diagnostic> unsupported = OperatorSurvey.Unsupported(proto, _functions);
        if (unsupported.Count > 0) return (null, unsupported);

        GraphBuilder builder = new();
        ImportScope scope = new(null, builder, _tensors);
        scope.DefineInitialisers(proto);

        // An initialiser that is an input too is that input's default; a compiled model has it as a constant.
        List<ValueInfoProto> open = [.. proto.Input.Where(i => !scope.Defines(i.Name))];
        InputTypes types = new(open, ShapesAsked(), builder.Symbols);
        List<GraphPort> inputs = [], outputs = [];
        foreach (ValueInfoProto input in open)
        {
            if (input.Name.Length == 0) throw Malformed(null, "an input has no name");
            builder.CurrentName = input.Name;
            TensorType type = types.Of(input);
            if (options.InputValues.TryGetValue(input.Name, out TensorData? given))
            {
                if (given.Element != type.Element) throw BadValue($"input '{input.Name}' is {type}, not {TensorType.Of(given.Element, given.Dims)}");
                scope.Define(input.Name, builder.Constant(given));
                continue;
            }

            Value value = builder.Add(new Input(input.Name, type));
            scope.Define(input.Name, value);
            inputs.Add(new GraphPort(input.Name, value));
        }

        foreach (string name in options.InputValues.Keys.Order(StringComparer.Ordinal))
            if (open.All(i => i.Name != name)) throw BadValue($"the model has no input '{name}'");

        ImportNodes(proto.Node, scope, new Frame(opsets, "", null, []));
        HashSet<string> names = new(StringComparer.Ordinal);
        foreach (ValueInfoProto output in proto.Output)
        {
            if (!names.Add(output.Name)) throw Malformed(null, $"there are two outputs '{output.Name}'");
            outputs.Add(new GraphPort(output.Name, scope.Find(output.Name) ?? throw Malformed(null, $"nothing makes the output '{output.Name}'")));
        }

        if (outputs.Count == 0) throw Malformed(null, "it has no outputs");
        IEnumerable<IndexVar> symbols = inputs.SelectMany(i => i.Value.Type.Dims).SelectMany(d => d.Variables).Distinct();
        Graph.Graph graph = builder.Build(proto.Name, inputs, outputs, symbols.Concat(builder.Symbols.Computed));
        return (graph with { Tensors = scope.Values.ToImmutableDictionary() }, builder.Warnings);
    }

    /// <summary>The user's shapes; the value of an input states its shape too.</summary>
    private Dictionary<string, string> ShapesAsked()
    {
        Dictionary<string, string> shapes = new(options.Shapes);
        foreach ((string name, TensorData value) in options.InputValues)
        {
            string shape = string.Join(",", value.Dims);
            if (!shapes.TryAdd(name, shape) && shapes[name] != shape) throw BadValue($"input '{name}' is given another shape too");
        }

        return shapes;
    }

    private void ImportNodes(IReadOnlyList<NodeProto> nodes, ImportScope scope, Frame frame)
    {
        foreach (NodeProto node in NodeOrder.Of(nodes)) ImportNode(node, scope, frame);
    }

    private void ImportNode(NodeProto node, ImportScope scope, Frame frame)
    {
        string name = frame.Prefix + NameOf(node);
        if (!frame.Calls.IsEmpty && ++_inlined > MaxInlined) throw Malformed(name, $"its functions come to more than {MaxInlined} nodes");
        List<Value> inputs = [.. node.Input.Select(i => i.Length == 0 ? Value.None : scope.Find(i) ?? throw Malformed(name, $"nothing makes its input '{i}'"))];
        while (inputs.Count > 0 && inputs[^1].IsNone) inputs.RemoveAt(inputs.Count - 1);

        string? around = scope.Builder.CurrentName;
        scope.Builder.CurrentName = name;
        try
        {
            Dictionary<string, object> attributes = AttributeValues.Read(node, name, frame.Bound, _tensors, body => Body(body, scope, frame));
            IReadOnlyList<Value> outputs = IsConstant(node) ? [scope.Builder.Constant(ConstantOf(node, name, attributes))]
                : RowOf(node) is { } row ? ImportOperator(row, node, name, inputs, attributes, scope, frame)
                : _functions.Find(node) is { } function ? Inline(function, node, name, inputs, attributes, scope, frame)
                : throw new DiagnosticException(new Diagnostic(DiagnosticTable.UnsupportedOperator, name, node.OpType, ""));
            for (int i = 0; i < node.Output.Count; i++)
            {
                if (node.Output[i].Length == 0) continue;
                if (i >= outputs.Count || outputs[i].IsNone) throw Malformed(name, $"{node.OpType} has no output {i}");
                scope.Define(node.Output[i], outputs[i]);
            }
        }
        catch (DiagnosticException failed) when (failed.Diagnostic.Node is null)
        {
            throw new DiagnosticException(failed.Diagnostic with { Node = name });
        }
        finally
        {
            scope.Builder.CurrentName = around;
        }
    }

    private static IReadOnlyList<Value> ImportOperator(
        OperatorRow row, NodeProto node, string name, List<Value> inputs, Dictionary<string, object> attributes, ImportScope scope, Frame frame)
    {
        string domain = OpsetTable.Normal(node.Domain);
        int version = frame.Opsets.Version(domain) ?? (domain.Length > 0 ? 1 : throw Malformed(name, "the model imports no version of the standard operators"));
        OpSchema schema = row.Schema;
        if (inputs.Count < schema.MinInputs || inputs.Count > schema.MaxInputs) throw Malformed(name, $"{node.OpType} does not take {inputs.Count} inputs");
        for (int i = 0; i < schema.MinInputs; i++)
            if (inputs[i].IsNone) throw Malformed(name, $"{node.OpType} needs its input {i}");
        if (node.Output.Count > schema.Outputs) throw Malformed(name, $"{node.OpType} does not have {node.Output.Count} outputs");
        if (version < 7 && domain.Length == 0) inputs = LegacyBroadcast.Align(inputs, attributes, scope.Builder);
        try
        {
            return row.Import(new OnnxNode(name, node.OpType, version, inputs, node.Output.Count, attributes), scope.Builder);
        }
        catch (TargetInvocationException invoked) when (invoked.InnerException is DiagnosticException inner)
        {
            throw inner;
        }
        catch (Exception failed) when (failed is ArithmeticException or ArgumentException or InvalidOperationException or IndexOutOfRangeException
            or InvalidCastException or FormatException or KeyNotFoundException or TargetInvocationException)
        {
            // Operators check what they read; what slips through is still the model's fault, not a reason to end in a stack trace.
            string reason = (failed as TargetInvocationException)?.InnerException?.Message ?? failed.Message;
            throw new DiagnosticException(new Diagnostic(DiagnosticTable.BadInputs, name, node.OpType, $"its attributes do not fit its inputs ({reason})"));
        }
    }

    private List<Value> Inline(
        FunctionProto function, NodeProto call, string name, List<Value> inputs, Dictionary<string, object> attributes, ImportScope scope, Frame frame)
    {
        if (frame.Calls.Contains(function)) throw Malformed(name, $"the function '{function.Name}' calls itself");
        if (frame.Calls.Count() == MaxCalls) throw Malformed(name, $"functions call each other more than {MaxCalls} deep");
        if (inputs.Count > function.Input.Count) throw Malformed(name, $"the function '{function.Name}' does not take {inputs.Count} inputs");

        Dictionary<string, object> bound = new(StringComparer.Ordinal);
        foreach (AttributeProto given in function.AttributeProto)
            if (AttributeValues.Value(given, _tensors, body => Body(body, scope, frame)) is { } otherwise) bound[given.Name] = otherwise;
        foreach ((string attribute, object value) in attributes) bound[attribute] = value;

        // A function sees nothing of the graph around its call.
        ImportScope inside = new(null, scope.Builder, _tensors);
        for (int i = 0; i < function.Input.Count; i++) inside.Define(function.Input[i], i < inputs.Count ? inputs[i] : Value.None);
        ImportNodes(function.Node, inside, new Frame(new OpsetTable(function.OpsetImport), $"{name}/", bound, frame.Calls.Push(function)));
        return [.. function.Output.Select(o => inside.Find(o) ?? throw Malformed(name, $"nothing in the function '{function.Name}' makes its output '{o}'"))];
    }

    private OnnxGraph Body(GraphProto body, ImportScope around, Frame frame) => new((builder, inputs) =>
    {
        ImportScope scope = new(around, builder, _tensors);
        scope.DefineInitialisers(body);
        List<ValueInfoProto> open = [.. body.Input.Where(i => !scope.Defines(i.Name))];
        if (inputs.Count != open.Count) throw Malformed(null, $"the body '{body.Name}' takes {open.Count} inputs, not {inputs.Count}");
        for (int i = 0; i < open.Count; i++) scope.Define(open[i].Name, inputs[i]);
        ImportNodes(body.Node, scope, frame);
        return [.. body.Output.Select(o => scope.Find(o.Name) ?? throw Malformed(null, $"nothing in the body '{body.Name}' makes its output '{o.Name}'"))];
    });

    private static TensorData ConstantOf(NodeProto node, string name, Dictionary<string, object> attributes)
    {
        if (attributes.Count != 1) throw Malformed(name, $"a Constant has one attribute, not {attributes.Count}");
        (string attribute, object value) = attributes.Single();
        return (attribute, value) switch
        {
            ("value" or "sparse_value", TensorData data) => data,
            ("value_float", float number) => TensorData.OfFloats([number]),
            ("value_floats", float[] numbers) => TensorData.OfFloats(numbers, numbers.Length),
            ("value_int", long number) => TensorData.Of(ElementType.Int64, (ReadOnlySpan<long>)[number]),
            ("value_ints", long[] numbers) => TensorData.OfInt64s(numbers),
            ("value_string", string text) => TensorData.OfStrings([text]),
            ("value_strings", string[] texts) => TensorData.OfStrings(texts, texts.Length),
            _ => throw new DiagnosticException(new Diagnostic(DiagnosticTable.BadAttribute, name, attribute, node.OpType, "it is none that states a tensor")),
        };
    }

    private static DiagnosticException BadValue(string reason) => new(new Diagnostic(DiagnosticTable.BadOption, null, "--value", reason));

    private static DiagnosticException Malformed(string? node, string reason) => new(new Diagnostic(DiagnosticTable.MalformedModel, node, reason));
}
