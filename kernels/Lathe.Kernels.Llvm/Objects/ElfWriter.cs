using System.Buffers.Binary;
using System.Text;

namespace Lathe.Kernels.Llvm.Objects;

/// <summary>Writes an ELF file for x86-64 section by section (System V ABI, chapters 4 and 5).</summary>
/// <param name="type">1 for an object file, 3 for a shared library.</param>
internal sealed class ElfWriter(ushort type)
{
    /// <summary>Types of sections: SHT_PROGBITS, SHT_SYMTAB, SHT_STRTAB, SHT_RELA, SHT_HASH, SHT_DYNAMIC, SHT_NOBITS, SHT_DYNSYM.</summary>
    public const uint Bits = 1, SymbolTable = 2, Strings = 3, Relocations = 4, Hash = 5, Dynamic = 6, NoBits = 8, DynamicSymbols = 11;

    /// <summary>Flags of sections: SHF_WRITE, SHF_ALLOC, SHF_EXECINSTR.</summary>
    public const ulong Write = 1, Allocate = 2, Execute = 4;

    private const int HeaderBytes = 64, SegmentBytes = 56, SectionBytes = 64;

    private readonly List<(string Name, uint Type, ulong Flags, byte[] Content, long Size, long Offset, long Address, int Link, int Info, int Alignment, int EntrySize)> _sections = [("", 0, 0, [], 0, 0, 0, 0, 0, 0, 0)];
    private readonly List<(uint Type, uint Flags, long Offset, long Size, long Memory, long Alignment)> _segments = [];
    private long _end = HeaderBytes;

    /// <summary>The number of the next section.</summary>
    public int Next => _sections.Count;

    /// <summary>Makes room for the headers of segments, before any section.</summary>
    public void ReserveSegments(int count) => _end = HeaderBytes + (count * SegmentBytes);

    /// <summary>Adds a section, which in a library has its offset in the file as its address too.</summary>
    /// <returns>Its offset.</returns>
    public long Add(string name, uint sectionType, ulong flags, byte[] content, int alignment = 1, int link = 0, int info = 0, int entrySize = 0, long? size = null)
    {
        _end = (_end + alignment - 1) / alignment * alignment;
        long offset = _end, address = type == 3 && (flags & Allocate) != 0 ? offset : 0;
        _sections.Add((name, sectionType, flags, content, size ?? content.Length, offset, address, link, info, alignment, entrySize));
        _end += content.Length;
        return offset;
    }

    /// <summary>Adds a segment: PT_*, PF_*, and the part of the file.</summary>
    public void AddSegment(uint segmentType, uint flags, long offset, long size, long alignment, long? memory = null) => _segments.Add((segmentType, flags, offset, size, memory ?? size, alignment));

    /// <summary>A row of a symbol table.</summary>
    /// <param name="name">Its name's offset.</param>
    /// <param name="kind">Binding times 16 and type.</param>
    /// <param name="section">The section's number.</param>
    /// <param name="value">The offset in the section, or the address.</param>
    /// <param name="size">How many bytes.</param>
    public static byte[] Symbol(int name, byte kind, int section, long value, long size)
    {
        byte[] row = new byte[24];
        BinaryPrimitives.WriteInt32LittleEndian(row, name);
        row[4] = kind;
        BinaryPrimitives.WriteInt16LittleEndian(row.AsSpan(6), (short)section);
        BinaryPrimitives.WriteInt64LittleEndian(row.AsSpan(8), value);
        BinaryPrimitives.WriteInt64LittleEndian(row.AsSpan(16), size);
        return row;
    }

    /// <summary>Numbers of 64 bits, one after another.</summary>
    public static byte[] Words(params ReadOnlySpan<long> words)
    {
        byte[] bytes = new byte[words.Length * 8];
        for (int i = 0; i < words.Length; i++) BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(i * 8), words[i]);
        return bytes;
    }

    /// <summary>The file.</summary>
    public byte[] Finish()
    {
        (byte[] names, int[] places) = Table([.. _sections.Select(s => s.Name), ".shstrtab"]);
        Add(".shstrtab", Strings, 0, names);
        long table = (_end + 7) / 8 * 8;
        byte[] file = new byte[table + (_sections.Count * SectionBytes)];
        Span<byte> header = file;
        ((ReadOnlySpan<byte>)[0x7F, (byte)'E', (byte)'L', (byte)'F', 2, 1, 1]).CopyTo(header);
        Short(header, 16, type);
        Short(header, 18, 62);
        Word(header, 20, 1);
        Long(header, 32, _segments.Count > 0 ? HeaderBytes : 0);
        Long(header, 40, table);
        Short(header, 52, HeaderBytes);
        Short(header, 54, _segments.Count > 0 ? SegmentBytes : 0);
        Short(header, 56, _segments.Count);
        Short(header, 58, SectionBytes);
        Short(header, 60, _sections.Count);
        Short(header, 62, _sections.Count - 1);
        for (int i = 0; i < _segments.Count; i++)
        {
            (uint segmentType, uint flags, long offset, long size, long memory, long alignment) = _segments[i];
            Span<byte> row = file.AsSpan(HeaderBytes + (i * SegmentBytes));
            Word(row, 0, segmentType);
            Word(row, 4, flags);
            foreach ((int at, long value) in (ReadOnlySpan<(int, long)>)[(8, offset), (16, offset), (24, offset), (32, size), (40, memory), (48, alignment)]) Long(row, at, value);
        }

        for (int i = 0; i < _sections.Count; i++)
        {
            var section = _sections[i];
            section.Content.CopyTo(file, section.Offset);
            Span<byte> row = file.AsSpan((int)table + (i * SectionBytes));
            Word(row, 0, (uint)places[i]);
            Word(row, 4, section.Type);
            Long(row, 8, (long)section.Flags);
            foreach ((int at, long value) in (ReadOnlySpan<(int, long)>)[(16, section.Address), (24, i == 0 ? 0 : section.Offset), (32, section.Size), (48, section.Alignment), (56, section.EntrySize)]) Long(row, at, value);
            Word(row, 40, (uint)section.Link);
            Word(row, 44, (uint)section.Info);
        }

        return file;
    }

    /// <summary>Names one after another, each ended by 0, behind an empty one; and where each is.</summary>
    public static (byte[] Bytes, int[] Places) Table(IReadOnlyList<string> names)
    {
        List<byte> bytes = [0];
        int[] places = new int[names.Count];
        for (int i = 0; i < places.Length; i++)
        {
            if (names[i].Length == 0) continue;
            places[i] = bytes.Count;
            bytes.AddRange(Encoding.ASCII.GetBytes(names[i]));
            bytes.Add(0);
        }

        return ([.. bytes], places);
    }

    private static void Short(Span<byte> bytes, int at, int value) => BinaryPrimitives.WriteUInt16LittleEndian(bytes[at..], (ushort)value);

    private static void Word(Span<byte> bytes, int at, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(bytes[at..], value);

    private static void Long(Span<byte> bytes, int at, long value) => BinaryPrimitives.WriteInt64LittleEndian(bytes[at..], value);
}
