using System.Buffers.Binary;
using Lathe.Kernels.Llvm.Objects;
using Lathe.Runtime.Native;
using Lathe.Runtime.Plans;

namespace Lathe.Kernels.Llvm;

/// <summary>
/// The native code of all instruction sets as a file that the system loads: an object file, which is linked into a program, or a shared library. Both hold the bytes that are
/// mapped otherwise, behind the table that <see cref="LinkedCode"/> reads; only the table of the runtime's functions is elsewhere, in memory that can be written.
/// </summary>
public sealed class LinkedImage
{
    private const int Page = 4096, FunctionTableAlignment = 16, EntryBytes = 8;

    // Kinds of symbols: binding (local, global, weak) times 16 and type (function, section).
    private const byte LocalFunction = 2, LocalSection = 3, GlobalFunction = 0x12, WeakFunction = 0x22;

    private readonly string _symbol;
    private readonly byte[] _code;
    private readonly int _entry;
    private readonly List<ImportUse> _uses = [];
    private readonly List<NativeFunction> _functions = [];

    /// <summary>Puts code together.</summary>
    /// <param name="symbol">The function that gives the table's address: <see cref="LinkedCode.SymbolOf"/>.</param>
    /// <param name="parts">The code of each instruction set.</param>
    public LinkedImage(string symbol, IEnumerable<(Isa Isa, NativeCode Code)> parts)
    {
        _symbol = symbol;
        List<byte> code = [.. new byte[LinkedCode.Count * sizeof(long)]];
        long[] table = new long[LinkedCode.Count];
        table[LinkedCode.SavedState] = Append("lathe.xgetbv", LinkedCode.SavedStateCode);
        table[LinkedCode.GetMode] = Append("lathe.stmxcsr", LinkedCode.GetModeCode);
        table[LinkedCode.SetMode] = Append("lathe.ldmxcsr", LinkedCode.SetModeCode);
        // lea rax, [rip - distance to the table]; ret
        byte[] entry = [0x48, 0x8D, 0x05, 0, 0, 0, 0, 0xC3];
        _entry = Align();
        BinaryPrimitives.WriteInt32LittleEndian(entry.AsSpan(3), -(_entry + 7));
        code.AddRange(entry);
        foreach ((Isa isa, NativeCode part) in parts)
        {
            int start = Align();
            table[isa == Isa.Avx512 ? LinkedCode.Avx512 : LinkedCode.Avx2] = start;
            code.AddRange(part.Code);
            _uses.AddRange(part.ImportUses.Select(use => use with { Place = use.Place + start }));
            _functions.AddRange(part.Functions.Select(f => f with { Name = $"{f.Name}.{isa.Name()}", Place = f.Place + start }));
        }

        _code = [.. code];
        ElfWriter.Words(table).CopyTo(_code, 0);

        int Align()
        {
            while (code.Count % NativeCode.Alignment != 0) code.Add(0xCC);
            return code.Count;
        }

        int Append(string name, ReadOnlySpan<byte> bytes)
        {
            int place = Align();
            code.AddRange(bytes);
            _functions.Add(new NativeFunction(name, place, bytes.Length));
            return place;
        }
    }

    private static int FunctionTableBytes => MathFunctions.Names.Count * sizeof(long);

    /// <summary>A relocatable object file. Of several with the same code a linker takes one.</summary>
    public byte[] ToObject()
    {
        ElfWriter elf = new(type: 1);
        const int text = 1, data = 2, symbols = 3, names = 4;
        elf.Add(".text", ElfWriter.Bits, ElfWriter.Allocate | ElfWriter.Execute, _code, NativeCode.Alignment);
        elf.Add(".bss", ElfWriter.NoBits, ElfWriter.Allocate | ElfWriter.Write, [], FunctionTableAlignment, size: FunctionTableBytes);
        (byte[] table, int[] places) = ElfWriter.Table([.. _functions.Select(f => f.Name), _symbol]);
        List<byte> rows = [.. new byte[24], .. ElfWriter.Symbol(0, LocalSection, data, 0, 0)];
        for (int i = 0; i < _functions.Count; i++) rows.AddRange(ElfWriter.Symbol(places[i], LocalFunction, text, _functions[i].Place, _functions[i].Size));
        int locals = rows.Count / 24;
        rows.AddRange(ElfWriter.Symbol(places[^1], WeakFunction, text, _entry, EntryBytes));
        elf.Add(".symtab", ElfWriter.SymbolTable, 0, [.. rows], 8, link: names, info: locals, entrySize: 24);
        elf.Add(".strtab", ElfWriter.Strings, 0, table);
        if (_uses.Count > 0)
        {
            // R_X86_64_PC64 and R_X86_64_PC32, both S + A - P with the symbol of the writable section.
            const long symbol = 1L << 32, distance64 = 24, distance32 = 2;
            int place = LinkedCode.Functions * sizeof(long);
            List<byte> relocations = [.. ElfWriter.Words(place, symbol | distance64, place)];
            foreach (ImportUse use in _uses) relocations.AddRange(ElfWriter.Words(use.Place, symbol | distance32, use.Addend));
            elf.Add(".rela.text", ElfWriter.Relocations, 0, [.. relocations], 8, link: symbols, info: text, entrySize: 24);
        }

        // Without it a linker would make the program's stack executable.
        elf.Add(".note.GNU-stack", ElfWriter.Bits, 0, []);
        return elf.Finish();
    }

