using Google.Protobuf;
using Google.Protobuf.Collections;
using Lathe.Compiler.Onnx;
using Dimension = Lathe.Compiler.Onnx.TensorShapeProto.Types.Dimension;

namespace Lathe.Compiler.Mutation;

/// <summary>Mutations of tensors' types, shapes and contents. Null where the model has no place for one.</summary>
internal static class TensorMutations
{
    private static readonly string[] Places = ["weights.bin", "../weights.bin", "/etc/hostname", "a/../../b", "C:\\x", "\\\\host\\x", ".", "", "file:///etc/hostname", "/dev/zero", "model.onnx"];

    /// <summary>Sets a dim of an input or of a tensor.</summary>
    public static string? SetDim(ModelSite site)
    {
        long size = Absurd.Integer(site.Random);
        if (site.Random.Next(2) == 0)
        {
            if (site.PickMessage<Dimension>(site.Model) is not { } dim) return null;
            dim.DimValue = size;
            return $"a dim is {size}";
        }

        if (site.PickMessage<TensorProto>(site.Model) is not { Dims: { Count: > 0 } dims }) return null;
        dims[site.Random.Next(dims.Count)] = size;
        return $"a tensor's dim is {size}";
    }

    /// <summary>Gives an input another rank; a tensor's elements are kept.</summary>
    public static string? SetRank(ModelSite site)
    {
        if (site.Random.Next(2) == 0)
        {
            if (site.PickMessage<TensorShapeProto>(site.Model) is not { } shape) return null;
            int rank = site.Random.Next(4) == 0 ? site.Random.Next(80) : site.Random.Next(7);
            while (shape.Dim.Count > rank) shape.Dim.RemoveAt(site.Random.Next(shape.Dim.Count));
            while (shape.Dim.Count < rank) shape.Dim.Insert(site.Random.Next(shape.Dim.Count + 1), new Dimension { DimValue = site.Random.Next(1, 4) });
            return $"an input's rank is {rank}";
        }

        if (site.PickMessage<TensorProto>(site.Model) is not { } tensor) return null;
        int ones = site.Random.Next(4) == 0 ? site.Random.Next(70) : 1;
        for (int i = 0; i < ones; i++) tensor.Dims.Insert(site.Random.Next(tensor.Dims.Count + 1), 1);
        return $"a tensor has {ones} more dims";
    }

    /// <summary>Gives an input or a tensor another element type; a tensor may hold as many bytes as before.</summary>
    public static string? SetType(ModelSite site)
    {
        int type = site.Random.Next(8) == 0 ? (int)Absurd.Integer(site.Random) : site.Random.Next(28);
        if (site.Random.Next(2) == 0)
        {
            if (site.PickMessage<TypeProto.Types.Tensor>(site.Model) is not { } value) return null;
            value.ElemType = type;
            return $"an input's type is {type}";
        }

        if (site.PickMessage<TensorProto>(site.Model) is not { } tensor) return null;
        tensor.DataType = type;
        return $"a tensor's type is {type}";
    }

    /// <summary>Gives a tensor another size, with as many elements as that takes.</summary>
    public static string? Resize(ModelSite site)
    {
        if (site.PickMessage<TensorProto>(site.Model) is not { } tensor || Width(tensor) is not { } width) return null;
        int rank = site.Random.Next(3) == 0 ? site.Random.Next(5) : tensor.Dims.Count;
        while (tensor.Dims.Count > rank) tensor.Dims.RemoveAt(tensor.Dims.Count - 1);
        while (tensor.Dims.Count < rank) tensor.Dims.Add(1);
        if (rank > 0) tensor.Dims[site.Random.Next(rank)] = site.Random.Next(0, 9);
        long count = 1;
        foreach (long dim in tensor.Dims)
            if (dim < 0 || (count *= dim) > 1 << 20) return null;
        byte[] bytes = new byte[count * width];
        site.Random.NextBytes(bytes);
        SetRaw(tensor, bytes);
        return $"a tensor is [{string.Join(',', tensor.Dims)}]";
    }

    /// <summary>Fills a tensor with absurd numbers: axes, shapes, indices, scales, weights.</summary>
    public static string? SetValues(ModelSite site)
    {
        // Large ones are weights: what they hold changes results, not shapes.
        TensorProto[] small = [.. ModelSite.Descendants(site.Model).OfType<TensorProto>().Where(t => Width(t) is not null && t.Dims.Aggregate(1L, (a, b) => unchecked(a * b)) is > 0 and <= 4096)];
        if (site.Pick(small) is not { } tensor) return null;
        int width = Width(tensor)!.Value, count = (int)tensor.Dims.Aggregate(1L, (a, b) => a * b);
        byte[] bytes = tensor.RawData.Length == count * width ? tensor.RawData.ToByteArray() : new byte[count * width];
        int changed = site.Random.Next(2) == 0 ? 1 : count;
        for (int i = 0; i < changed; i++)
        {
            byte[] number = tensor.DataType switch
            {
                1 => BitConverter.GetBytes((float)Absurd.Real(site.Random)),
                10 => BitConverter.GetBytes((Half)Absurd.Real(site.Random)),
                11 => BitConverter.GetBytes(Absurd.Real(site.Random)),
                _ => BitConverter.GetBytes(Absurd.Integer(site.Random)),
            };
            number.AsSpan(0, width).CopyTo(bytes.AsSpan((changed == 1 ? site.Random.Next(count) : i) * width));
        }

        SetRaw(tensor, bytes);
        return $"{changed} elements of a tensor of type {tensor.DataType}";
    }

    /// <summary>Says that a tensor's elements are in a file, mostly one that the model has no business with.</summary>
    public static string? MakeExternal(ModelSite site)
    {
        if (site.PickMessage<TensorProto>(site.Model) is not { } tensor) return null;
        string place = site.Random.Next(4) == 0 ? Absurd.Text(site.Random) : site.Pick(Places)!;
        SetRaw(tensor, null);
        tensor.DataLocation = TensorProto.Types.DataLocation.External;
        tensor.ExternalData.Add(new StringStringEntryProto { Key = "location", Value = place });
        foreach (string key in (string[])["offset", "length"])
        {
            if (site.Random.Next(2) == 0)
                tensor.ExternalData.Add(new StringStringEntryProto { Key = key, Value = site.Random.Next(3) == 0 ? Absurd.Text(site.Random) : $"{Absurd.Integer(site.Random)}" });
        }

        return "a tensor in another file";
    }

    /// <summary>The bytes of an element; null for types without a fixed number, and those that are not known.</summary>
    private static int? Width(TensorProto tensor) => tensor.DataType switch
    {
        2 or 3 or 9 => 1,
        4 or 5 or 10 or 16 => 2,
        1 or 6 or 12 => 4,
        7 or 11 or 13 => 8,
        _ => null,
    };

    private static void SetRaw(TensorProto tensor, byte[]? bytes)
    {
        foreach (System.Collections.IList list in (System.Collections.IList[])[tensor.FloatData, tensor.Int32Data, tensor.Int64Data, tensor.DoubleData, tensor.Uint64Data, tensor.StringData])
            list.Clear();
        if (bytes is null) tensor.ClearRawData();
        else tensor.RawData = ByteString.CopyFrom(bytes);
    }
}
