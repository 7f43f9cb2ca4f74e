using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace Lathe.Compiler.Mutation;

/// <summary>Values that no exporter writes, and some that one does.</summary>
internal static class Absurd
{
    private static readonly long[] Numbers =
    [
        0, 1, -1, 2, -2, 3, 4, 5, 7, -7, 8, 63, 64, 65, 100, 127, 128, 255, 256, 1000, 32767, 65535, 65536, 1 << 20, 16777217, int.MaxValue, int.MinValue,
        1L << 31, 1L << 32, (1L << 32) + 1, 1L << 40, 1L << 53, 1L << 62, long.MaxValue, long.MinValue, long.MaxValue - 1, long.MinValue + 1, -1000000,
    ];

    private static readonly double[] Reals =
    [
        0, -0.0, 1, -1, 0.5, 2, -2, 1e-45, 1e-40, 1e30, -1e30, 3.5e38, 1e300, float.MaxValue, double.MaxValue, double.Epsilon, double.NaN,
        double.PositiveInfinity, double.NegativeInfinity, 1e10, 4294967296, 9.3e18,
    ];

    private static readonly string[] Texts =
    [
        "", " ", "class", "int", "namespace", "@event", "x\"y", "'", "\\", "\n", "a\r\nb", "\0", "\t", "\u2028", "\u0085", "*/", "//", "/* x", "\"\"\"", "{0}", "{", "}}", "$\"{x}\"",
        "%s%n", "..", "../x", "/", "a/b", "C:\\x", "\ud83d\ude00", "\u202e", "ﬀ", "N+1", "N*N", "1", "-1", "0x10", "9999999999999999999", "null", "true", "NaN", "<script>", "&lt;",
        "a;b", "#if", "#error", "System.Environment.Exit(1)", "buffers", "dims", "scratch", "from", "to", "Load", "Request", "Infer", "Dispose", "ToString", "SAME_UPPER", "linear",
    ];

    /// <summary>An integer.</summary>
    public static long Integer(Random random, long current = 0) => random.Next(4) switch
    {
        0 => unchecked(current + random.Next(-2, 3)),
        1 => random.Next(-8, 9),
        _ => Numbers[random.Next(Numbers.Length)],
    };

    /// <summary>A floating-point number.</summary>
    public static double Real(Random random) => random.Next(4) == 0 ? (random.NextDouble() * 20) - 10 : Reals[random.Next(Reals.Length)];

    /// <summary>A text.</summary>
    public static string Text(Random random) => random.Next(12) switch
    {
        0 => new string((char)('a' + random.Next(26)), random.Next(1, 5000)),
        1 => Texts[random.Next(Texts.Length)] + Texts[random.Next(Texts.Length)],
        _ => Texts[random.Next(Texts.Length)],
    };

    /// <summary>Bytes, some of them no valid text.</summary>
    public static ByteString Bytes(Random random, ByteString current)
    {
        byte[] bytes = current.ToByteArray();
        switch (random.Next(5))
        {
            case 0: return ByteString.Empty;
            case 1: return ByteString.CopyFromUtf8(Text(random));
            case 2: return ByteString.CopyFrom(bytes, 0, bytes.Length == 0 ? 0 : random.Next(bytes.Length));
            case 3: return ByteString.CopyFrom([.. bytes, .. new byte[random.Next(1, 9)]]);
            default:
                // A few elements, not all: large tensors are copied often enough.
                for (int i = 0; i < 16 && bytes.Length > 0; i++) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
                return ByteString.CopyFrom(bytes);
        }
    }

    /// <summary>A value for a field that holds no message.</summary>
    /// <param name="field">The field, or the field whose element it is.</param>
    /// <param name="current">What is there; null if nothing is.</param>
    /// <param name="random">Decides.</param>
    public static object Of(FieldDescriptor field, object? current, Random random) => unchecked(field.FieldType switch
    {
        FieldType.Int64 => Integer(random, current as long? ?? 0),
        FieldType.Int32 => (int)Integer(random, current as int? ?? 0),
        FieldType.UInt64 => (ulong)Integer(random, (long)(current as ulong? ?? 0)),
        FieldType.Float => (float)Real(random),
        FieldType.Double => Real(random),
        FieldType.String => Text(random),
        FieldType.Bytes => Bytes(random, current as ByteString ?? ByteString.Empty),
        FieldType.Enum => Enum.ToObject(field.EnumType.ClrType, random.Next(4) == 0 ? (int)Integer(random) : random.Next(16)),
        _ => throw new NotSupportedException($"The format has no fields of type {field.FieldType}."),
    });
}