    /// <summary>A shared library, with the names of kernels for debuggers and profilers.</summary>
    public byte[] ToLibrary()
    {
        ElfWriter elf = new(type: 3);
        const int segments = 5, dynamicNames = 2, text = 4, names = 8;
        elf.ReserveSegments(segments);
        (byte[] exported, int[] exportedPlaces) = ElfWriter.Table([_symbol]);
        // A hash table of one bucket: the number of buckets and of symbols, the first in the bucket, the next of each.
        byte[] hash = new byte[20];
        foreach ((int at, int value) in (ReadOnlySpan<(int, int)>)[(0, 1), (4, 2), (8, 1)]) BinaryPrimitives.WriteInt32LittleEndian(hash.AsSpan(at), value);
        // The sections before the code have sizes that do not depend on its place: it begins with the second page.
        long codeAt = Page, dataAt = (codeAt + _code.Length + Page - 1) / Page * Page;
        long hashAt = elf.Add(".hash", ElfWriter.Hash, ElfWriter.Allocate, hash, 8, link: 3, entrySize: 4);
        long stringsAt = elf.Add(".dynstr", ElfWriter.Strings, ElfWriter.Allocate, exported);
        byte[] export = [.. new byte[24], .. ElfWriter.Symbol(exportedPlaces[0], GlobalFunction, text, codeAt + _entry, EntryBytes)];
        long symbolsAt = elf.Add(".dynsym", ElfWriter.DynamicSymbols, ElfWriter.Allocate, export, 8, link: dynamicNames, info: 1, entrySize: 24);
        long headersEnd = symbolsAt + export.Length;
        // DT_HASH, DT_STRTAB, DT_SYMTAB, DT_STRSZ, DT_SYMENT, and the end.
        byte[] dynamic = ElfWriter.Words(4, hashAt, 5, stringsAt, 6, symbolsAt, 10, exported.Length, 11, 24, 0, 0);
        long functionsAt = dataAt + dynamic.Length;
        elf.Add(".text", ElfWriter.Bits, ElfWriter.Allocate | ElfWriter.Execute, Resolved(functionsAt - codeAt), Page);
        elf.Add(".dynamic", ElfWriter.Dynamic, ElfWriter.Allocate | ElfWriter.Write, dynamic, Page, link: dynamicNames, entrySize: 16);
        elf.Add(".data", ElfWriter.Bits, ElfWriter.Allocate | ElfWriter.Write, new byte[FunctionTableBytes], FunctionTableAlignment);
        (byte[] table, int[] places) = ElfWriter.Table([.. _functions.Select(f => f.Name), _symbol]);
        List<byte> rows = [.. new byte[24]];
        for (int i = 0; i < _functions.Count; i++) rows.AddRange(ElfWriter.Symbol(places[i], LocalFunction, text, codeAt + _functions[i].Place, _functions[i].Size));
        int locals = rows.Count / 24;
        rows.AddRange(ElfWriter.Symbol(places[^1], GlobalFunction, text, codeAt + _entry, EntryBytes));
        elf.Add(".symtab", ElfWriter.SymbolTable, 0, [.. rows], 8, link: names, info: locals, entrySize: 24);
        elf.Add(".strtab", ElfWriter.Strings, 0, table);
        const uint load = 1, dynamicSegment = 2, stack = 0x6474e551, execute = 1, write = 2, read = 4;
        elf.AddSegment(load, read, 0, headersEnd, Page);
        elf.AddSegment(load, read | execute, codeAt, _code.Length, Page);
        elf.AddSegment(load, read | write, dataAt, dynamic.Length + FunctionTableBytes, Page);
        elf.AddSegment(dynamicSegment, read | write, dataAt, dynamic.Length, 8);
        elf.AddSegment(stack, read | write, 0, 0, 16);
        return elf.Finish();
    }

    /// <summary>The code with the distances to the table of functions, which lies behind it.</summary>
    private byte[] Resolved(long functions)
    {
        byte[] code = [.. _code];
        if (_uses.Count == 0) return code;
        BinaryPrimitives.WriteInt64LittleEndian(code.AsSpan(LinkedCode.Functions * sizeof(long)), functions);
        foreach (ImportUse use in _uses) BinaryPrimitives.WriteInt32LittleEndian(code.AsSpan(use.Place), checked((int)(functions + use.Addend - use.Place)));
        return code;
    }
}
