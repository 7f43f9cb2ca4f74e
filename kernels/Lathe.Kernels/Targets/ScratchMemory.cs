using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Kernels.Targets;

/// <summary>Where the scratch allocations of a kernel lie: one after another, each aligned to a cache line.</summary>
public static class ScratchMemory
{
    private const long Alignment = 64;

    /// <summary>The bytes of scratch that a kernel needs for each thread.</summary>
    public static IndexExpr Bytes(Kernel kernel) => Bytes(kernel.Body, IndexExpr.Zero);

    /// <summary>The bytes in use inside an allocation, given those in use around it.</summary>
    public static IndexExpr After(IndexExpr used, Alloc alloc) =>
        used + (IndexExpr.CeilDiv(alloc.Size * alloc.Element.Size(), Alignment) * Alignment);

    private static IndexExpr Bytes(Statement statement, IndexExpr used)
    {
        if (statement is Alloc { Scope: MemoryScope.Thread } alloc) used = After(used, alloc);
        IndexExpr most = used;
        foreach (Statement child in StatementWalk.Children(statement)) most = IndexExpr.Max(most, Bytes(child, used));
        return most;
    }
}
