using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Graph;
using Lathe.Runtime;

namespace Lathe.Compiler.Onnx;

/// <summary>Reads and writes NumPy's <c>.npy</c> files, versions 1 to 3, row-major and column-major, of either byte order.</summary>
public static partial class NumpyFile
{
    private const int MaxHeader = 1 << 16;

    private static ReadOnlySpan<byte> Magic => [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y'];

    /// <summary>Reads a tensor.</summary>
    /// <exception cref="DiagnosticException">The file cannot be read or holds none.</exception>
    public static TensorData Read(string path)
    {
        try
        {
            FileInfo file = new(path);
            if (!file.Exists || file.Length == 0) throw Bad(path, "there is no such file, or it is empty");
            using FileStream stream = file.OpenRead();
            return Read(stream, path, file.Length);
        }
        catch (Exception failed) when (failed is IOException or UnauthorizedAccessException or ArgumentException or OverflowException)
        {
            throw Bad(path, failed.Message);
        }
    }

    /// <summary>Writes a tensor; bfloat16, which NumPy does not have, is widened to float32.</summary>
    /// <exception cref="NotSupportedException">It holds strings.</exception>
    public static void Write(string path, TensorData data)
    {
        string type = data.Element switch
        {
            ElementType.Bool => "|b1",
            ElementType.UInt8 => "|u1",
            ElementType.Int8 => "|i1",
            ElementType.String => throw new NotSupportedException("A .npy file does not hold strings."),
            ElementType.BFloat16 => "<f4",
            _ => $"<{(data.Element.IsFloat() ? 'f' : data.Element.IsSigned() ? 'i' : 'u')}{data.Element.Size()}",
        };
        byte[] bytes = data.Bytes;
        if (data.Element == ElementType.BFloat16)
        {
            TensorData wide = TensorData.Zeros(ElementType.Float32, data.Dims);
            for (int i = 0; i < data.Count; i++) wide.SetDouble(i, data.GetDouble(i));
            bytes = wide.Bytes;
        }

        string shape = string.Concat(data.Dims.Select(d => string.Create(CultureInfo.InvariantCulture, $"{d}, "))).TrimEnd(' ');
        if (data.Dims.Length > 1) shape = shape.TrimEnd(',');
        string header = $"{{'descr': '{type}', 'fortran_order': False, 'shape': ({shape}), }}";
        // The elements start at a multiple of 64 bytes.
        int length = ((Magic.Length + 4 + header.Length + 1 + 63) / 64 * 64) - Magic.Length - 4;
        header = header.PadRight(length - 1) + "\n";

        using FileStream stream = File.Create(path);
        stream.Write(Magic);
        stream.Write([1, 0, (byte)length, (byte)(length >> 8)]);
        stream.Write(Encoding.ASCII.GetBytes(header));
        stream.Write(bytes);
    }

    private static TensorData Read(Stream stream, string path, long fileLength)
    {
        byte[] start = new byte[12];
        stream.ReadExactly(start, 0, 10);
        if (!start.AsSpan(0, 6).SequenceEqual(Magic) || start[6] is < 1 or > 3) throw Bad(path, "it does not begin as a .npy file does");
        if (start[6] > 1) stream.ReadExactly(start, 10, 2);
        long headerLength = start[6] == 1
            ? BinaryPrimitives.ReadUInt16LittleEndian(start.AsSpan(8))
            : BinaryPrimitives.ReadUInt32LittleEndian(start.AsSpan(8));
        if (headerLength > MaxHeader) throw Bad(path, "its header is too long");
        byte[] headerBytes = new byte[headerLength];
        stream.ReadExactly(headerBytes);
        string header = Encoding.Latin1.GetString(headerBytes);

        Match descr = Descr().Match(header), order = Order().Match(header), shape = Shape().Match(header);
        if (!descr.Success || !order.Success || !shape.Success) throw Bad(path, "its header is not understood");
        ElementType element = (descr.Groups["kind"].Value + descr.Groups["size"].Value) switch
        {
            "b1" => ElementType.Bool,
            "u1" => ElementType.UInt8,
            "u2" => ElementType.UInt16,
            "u4" => ElementType.UInt32,
            "u8" => ElementType.UInt64,
            "i1" => ElementType.Int8,
            "i2" => ElementType.Int16,
            "i4" => ElementType.Int32,
            "i8" => ElementType.Int64,
            "f2" => ElementType.Float16,
            "f4" => ElementType.Float32,
            "f8" => ElementType.Float64,
            _ => throw Bad(path, $"elements of type '{descr.Groups["kind"].Value}{descr.Groups["size"].Value}' are not supported"),
        };
        long[] dims = [.. shape.Groups["dims"].Value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(d => ParseDim(d, path))];
        long count = dims.Aggregate(1L, (product, dim) => checked(product * dim));
        long size = checked(count * element.Size());
        if (size > fileLength - stream.Position) throw Bad(path, $"it is shorter than its shape [{string.Join(", ", dims)}] says");

        byte[] bytes = new byte[size];
        stream.ReadExactly(bytes);
        if (descr.Groups["order"].Value == ">") SwapBytes(bytes, element.Size());
        return order.Groups["fortran"].Value == "True" && dims.Length > 1
            ? Transposed(TensorData.FromBytes(element, dims, bytes))
            : TensorData.FromBytes(element, dims, bytes);
    }

    private static long ParseDim(string text, string path) =>
        long.TryParse(text.TrimEnd('L'), NumberStyles.None, CultureInfo.InvariantCulture, out long dim) ? dim : throw Bad(path, $"'{text}' is no dim");

    private static void SwapBytes(Span<byte> bytes, int size)
    {
        for (int i = 0; i < bytes.Length; i += size) bytes.Slice(i, size).Reverse();
    }

    /// <summary>The row-major form of column-major elements.</summary>
    private static TensorData Transposed(TensorData columns)
    {
        TensorData rows = TensorData.Zeros(columns.Element, columns.Dims);
        int size = columns.Element.Size();
        long[] index = new long[columns.Dims.Length];
        for (int to = 0; to < columns.Count; to++)
        {
            long from = 0;
            for (int axis = index.Length - 1; axis >= 0; axis--) from = (from * columns.Dims[axis]) + index[axis];
            columns.Bytes.AsSpan((int)from * size, size).CopyTo(rows.Bytes.AsSpan(to * size));
            for (int axis = index.Length - 1; axis >= 0 && ++index[axis] == columns.Dims[axis]; axis--) index[axis] = 0;
        }

        return rows;
    }

    private static DiagnosticException Bad(string path, string reason) =>
        new(new Diagnostic(DiagnosticTable.FileNotReadable, null, $"'{Path.GetFileName(path)}': {reason}"));

    [GeneratedRegex("""['"]descr['"]\s*:\s*['"](?<order>[<>|=]?)(?<kind>[a-zA-Z])(?<size>\d*)['"]""")]
    private static partial Regex Descr();

    [GeneratedRegex("""['"]fortran_order['"]\s*:\s*(?<fortran>True|False)""")]
    private static partial Regex Order();

    [GeneratedRegex("""['"]shape['"]\s*:\s*\((?<dims>[^()]*)\)""")]
    private static partial Regex Shape();
}
