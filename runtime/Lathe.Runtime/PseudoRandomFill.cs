using System.Buffers.Binary;
using System.Text;

namespace Lathe.Runtime;

/// <summary>
/// Deterministic test data that another program can reproduce bit for bit. All arithmetic is unsigned, 64 bits wide, and wraps:
/// the state begins as FNV-1a of the UTF-8 name, xor seed · 11400714819323198485; each element, in row-major order, takes
/// state = state · 6364136223846793005 + 1442695040888963407 and makes of it r:
/// floats are -1 + 2x with x = (r >> 40) / 2^24, each step rounded to binary32, then widened or rounded to nearest even;
/// 8- and 16-bit integers are the top bits of r; 32- and 64-bit integers are (r >> 33) mod 2; bools are r >> 63.
/// </summary>
public static class PseudoRandomFill
{
    /// <summary>Fills a tensor.</summary>
    /// <param name="data">Its elements, little-endian; a whole number of them.</param>
    /// <param name="type">The type of the elements; one of fixed size.</param>
    /// <param name="name">Its name.</param>
    /// <param name="seed">Any number; another gives other data.</param>
    /// <exception cref="ArgumentOutOfRangeException">The type has no fixed size.</exception>
    public static void Fill(Span<byte> data, ElementType type, string name, ulong seed = 1)
    {
        ArgumentNullException.ThrowIfNull(name);
        int size = type.Size();
        ulong state = 14695981039346656037;
        foreach (byte b in Encoding.UTF8.GetBytes(name)) state = unchecked((state ^ b) * 1099511628211);
        state ^= unchecked(seed * 11400714819323198485);
        for (; data.Length >= size; data = data[size..])
        {
            state = unchecked((state * 6364136223846793005) + 1442695040888963407);
            Write(data[..size], type, state);
        }
    }

    private static void Write(Span<byte> element, ElementType type, ulong r)
    {
        float x = -1f + (2f * ((r >> 40) / 16777216f));
        switch (type)
        {
            case ElementType.Float32: BinaryPrimitives.WriteSingleLittleEndian(element, x); break;
            case ElementType.Float64: BinaryPrimitives.WriteDoubleLittleEndian(element, x); break;
            case ElementType.Float16: BinaryPrimitives.WriteHalfLittleEndian(element, (Half)x); break;
            case ElementType.BFloat16: BinaryPrimitives.WriteUInt16LittleEndian(element, ToBFloat16(x)); break;
            case ElementType.Bool: element[0] = (byte)(r >> 63); break;
            case ElementType.UInt8 or ElementType.Int8: element[0] = (byte)(r >> 56); break;
            case ElementType.UInt16 or ElementType.Int16: BinaryPrimitives.WriteUInt16LittleEndian(element, (ushort)(r >> 48)); break;
            case ElementType.UInt32 or ElementType.Int32: BinaryPrimitives.WriteUInt32LittleEndian(element, (uint)(r >> 33) & 1); break;
            default: BinaryPrimitives.WriteUInt64LittleEndian(element, (r >> 33) & 1); break;
        }
    }

    private static ushort ToBFloat16(float x)
    {
        uint bits = BitConverter.SingleToUInt32Bits(x);
        return (ushort)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
    }
}
