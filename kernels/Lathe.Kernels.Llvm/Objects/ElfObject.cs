using System.Buffers.Binary;
using System.Text;

namespace Lathe.Kernels.Llvm.Objects;

/// <summary>A section of an object file.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">SHT_*.</param>
/// <param name="Flags">SHF_*.</param>
/// <param name="Offset">Where its bytes are in the file.</param>
/// <param name="Size">How many there are.</param>
/// <param name="Link">The section that it needs to be read.</param>
/// <param name="Info">The section that it is about.</param>
/// <param name="Alignment">What its address is a multiple of.</param>
internal sealed record ElfSection(string Name, uint Type, ulong Flags, int Offset, int Size, int Link, int Info, int Alignment);

/// <summary>A symbol of an object file: a place in a section.</summary>
/// <param name="Name">Its name; that of the section for one that stands for it.</param>
/// <param name="Section">The section's number; 0 if the file does not define it.</param>
/// <param name="Value">Its offset in the section.</param>
/// <param name="Size">How many bytes it has.</param>
/// <param name="IsFunction">True for a function.</param>
internal readonly record struct ElfSymbol(string Name, int Section, long Value, int Size = 0, bool IsFunction = false);

/// <summary>A place to be filled in when sections have addresses.</summary>
internal readonly record struct ElfRelocation(int Section, long Offset, uint Type, ElfSymbol Symbol, long Addend);

/// <summary>Reads a relocatable object file of ELF for x86-64 (System V ABI, chapter 4). What lies outside the file is an <see cref="InvalidDataException"/>.</summary>
internal sealed class ElfObject
{
    private const int HeaderBytes = 64, SectionBytes = 64, SymbolBytes = 24, RelocationBytes = 24;
    private const uint SymbolTable = 2, WithAddends = 4, WithoutAddends = 9;
    private readonly byte[] _file;
    private readonly List<ElfSection> _sections = [];

    /// <summary>Reads a file.</summary>
    public ElfObject(byte[] file)
    {
        _file = file;
        ReadOnlySpan<byte> header = Part(0, HeaderBytes);
        // \x7F ELF, 64 bits, little-endian; relocatable; x86-64.
        if (!header.StartsWith((ReadOnlySpan<byte>)[0x7F, (byte)'E', (byte)'L', (byte)'F', 2, 1]) || Short(header, 16) != 1 || Short(header, 18) != 62) throw new InvalidDataException("This is no object file for x86-64.");
        ulong table = Long(header, 40);
        int count = Short(header, 60), names = Short(header, 62);
        ReadOnlySpan<byte> NameTable() => Section(Header(names, ""));
        for (int i = 0; i < count; i++) _sections.Add(Header(i, Text(NameTable(), Word(Raw(i), 0))));

        ReadOnlySpan<byte> Raw(int number) => Part(table + ((ulong)number * SectionBytes), SectionBytes);
        ElfSection Header(int number, string name)
        {
            ReadOnlySpan<byte> raw = Raw(number);
            (uint type, ulong offset, ulong size) = (Word(raw, 4), Long(raw, 24), Long(raw, 32));
            const uint noBits = 8, none = 0;
            if (type is not (noBits or none)) Part(offset, size);
            if (size > int.MaxValue) throw new InvalidDataException($"Section '{name}' is too large.");
            return new ElfSection(name, type, Long(raw, 8), type is noBits or none ? 0 : (int)offset, (int)size, (int)Word(raw, 40), (int)Word(raw, 44), (int)Math.Clamp(Long(raw, 48), 1, 4096));
        }
    }

    /// <summary>The sections by number.</summary>
    public IReadOnlyList<ElfSection> Sections => _sections;

    /// <summary>The bytes of a section; nothing for one that is only a size.</summary>
    public ReadOnlySpan<byte> Section(ElfSection section) => section.Offset == 0 ? [] : _file.AsSpan(section.Offset, section.Size);

    /// <summary>The symbols that have a name.</summary>
    public IEnumerable<ElfSymbol> Symbols() => _sections.Where(s => s.Type == SymbolTable).SelectMany(table => Enumerable.Range(0, table.Size / SymbolBytes).Select(i => Symbol(table, i))).Where(s => s.Name.Length > 0);

    /// <summary>The relocations of all sections.</summary>
    public IEnumerable<ElfRelocation> Relocations()
    {
        foreach (ElfSection section in _sections)
        {
            if (section.Type == WithoutAddends) throw new InvalidDataException($"Section '{section.Name}' has relocations without addends.");
            if (section.Type != WithAddends) continue;
            ElfSection symbols = At(section.Link);
            for (int i = 0; i < section.Size / RelocationBytes; i++) yield return Relocation(section, symbols, i);
        }
    }

    private ElfRelocation Relocation(ElfSection section, ElfSection symbols, int number)
    {
        ReadOnlySpan<byte> raw = Section(section).Slice(number * RelocationBytes, RelocationBytes);
        return new ElfRelocation(section.Info, Offset(raw, 0), Word(raw, 8), Symbol(symbols, (int)Word(raw, 12)), (long)Long(raw, 16));
    }

    private ElfSymbol Symbol(ElfSection table, int number)
    {
        if (number < 0 || number >= table.Size / SymbolBytes) throw new InvalidDataException($"There is no symbol {number}.");
        ReadOnlySpan<byte> raw = Section(table).Slice(number * SymbolBytes, SymbolBytes);
        int section = Short(raw, 6);
        bool isSection = (raw[4] & 0xF) == 3;
        return new ElfSymbol(isSection ? At(section).Name : Text(Section(At(table.Link)), Word(raw, 0)), section, Offset(raw, 8), (int)Math.Min(Long(raw, 16), int.MaxValue), (raw[4] & 0xF) == 2);
    }

    private ElfSection At(int number) => number >= 0 && number < _sections.Count ? _sections[number] : throw new InvalidDataException($"There is no section {number}.");

    private ReadOnlySpan<byte> Part(ulong offset, ulong size) =>
        offset <= (ulong)_file.Length && size <= (ulong)_file.Length - offset ? _file.AsSpan((int)offset, (int)size) : throw new InvalidDataException("The object file ends too early.");

    private static string Text(ReadOnlySpan<byte> table, uint offset)
    {
        if (offset >= table.Length) throw new InvalidDataException("A name lies outside its table.");
        ReadOnlySpan<byte> rest = table[(int)offset..];
        int end = rest.IndexOf((byte)0);
        return Encoding.UTF8.GetString(end < 0 ? rest : rest[..end]);
    }

    private static ushort Short(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt16LittleEndian(bytes[at..]);

    private static uint Word(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);

    private static long Offset(ReadOnlySpan<byte> bytes, int at) => Long(bytes, at) is var value and <= int.MaxValue ? (long)value : throw new InvalidDataException("An offset lies outside of any section.");

    private static ulong Long(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt64LittleEndian(bytes[at..]);
}
