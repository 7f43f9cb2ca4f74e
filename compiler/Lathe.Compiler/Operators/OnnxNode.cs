using Lathe.Compiler.Graph;

namespace Lathe.Compiler.Operators;

/// <summary>
/// An ONNX node as the importer hands it to an operator: values, attributes and the opset it was written for. Attribute values are long, float,
/// string, long[], float[], string[], <see cref="TensorData"/> or <see cref="OnnxGraph"/>.
/// </summary>
/// <param name="Name">The node's name, for messages.</param>
/// <param name="OpType">The ONNX operator.</param>
/// <param name="Opset">The version of its domain's operator set that the model imports.</param>
/// <param name="Inputs">The inputs.</param>
/// <param name="OutputCount">How many outputs the node names.</param>
/// <param name="Attributes">The attributes by name.</param>
public sealed record OnnxNode(
    string Name,
    string OpType,
    int Opset,
    IReadOnlyList<Value> Inputs,
    int OutputCount,
    IReadOnlyDictionary<string, object> Attributes);

/// <summary>A subgraph of a control-flow operator, imported once its operator asks for it.</summary>
/// <param name="Import">Imports the body with values for its formal inputs into a builder and gives its outputs.</param>
public sealed record OnnxGraph(Func<GraphBuilder, IReadOnlyList<Value>, IReadOnlyList<Value>> Import);
