using System.Text;
using Google.Protobuf;
using Google.Protobuf.Collections;
using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Graph;
using Lathe.Runtime;

namespace Lathe.Compiler.Onnx;

/// <summary>Turns ONNX tensors in any of their encodings into <see cref="TensorData"/>. What it allocates is bounded by what the files hold.</summary>
internal sealed class TensorReader(string directory)
{
    /// <summary>The largest dense form of a sparse tensor, in bytes: the one place where a few bytes of file ask for many of memory.</summary>
    private const long MaxDenseBytes = 1L << 28;

    /// <summary>The highest rank that is read.</summary>
    private const int MaxRank = 64;

    private readonly ExternalData _external = new(directory);

    /// <summary>Reads a tensor.</summary>
    /// <exception cref="DiagnosticException">It is malformed or of a type that is not supported.</exception>
    public TensorData Read(TensorProto tensor)
    {
        ElementType element = Element(tensor);
        long[] dims = Dims(tensor.Name, tensor.Dims);
        long count = Count(tensor.Name, dims);
        if (element == ElementType.String) return Strings(tensor, dims, count);

        long bytes = Multiply(tensor.Name, count, element.Size());
        if (bytes > TensorData.MaxBytes) throw Malformed(tensor.Name, $"its {bytes} bytes are more than a tensor may have");
        if (tensor.DataLocation == TensorProto.Types.DataLocation.External)
            return Normalised(TensorData.FromBytes(element, dims, _external.Read(tensor.Name, tensor.ExternalData, bytes)));
        if (tensor.HasRawData && (tensor.RawData.Length > 0 || bytes == 0))
        {
            return tensor.RawData.Length == bytes
                ? Normalised(TensorData.FromBytes(element, dims, tensor.RawData.ToByteArray()))
                : throw Malformed(tensor.Name, $"its raw data has {tensor.RawData.Length} bytes, its type and shape take {bytes}");
        }

        int stored = element switch
        {
            ElementType.Float32 => tensor.FloatData.Count,
            ElementType.Float64 => tensor.DoubleData.Count,
            ElementType.Int64 => tensor.Int64Data.Count,
            ElementType.UInt32 or ElementType.UInt64 => tensor.Uint64Data.Count,
            _ => tensor.Int32Data.Count,
        };
        if (stored != count) throw Malformed(tensor.Name, $"it holds {stored} elements, its shape takes {count}");

        TensorData data = TensorData.Zeros(element, dims);
        unchecked
        {
            switch (element)
            {
                case ElementType.Float32: tensor.FloatData.ToArray().CopyTo(data.Span<float>()); break;
                case ElementType.Float64: tensor.DoubleData.ToArray().CopyTo(data.Span<double>()); break;
                case ElementType.Int64: tensor.Int64Data.ToArray().CopyTo(data.Span<long>()); break;
                case ElementType.UInt64: tensor.Uint64Data.ToArray().CopyTo(data.Span<ulong>()); break;
                case ElementType.UInt32: Fill(data.Span<uint>(), tensor.Uint64Data, x => (uint)x); break;
                case ElementType.Int32: tensor.Int32Data.ToArray().CopyTo(data.Span<int>()); break;

                // The bits of the half, not its value.
                case ElementType.Float16 or ElementType.BFloat16 or ElementType.UInt16: Fill(data.Span<ushort>(), tensor.Int32Data, x => (ushort)x); break;
                case ElementType.Int16: Fill(data.Span<short>(), tensor.Int32Data, x => (short)x); break;
                case ElementType.Bool: Fill(data.Span<byte>(), tensor.Int32Data, x => x != 0 ? (byte)1 : (byte)0); break;
                default: Fill(data.Span<byte>(), tensor.Int32Data, x => (byte)x); break;
            }
        }

        return data;
    }

