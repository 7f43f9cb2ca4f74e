using Google.Protobuf;
using Lathe.Compiler.Onnx;
using Lathe.Compiler.Operators;
using Kind = Lathe.Compiler.Onnx.AttributeProto.Types.AttributeType;

namespace Lathe.Compiler.Mutation;

/// <summary>Mutations of what nodes say of themselves. Null where the model has no place for one.</summary>
internal static class NodeMutations
{
    private static readonly string[] Operators = [.. OperatorTable.ByOnnxName.Keys.Where(key => key.Domain.Length == 0).Select(key => key.Name).Order(StringComparer.Ordinal)];

    /// <summary>Attributes of many operators: what an operator does not read changes nothing.</summary>
    private static readonly string[] Common =
    [
        "axis", "axes", "perm", "pads", "strides", "dilations", "group", "kernel_shape", "to", "mode", "auto_pad", "keepdims", "output_shape", "output_padding", "ceil_mode",
        "storage_order", "count_include_pad", "epsilon", "alpha", "beta", "transA", "transB", "blocksize", "num_outputs", "split", "value", "shape", "direction", "hidden_size",
        "batch_dims", "size", "k", "largest", "exclusive", "reverse", "allowzero", "start", "end", "noop_with_empty_axes", "select_last_index", "equation", "p", "bias", "scales",
    ];

    /// <summary>Makes a node one of another operator.</summary>
    public static string? ChangeOperator(ModelSite site)
    {
        if (EdgeMutations.PickNode(site) is not var (_, node)) return null;
        string before = node.OpType;
        node.OpType = site.Pick(Operators);
        return $"{before} becomes {node.OpType}";
    }

    /// <summary>Gives an attribute a value of any kind, one that the node has or another.</summary>
    public static string? SetAttribute(ModelSite site)
    {
        if (EdgeMutations.PickNode(site) is not var (_, node)) return null;
        AttributeProto? known = site.Random.Next(3) > 0 ? site.Pick([.. node.Attribute]) : null;
        Kind kind = known is null || site.Random.Next(4) == 0 ? (Kind)site.Random.Next(1, 12) : known.Type;
        AttributeProto attribute = new() { Name = known?.Name ?? site.Pick(Common), Type = kind };
        int length = site.Random.Next(10) == 0 ? site.Random.Next(100) : site.Random.Next(7);
        switch (kind)
        {
            case Kind.Float: attribute.F = (float)Absurd.Real(site.Random); break;
            case Kind.Int: attribute.I = Absurd.Integer(site.Random, known?.I ?? 0); break;
            case Kind.String: attribute.S = Absurd.Bytes(site.Random, known?.S ?? ByteString.Empty); break;
            case Kind.Tensor: attribute.T = site.PickMessage<TensorProto>(site.Model) is { } tensor ? ModelSite.Clone(tensor) : new TensorProto(); break;
            case Kind.Graph: attribute.G = site.PickMessage<GraphProto>(site.Random.Next(2) == 0 ? site.Model : site.Donor) is { } graph ? ModelSite.Clone(graph) : null; break;
            case Kind.Floats: for (int i = 0; i < length; i++) attribute.Floats.Add((float)Absurd.Real(site.Random)); break;
            case Kind.Ints:
                if (known?.Ints.Count > 0 && site.Random.Next(2) == 0) length = known.Ints.Count;
                for (int i = 0; i < length; i++) attribute.Ints.Add(known?.Ints.Count > i && site.Random.Next(2) == 0 ? known.Ints[i] : Absurd.Integer(site.Random));
                break;
            case Kind.Strings: for (int i = 0; i < length; i++) attribute.Strings.Add(ByteString.CopyFromUtf8(Absurd.Text(site.Random))); break;
        }

        if (known is not null) node.Attribute.Remove(known);
        node.Attribute.Add(attribute);
        return $"{node.OpType}.{attribute.Name} is {attribute.Type}";
    }

    /// <summary>Says that the model is written for another version of the operators.</summary>
    public static string? SetOpset(ModelSite site)
    {
        if (site.PickMessage<OperatorSetIdProto>(site.Model) is not { } import) return null;
        import.Version = site.Random.Next(4) == 0 ? Absurd.Integer(site.Random) : site.Random.Next(1, OpsetTable.Newest + 2);
        return $"version {import.Version} of the operators";
    }
}
