using System.Buffers.Binary;
using Lathe.Runtime;

namespace Lathe.Kernels.Loops.Interpretation;

/// <summary>Compiles <see cref="Bits"/>: lanes as bytes in little-endian order, and back.</summary>
internal static class BitsCompiler
{
    public static LaneCode Compile(LaneCode source, VectorType to)
    {
        (int from, int size) = (source.Type.Element.Size(), to.Element.Size());
        if (from * source.Type.Lanes != size * to.Lanes) throw new InterpreterException($"takes the bits of {source.Type} as {to}");
        ElementType fromElement = source.Type.Element, toElement = to.Element;
        long LaneBits(Frame frame, int lane) => source.Float is { } x ? BitsOf(fromElement, x(frame, lane)) : source.Integer!(frame, lane);
        long Collect(Frame frame, int lane)
        {
            Span<byte> bytes = stackalloc byte[16];
            int first = lane * size / from;
            for (int i = 0; i * from < size || i == 0; i++) BinaryPrimitives.WriteInt64LittleEndian(bytes[(i * from)..], LaneBits(frame, first + i));
            return BinaryPrimitives.ReadInt64LittleEndian(bytes[(lane * size % from)..]);
        }

        return to.Element.IsFloat()
            ? new LaneCode(to, (f, i) => FromBits(toElement, Collect(f, i)))
            : new LaneCode(to, (f, i) => LaneArithmetic.Wrap(toElement, Collect(f, i)));
    }

    private static long BitsOf(ElementType type, double value) => type switch
    {
        ElementType.Float32 => BitConverter.SingleToInt32Bits((float)value),
        ElementType.Float16 => BitConverter.HalfToInt16Bits((Half)value),
        ElementType.BFloat16 => LaneArithmetic.ToBFloat16(value),
        _ => BitConverter.DoubleToInt64Bits(value),
    };

    private static double FromBits(ElementType type, long bits) => type switch
    {
        ElementType.Float32 => BitConverter.Int32BitsToSingle((int)bits),
        ElementType.Float16 => (double)BitConverter.Int16BitsToHalf((short)bits),
        ElementType.BFloat16 => LaneArithmetic.FromBFloat16((ushort)bits),
        _ => BitConverter.Int64BitsToDouble(bits),
    };
}