    /// <summary>Reads a sparse tensor into its dense form.</summary>
    /// <exception cref="DiagnosticException">It is malformed or its dense form too large.</exception>
    public TensorData Read(SparseTensorProto sparse)
    {
        string name = sparse.Values?.Name ?? "";
        if (sparse.Values is null || sparse.Indices is null) throw Malformed(name, "it has no values or no indices");
        TensorData values = Read(sparse.Values), indices = Read(sparse.Indices);
        long[] dims = Dims(name, sparse.Dims);
        long count = Count(name, dims);
        if (values.Strings is not null || indices.Element != ElementType.Int64) throw Malformed(name, "its indices must be int64 and its values numbers");
        if (Multiply(name, count, values.Element.Size()) > MaxDenseBytes) throw Malformed(name, $"its dense form has {count} elements");

        int size = values.Element.Size();
        bool linear = indices.Dims.Length == 1;
        if (indices.Count != (linear ? values.Count : (long)values.Count * dims.Length)) throw Malformed(name, "its indices do not fit its values");
        TensorData dense = TensorData.Zeros(values.Element, dims);
        ReadOnlySpan<long> index = indices.Span<long>();
        for (int i = 0; i < values.Count; i++)
        {
            long at = 0;
            if (linear) at = index[i];
            else
            {
                for (int axis = 0; axis < dims.Length; axis++)
                {
                    long x = index[(i * dims.Length) + axis];
                    if (x < 0 || x >= dims[axis]) throw Malformed(name, $"index {x} is outside {dims[axis]}");
                    at = (at * dims[axis]) + x;
                }
            }

            if (at < 0 || at >= count) throw Malformed(name, $"index {at} is outside {count} elements");
            values.Bytes.AsSpan(i * size, size).CopyTo(dense.Bytes.AsSpan((int)at * size));
        }

        return dense;
    }

    /// <summary>The element type of a number in a file.</summary>
    /// <exception cref="DiagnosticException">There are no tensors of that type.</exception>
    public static ElementType Element(int type, string what)
    {
        if (type == 0) throw new DiagnosticException(new Diagnostic(DiagnosticTable.MalformedModel, null, $"{what} has no element type"));
        return Enum.IsDefined((ElementType)type)
            ? (ElementType)type
            : throw new DiagnosticException(new Diagnostic(DiagnosticTable.UnsupportedType, null, what, OnnxTypeName(type)));
    }

    private static ElementType Element(TensorProto tensor) => Element(tensor.DataType, $"tensor '{tensor.Name}'");

    private static string OnnxTypeName(int type) => type switch
    {
        14 => "complex64",
        15 => "complex128",
        17 => "float8e4m3fn",
        18 => "float8e4m3fnuz",
        19 => "float8e5m2",
        20 => "float8e5m2fnuz",
        21 => "uint4",
        22 => "int4",
        23 => "float4e2m1",
        24 => "float8e8m0",
        25 => "uint2",
        26 => "int2",
        _ => $"number {type}",
    };

    private static TensorData Strings(TensorProto tensor, long[] dims, long count)
    {
        if (tensor.DataLocation == TensorProto.Types.DataLocation.External || tensor.HasRawData)
            throw Malformed(tensor.Name, "strings must be string_data");
        if (tensor.StringData.Count != count) throw Malformed(tensor.Name, $"it holds {tensor.StringData.Count} elements, its shape takes {count}");
        return TensorData.OfStrings([.. tensor.StringData.Select(Text)], dims);
    }

    /// <summary>The text of bytes in a file.</summary>
    public static string Text(ByteString bytes) => Encoding.UTF8.GetString(bytes.Span);

    /// <summary>A bool is 0 or 1 in memory, whatever the file says.</summary>
    private static TensorData Normalised(TensorData data)
    {
        if (data.Element != ElementType.Bool || data.Bytes.AsSpan().IndexOfAnyExceptInRange<byte>(0, 1) < 0) return data;
        return TensorData.FromBytes(ElementType.Bool, data.Dims, [.. data.Bytes.Select(b => b != 0 ? (byte)1 : (byte)0)]);
    }

    private static long[] Dims(string tensor, RepeatedField<long> dims)
    {
        if (dims.Count > MaxRank) throw Malformed(tensor, $"its rank is {dims.Count}");
        foreach (long dim in dims)
            if (dim < 0) throw Malformed(tensor, $"a dim is {dim}");
        return [.. dims];
    }

    private static long Count(string tensor, long[] dims)
    {
        long count = 1;
        // The overflow must show also where a later dim is 0.
        foreach (long dim in dims) count = Multiply(tensor, count, dim);
        return count;
    }

    private static long Multiply(string tensor, long a, long b)
    {
        try
        {
            return checked(a * b);
        }
        catch (OverflowException)
        {
            throw Malformed(tensor, "its shape overflows");
        }
    }

    private static void Fill<TTo, TFrom>(Span<TTo> to, RepeatedField<TFrom> from, Func<TFrom, TTo> convert)
    {
        for (int i = 0; i < to.Length; i++) to[i] = convert(from[i]);
    }

    private static DiagnosticException Malformed(string tensor, string reason) =>
        new(new Diagnostic(DiagnosticTable.MalformedModel, null, $"tensor '{tensor}': {reason}"));
}
