using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Tests.Operators;

/// <summary>An operator on given inputs, through every way in which a test can ask for its outputs.</summary>
internal static class OperatorCase
{
    /// <summary>The operator by its meaning.</summary>
    public static TensorData Evaluate(Op op, params TensorData?[] inputs)
    {
        GraphBuilder builder = new();
        return op.Evaluate(inputs, builder.AddNode(op, [.. inputs.Select(i => Constant(builder, i))]).OutputTypes)[0];
    }

    /// <summary>A float tensor of rank 1.</summary>
    public static TensorData Floats(params float[] values) => TensorData.OfFloats(values, values.Length);

    /// <summary>The elements of an operator's only output as floats.</summary>
    public static float[] Floats(Op op, params TensorData?[] inputs) => Evaluate(op, inputs).Span<float>().ToArray();

    /// <summary>Imports an ONNX node over constants and gives its outputs by their meaning.</summary>
    public static TensorData[] Import(string type, int opset, TensorData?[] inputs, params (string Name, object Value)[] attributes) =>
        Import(type, opset, 1, inputs, attributes);

    /// <summary>Imports an ONNX node over constants and gives its outputs by their meaning.</summary>
    public static TensorData[] Import(string type, int opset, int outputs, TensorData?[] inputs, params (string Name, object Value)[] attributes)
    {
        GraphBuilder builder = new();
        IReadOnlyList<Value> results = ImportNode(builder, type, opset, outputs, [.. inputs.Select(i => Constant(builder, i))], attributes);
        Compiler.Graph.Graph graph = builder.Build("g", [], results.Take(outputs).Select((v, i) => new GraphPort($"y{i}", v)), []);
        return [.. GraphEvaluator.Run(graph, [])];
    }

    /// <summary>Imports an ONNX node of another domain over constants and gives its output by its meaning.</summary>
    public static TensorData[] Import(string type, int opset, string domain, TensorData?[] inputs, params (string Name, object Value)[] attributes)
    {
        GraphBuilder builder = new();
        OnnxNode node = new("node", type, opset, [.. inputs.Select(i => Constant(builder, i))], 1, attributes.ToDictionary(a => a.Name, a => a.Value));
        Value y = OperatorTable.ByOnnxName[(domain, type)].Import(node, builder)[0];
        return [.. GraphEvaluator.Run(builder.Build("g", [], [new GraphPort("y", y)], []), [])];
    }

    /// <summary>Imports an ONNX node over values.</summary>
    public static IReadOnlyList<Value> ImportNode(
        GraphBuilder builder, string type, int opset, int outputs, Value[] inputs, params (string Name, object Value)[] attributes)
    {
        OperatorRow row = OperatorTable.ByOnnxName[("", type)];
        return row.Import(new OnnxNode("node", type, opset, inputs, outputs, attributes.ToDictionary(a => a.Name, a => a.Value)), builder);
    }

    /// <summary>The message with which inference refuses an operator.</summary>
    public static string Refusal(Op op, params TensorType?[] inputs)
    {
        GraphBuilder builder = new();
        Value[] values = [.. inputs.Select((t, i) => t is null ? Value.None : builder.Add(new Input($"x{i}", t)))];
        return Assert.Throws<DiagnosticException>(() => builder.Add(op, values))!.Diagnostic.Message;
    }

    /// <summary>The type that inference gives an operator of one output.</summary>
    public static TensorType Infer(Op op, params TensorType[] inputs)
    {
        GraphBuilder builder = new();
        return builder.Add(op, [.. inputs.Select((t, i) => builder.Add(new Input($"x{i}", t)))]).Type;
    }

    /// <summary>A float32 type, in which a dim that is no number is a symbol of 1 to 1000.</summary>
    public static TensorType Float32(params string[] dims) => Typed(ElementType.Float32, dims);

    /// <summary>A type, in which a dim that is no number is a symbol of 1 to 1000.</summary>
    public static TensorType Typed(ElementType element, params string[] dims) =>
        new(element, [.. dims.Select(d => long.TryParse(d, out long number) ? (IndexExpr)number : new IndexVar(d, 1, 1000))]);

    private static Value Constant(GraphBuilder builder, TensorData? data) => data is null ? Value.None : builder.Constant(data);
}
