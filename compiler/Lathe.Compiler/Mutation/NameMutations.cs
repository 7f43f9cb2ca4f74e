using System.Collections;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Lathe.Compiler.Onnx;

namespace Lathe.Compiler.Mutation;

/// <summary>Mutations that leave a model valid and give its parts absurd names, for all that writes names. Null where the model has no place for one.</summary>
internal static class NameMutations
{
    /// <summary>Gives a value, a node or the graph another name wherever it is named.</summary>
    public static string? Rename(ModelSite site)
    {
        GraphProto graph = site.Model.Graph;
        string? before = site.Random.Next(3) switch
        {
            0 => site.Pick([.. graph.Input.Concat(graph.Output).Select(value => value.Name)]),
            1 => site.Pick([.. graph.Node.Select(node => node.Name)]),
            _ => site.PickValue(graph),
        };
        if (string.IsNullOrEmpty(before)) return null;
        string after = Absurd.Text(site.Random);
        foreach (IMessage message in ModelSite.Descendants(site.Model))
        {
            foreach (FieldDescriptor field in message.Descriptor.Fields.InFieldNumberOrder())
            {
                if (field.FieldType != FieldType.String || field.Name is "op_type" or "domain") continue;
                if (!field.IsRepeated)
                {
                    if ((string)field.Accessor.GetValue(message) == before) field.Accessor.SetValue(message, after);
                    continue;
                }

                IList list = (IList)field.Accessor.GetValue(message);
                for (int i = 0; i < list.Count; i++)
                    if ((string)list[i]! == before) list[i] = after;
            }
        }

        return "a name everywhere";
    }

    /// <summary>Gives dims of inputs a name in place of their number, the same for all or one for each.</summary>
    public static string? NameDim(ModelSite site)
    {
        TensorShapeProto.Types.Dimension[] dims = [.. site.Model.Graph.Input.SelectMany(input => input.Type?.TensorType?.Shape?.Dim ?? [])];
        if (dims.Length == 0) return null;
        string name = Absurd.Text(site.Random);
        int at = site.Random.Next(dims.Length);
        bool alike = site.Random.Next(2) == 0;
        long size = dims[at].DimValue;
        for (int i = 0; i < dims.Length; i++)
            if (i == at || (alike && dims[i].DimValue == size)) dims[i].DimParam = name;
        return "a dim's name";
    }
}
