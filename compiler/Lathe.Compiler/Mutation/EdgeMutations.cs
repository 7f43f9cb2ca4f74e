using Google.Protobuf;
using Lathe.Compiler.Onnx;
using Lathe.Runtime;

namespace Lathe.Compiler.Mutation;

/// <summary>Mutations of what is connected to what. Null where the model has no place for one.</summary>
internal static class EdgeMutations
{
    private static readonly string[] Unary = ["Relu", "Neg", "Identity", "Transpose", "Shape", "Softmax", "Abs", "Sqrt", "Floor", "Not", "ReduceSum", "Size", "Flatten", "NonZero"];
    private static readonly string[] Binary = ["Add", "Mul", "Div", "Mod", "Concat", "MatMul", "Gather", "Reshape", "Expand", "Tile", "Equal", "Pow", "Squeeze", "Where"];

    /// <summary>Makes a node read another value: an earlier one, a later one, or its own.</summary>
    public static string? Rewire(ModelSite site)
    {
        if (PickNode(site) is not var (graph, node) || node.Input.Count == 0 || site.PickValue(graph) is not { } value) return null;
        int at = site.Random.Next(node.Input.Count);
        node.Input[at] = value;
        return $"{node.OpType} reads another value as input {at}";
    }

    /// <summary>Makes an inner value an output of the model.</summary>
    public static string? ShowInner(ModelSite site)
    {
        if (site.PickValue(site.Model.Graph) is not { } value) return null;
        site.Model.Graph.Output.Add(new ValueInfoProto { Name = value });
        return "an inner value is an output";
    }

    /// <summary>Makes an input a constant, which is computed with at compile time.</summary>
    public static string? InputToInitializer(ModelSite site)
    {
        if (site.Pick([.. site.Model.Graph.Input]) is not { Type.TensorType: { } type } input) return null;
        if (!Enum.IsDefined((ElementType)type.ElemType) || type.ElemType is 0 or (int)ElementType.String) return null;
        long[] dims = [.. type.Shape?.Dim.Select(d => d.DimValue is > 0 and <= 1 << 16 ? d.DimValue : 1) ?? []];
        long count = 1;
        foreach (long dim in dims)
            if ((count *= dim) > 1 << 20) return null;
        byte[] bytes = new byte[count * ((ElementType)type.ElemType).Size()];
        PseudoRandomFill.Fill(bytes, (ElementType)type.ElemType, input.Name);
        site.Model.Graph.Initializer.Add(new TensorProto { Name = input.Name, DataType = type.ElemType, Dims = { dims }, RawData = ByteString.CopyFrom(bytes) });
        return "an input is a constant";
    }

    /// <summary>Makes a constant an input, which what depends on it at compile time has to do without.</summary>
    public static string? InitializerToInput(ModelSite site)
    {
        GraphProto graph = site.Model.Graph;
        if (site.Pick([.. graph.Initializer]) is not { } tensor) return null;
        graph.Initializer.Remove(tensor);
        if (graph.Input.Any(input => input.Name == tensor.Name)) return "an initialiser is removed";
        TypeProto.Types.Tensor type = new() { ElemType = tensor.DataType, Shape = new TensorShapeProto() };
        foreach (long dim in tensor.Dims) type.Shape.Dim.Add(new TensorShapeProto.Types.Dimension { DimValue = dim });
        graph.Input.Add(new ValueInfoProto { Name = tensor.Name, Type = new TypeProto { TensorType = type } });
        return "an initialiser is an input";
    }

    /// <summary>Puts a node between a value and one of those that read it.</summary>
    public static string? AddNode(ModelSite site)
    {
        if (PickNode(site) is not var (graph, reader) || reader.Input.Count == 0 || site.PickValue(graph) is not { } other) return null;
        int at = site.Random.Next(reader.Input.Count);
        bool binary = site.Random.Next(2) == 0;
        NodeProto node = new() { OpType = site.Pick(binary ? Binary : Unary), Input = { reader.Input[at] }, Output = { site.FreshName() } };
        if (binary) node.Input.Insert(site.Random.Next(2), other);
        if (node.OpType == "Concat") node.Attribute.Add(new AttributeProto { Name = "axis", I = Absurd.Integer(site.Random), Type = AttributeProto.Types.AttributeType.Int });
        reader.Input[at] = node.Output[0];
        graph.Node.Insert(graph.Node.IndexOf(reader), node);
        return $"{node.OpType} before {reader.OpType}";
    }

    /// <summary>Takes a node away; what read its outputs reads one of its inputs.</summary>
    public static string? RemoveNode(ModelSite site)
    {
        if (PickNode(site) is not var (graph, node) || node.Input.Count == 0) return null;
        graph.Node.Remove(node);
        string input = site.Pick([.. node.Input])!;
        foreach (NodeProto reader in graph.Node)
        {
            for (int i = 0; i < reader.Input.Count; i++)
                if (node.Output.Contains(reader.Input[i])) reader.Input[i] = input;
        }

        foreach (ValueInfoProto output in graph.Output)
            if (node.Output.Contains(output.Name)) output.Name = input;
        return $"{node.OpType} removed";
    }

    /// <summary>Brings a node of the donor in, reading values of this model, with the donor's initialisers that it reads.</summary>
    public static string? SpliceNode(ModelSite site)
    {
        if (site.Pick([.. site.Donor.Graph.Node]) is not { } original || PickNode(site) is not var (graph, reader)) return null;
        NodeProto node = ModelSite.Clone(original);
        for (int i = 0; i < node.Input.Count; i++)
        {
            if (node.Input[i].Length == 0) continue;
            if (site.Donor.Graph.Initializer.FirstOrDefault(t => t.Name == node.Input[i]) is { } tensor && graph.Initializer.All(t => t.Name != tensor.Name))
                graph.Initializer.Add(ModelSite.Clone(tensor));
            else node.Input[i] = site.PickValue(graph) ?? "";
        }

        for (int i = 0; i < node.Output.Count; i++)
            if (node.Output[i].Length > 0) node.Output[i] = site.FreshName();
        graph.Node.Insert(graph.Node.IndexOf(reader), node);
        if (reader.Input.Count > 0 && node.Output.FirstOrDefault() is { Length: > 0 } output) reader.Input[site.Random.Next(reader.Input.Count)] = output;
        return $"{node.OpType} of the donor before {reader.OpType}";
    }

    /// <summary>A node and the graph that it is in; null if there is none.</summary>
    public static (GraphProto Graph, NodeProto Node)? PickNode(ModelSite site) =>
        site.PickMessage<GraphProto>(site.Model) is { } graph && site.Pick([.. graph.Node]) is { } node ? (graph, node) : null;
}
