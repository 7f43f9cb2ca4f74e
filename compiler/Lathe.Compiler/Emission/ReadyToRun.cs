using System.Buffers.Binary;
using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;

namespace Lathe.Compiler.Emission;

/// <summary>
/// Lets kernels be compiled ahead of time to ReadyToRun code. They carry <see cref="MethodImplAttributes.AggressiveOptimization"/>, so that no slow first tier of the
/// JIT ever runs; crossgen2 passes over such methods. It is given an assembly in which they lack it, and they get it back in the image that it makes: the runtime then
/// takes the image's code and keeps it, or, where the image does not fit the machine, compiles the method in full as without the image.
/// </summary>
public static class ReadyToRun
{
    // ECMA-335, II.22.26: RVA (4 bytes), ImplFlags (2), Flags (2), …
    private const int OffsetOfImplFlags = 4;

    /// <summary>The assembly without the attribute, for crossgen2.</summary>
    /// <param name="assembly">A kernel assembly.</param>
    public static byte[] Prepare(byte[] assembly)
    {
        byte[] prepared = [.. assembly];
        foreach (int method in Methods(prepared))
        {
            Span<byte> flags = prepared.AsSpan(method, sizeof(ushort));
            BinaryPrimitives.WriteUInt16LittleEndian(flags, (ushort)(Read(flags) & ~(ushort)MethodImplAttributes.AggressiveOptimization));
        }

        return prepared;
    }

    /// <summary>The image with the attribute where the assembly has it.</summary>
    /// <param name="image">What crossgen2 made of <see cref="Prepare"/>'s result.</param>
    /// <param name="assembly">The kernel assembly.</param>
    /// <exception cref="BadImageFormatException">The image has other methods than the assembly.</exception>
    public static byte[] Finish(byte[] image, byte[] assembly)
    {
        byte[] finished = [.. image];
        int[] from = [.. Methods(assembly)], to = [.. Methods(finished)];
        if (from.Length != to.Length) throw new BadImageFormatException("The image has other methods than the assembly that it was made of.");
        for (int i = 0; i < to.Length; i++) assembly.AsSpan(from[i], sizeof(ushort)).CopyTo(finished.AsSpan(to[i], sizeof(ushort)));
        return finished;
    }

    private static ushort Read(ReadOnlySpan<byte> flags) => BinaryPrimitives.ReadUInt16LittleEndian(flags);

    /// <summary>Where the flags of each method lie.</summary>
    private static IEnumerable<int> Methods(byte[] assembly)
    {
        using PEReader file = new(new MemoryStream(assembly, writable: false));
        MetadataReader metadata = file.GetMetadataReader();
        int table = file.PEHeaders.MetadataStartOffset + metadata.GetTableMetadataOffset(TableIndex.MethodDef), row = metadata.GetTableRowSize(TableIndex.MethodDef);
        return [.. Enumerable.Range(0, metadata.GetTableRowCount(TableIndex.MethodDef)).Select(i => table + (i * row) + OffsetOfImplFlags)];
    }
}
