using System.Buffers.Binary;
using Lathe.Kernels.Llvm.Printing;

namespace Lathe.Kernels.Llvm.Objects;

/// <summary>
/// Object file → one block of bytes that runs wherever it is put: code, then constants, the distances between them filled in. It refers to nothing outside.
/// </summary>
internal static class Flattening
{
    private const ulong Allocated = 2;

    /// <summary>R_X86_64_PC32 and R_X86_64_PLT32: S + A - P, of 32 bits.</summary>
    private const uint Relative32 = 2, Call32 = 4;

    /// <summary>Flattens.</summary>
    /// <param name="file">The object file.</param>
    /// <param name="functions">The functions whose places are wanted.</param>
    /// <exception cref="InvalidDataException">The file is malformed, or needs what lies outside.</exception>
    public static NativeCode Run(byte[] file, IReadOnlyList<string> functions)
    {
        ElfObject elf = new(file);
        Dictionary<int, long> places = [];
        List<int> imports = [];
        List<ImportUse> uses = [];
        long end = 0;
        // Code first: the entry points are at small offsets and the constants behind never run.
        foreach ((ElfSection section, int number) in elf.Sections.Select((s, i) => (s, i)).Where(s => (s.s.Flags & Allocated) != 0 && s.s.Size > 0).OrderBy(s => s.s.Name != ".text"))
        {
            end = (end + section.Alignment - 1) / section.Alignment * section.Alignment;
            places[number] = end;
            if (section.Name == ModuleWriter.ImportSection) imports.Add((int)end);
            end += section.Size;
        }

        if (end > file.Length + (elf.Sections.Count * 4096L)) throw new InvalidDataException("The sections are larger than their file.");
        byte[] code = new byte[end];
        foreach ((int number, long place) in places) elf.Section(elf.Sections[number]).CopyTo(code.AsSpan((int)place));
        foreach (ElfRelocation relocation in elf.Relocations())
        {
            if (!places.TryGetValue(relocation.Section, out long section)) continue;
            if (!places.TryGetValue(relocation.Symbol.Section, out long target)) throw new InvalidDataException($"The code needs '{relocation.Symbol.Name}', which is not in it.");
            if (relocation.Type is not (Relative32 or Call32)) throw new InvalidDataException($"The code has a relocation of type {relocation.Type}, which depends on where it lies.");
            long place = section + relocation.Offset;
            if (relocation.Offset < 0 || relocation.Offset > elf.Sections[relocation.Section].Size - 4) throw new InvalidDataException("A relocation lies outside its section.");
            long distance = unchecked(target + relocation.Symbol.Value + relocation.Addend - place);
            if (distance != (int)distance) throw new InvalidDataException("A relocation reaches further than 2 GB.");
            if (elf.Sections[relocation.Symbol.Section].Name == ModuleWriter.ImportSection) uses.Add(new ImportUse((int)place, checked((int)(relocation.Symbol.Value + relocation.Addend))));
            BinaryPrimitives.WriteInt32LittleEndian(code.AsSpan((int)place), (int)distance);
        }

        Dictionary<string, ElfSymbol> symbols = elf.Symbols().Where(s => places.ContainsKey(s.Section)).GroupBy(s => s.Name).ToDictionary(s => s.Key, s => s.First());
        int[] entries =
        [
            .. functions.Select(name => symbols.TryGetValue(name, out ElfSymbol symbol) ? (int)(places[symbol.Section] + symbol.Value) : throw new InvalidDataException($"The object file has no function '{name}'.")),
        ];
        NativeFunction[] known =
        [
            .. elf.Symbols().Where(s => s.IsFunction && places.ContainsKey(s.Section) && s.Value + s.Size <= elf.Sections[s.Section].Size)
                .Select(s => new NativeFunction(s.Name, (int)(places[s.Section] + s.Value), s.Size)),
        ];
        return new NativeCode(code, entries, imports, uses, known);
    }
}
