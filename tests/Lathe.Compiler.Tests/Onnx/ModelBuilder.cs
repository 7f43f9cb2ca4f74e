using Google.Protobuf;
using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Graph;
using Lathe.Compiler.Onnx;
using Lathe.Runtime;
using Kind = Lathe.Compiler.Onnx.AttributeProto.Types.AttributeType;

namespace Lathe.Compiler.Tests.Onnx;

/// <summary>Makes ONNX models in memory.</summary>
internal sealed class ModelBuilder
{
    public ModelBuilder(int opset = 17)
    {
        Model = new ModelProto { IrVersion = 8, Graph = new GraphProto { Name = "test" } };
        if (opset > 0) Model.OpsetImport.Add(new OperatorSetIdProto { Version = opset });
    }

    /// <summary>The model.</summary>
    public ModelProto Model { get; }

    /// <summary>A float32 input; dims are numbers, names, or null for unknown ones.</summary>
    public ModelBuilder Input(string name, params object?[] dims) => Input(name, ElementType.Float32, dims);

    /// <summary>An input; dims are numbers, names, or null for unknown ones.</summary>
    public ModelBuilder Input(string name, ElementType element, params object?[] dims)
    {
        Model.Graph.Input.Add(Port(name, element, dims));
        return this;
    }

    /// <summary>Outputs.</summary>
    public ModelBuilder Output(params string[] names)
    {
        foreach (string name in names) Model.Graph.Output.Add(new ValueInfoProto { Name = name });
        return this;
    }

    /// <summary>A node of the graph.</summary>
    public ModelBuilder Node(string op, string[] inputs, string[] outputs, params (string Name, object Value)[] attributes)
    {
        Model.Graph.Node.Add(MakeNode(op, inputs, outputs, attributes));
        return this;
    }

    /// <summary>An initialiser.</summary>
    public ModelBuilder Initialiser(TensorProto tensor)
    {
        Model.Graph.Initializer.Add(tensor);
        return this;
    }

    /// <summary>Writes the model into a directory, then reads it.</summary>
    public (Compiler.Graph.Graph? Graph, IReadOnlyList<Diagnostic> Diagnostics) Read(CompileOptions? options = null)
    {
        using TemporaryDirectory directory = new();
        return OnnxFrontEnd.Read(directory.Write("model.onnx", Model.ToByteArray()), options ?? new CompileOptions());
    }

    /// <summary>The graph of a model that is right.</summary>
    public Compiler.Graph.Graph Graph(CompileOptions? options = null)
    {
        (Compiler.Graph.Graph? graph, IReadOnlyList<Diagnostic> diagnostics) = Read(options);
        Assert.That(graph, Is.Not.Null, string.Join("\n", diagnostics.Select(d => d.ToMSBuild("model.onnx"))));
        GraphVerifier.Verify(graph!, "import");
        return graph!;
    }

    /// <summary>Asserts that the model is refused with one diagnostic.</summary>
    public Diagnostic Refused(string id, string message = "", CompileOptions? options = null)
    {
        (Compiler.Graph.Graph? graph, IReadOnlyList<Diagnostic> diagnostics) = Read(options);
        Assert.That(graph, Is.Null);
        Assert.That(diagnostics, Has.Count.EqualTo(1), string.Join("\n", diagnostics.Select(d => d.Message)));
        Assert.That(diagnostics[0].Descriptor.Id, Is.EqualTo(id), diagnostics[0].Message);
        Assert.That(diagnostics[0].Message, Does.Contain(message));
        return diagnostics[0];
    }

    /// <summary>A node.</summary>
    public static NodeProto MakeNode(string op, string[] inputs, string[] outputs, params (string Name, object Value)[] attributes)
    {
        NodeProto node = new() { OpType = op };
        node.Input.AddRange(inputs);
        node.Output.AddRange(outputs);
        node.Attribute.AddRange(attributes.Select(a => Attribute(a.Name, a.Value)));
        return node;
    }

    /// <summary>An attribute.</summary>
    public static AttributeProto Attribute(string name, object value)
    {
        AttributeProto attribute = new() { Name = name };
        switch (value)
        {
            case float number: (attribute.F, attribute.Type) = (number, Kind.Float); break;
            case long number: (attribute.I, attribute.Type) = (number, Kind.Int); break;
            case string text: (attribute.S, attribute.Type) = (ByteString.CopyFromUtf8(text), Kind.String); break;
            case TensorProto tensor: (attribute.T, attribute.Type) = (tensor, Kind.Tensor); break;
            case GraphProto graph: (attribute.G, attribute.Type) = (graph, Kind.Graph); break;
            case SparseTensorProto sparse: (attribute.SparseTensor, attribute.Type) = (sparse, Kind.SparseTensor); break;
            case float[] numbers:
                attribute.Floats.AddRange(numbers);
                attribute.Type = Kind.Floats;
                break;
            case long[] numbers:
                attribute.Ints.AddRange(numbers);
                attribute.Type = Kind.Ints;
                break;
            case string[] texts:
                attribute.Strings.AddRange(texts.Select(ByteString.CopyFromUtf8));
                attribute.Type = Kind.Strings;
                break;
            default: throw new ArgumentException(value.GetType().Name);
        }

        return attribute;
    }

    /// <summary>An attribute that takes its value from the function around it.</summary>
    public static AttributeProto Reference(string name, string of, Kind type) => new() { Name = name, RefAttrName = of, Type = type };

    /// <summary>A float32 tensor.</summary>
    public static TensorProto Floats(string name, long[] dims, params float[] values)
    {
        TensorProto tensor = new() { Name = name, DataType = (int)ElementType.Float32 };
        tensor.Dims.AddRange(dims);
        tensor.FloatData.AddRange(values);
        return tensor;
    }

    /// <summary>An int64 vector.</summary>
    public static TensorProto Int64s(string name, params long[] values)
    {
        TensorProto tensor = new() { Name = name, DataType = (int)ElementType.Int64 };
        tensor.Dims.Add(values.Length);
        tensor.Int64Data.AddRange(values);
        return tensor;
    }

    /// <summary>A named type.</summary>
    public static ValueInfoProto Port(string name, ElementType element, params object?[] dims)
    {
        TensorShapeProto shape = new();
        foreach (object? dim in dims)
        {
            shape.Dim.Add(dim switch
            {
                null => new TensorShapeProto.Types.Dimension(),
                string symbol => new TensorShapeProto.Types.Dimension { DimParam = symbol },
                _ => new TensorShapeProto.Types.Dimension { DimValue = Convert.ToInt64(dim, System.Globalization.CultureInfo.InvariantCulture) },
            });
        }

        return new ValueInfoProto { Name = name, Type = new TypeProto { TensorType = new TypeProto.Types.Tensor { ElemType = (int)element, Shape = shape } } };
    }
}
