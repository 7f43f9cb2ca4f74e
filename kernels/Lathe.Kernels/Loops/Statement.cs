using Lathe.Runtime;

namespace Lathe.Kernels.Loops;

/// <summary>
/// A statement of a loop program. There are two dialects of these records. <i>Scheduled</i>: all kinds of loops, register arrays, any
/// index, tables. <i>Final</i>, what targets print: serial and parallel loops only, no register arrays, vectors of the machine's width, every
/// address a pointer plus a constant.
/// </summary>
public abstract record Statement
{
    private protected Statement()
    {
    }
}

/// <summary>What a loop becomes.</summary>
public enum LoopKind
{
    /// <summary>A loop.</summary>
    Serial,

    /// <summary>The kernel's parallel axis: it runs over the slice [from, to) that the caller gives. At most one, outermost.</summary>
    Parallel,

    /// <summary>Copies of its body. Scheduled dialect only.</summary>
    Unroll,

    /// <summary>The lanes of a vector. Scheduled dialect only.</summary>
    Vector,

    /// <summary>The parts of a dot product instruction. Scheduled dialect only.</summary>
    Dot,

    /// <summary>Work-groups of a GPU.</summary>
    Group,

    /// <summary>Work-items of a work-group.</summary>
    Lane,
}

/// <summary>Where memory lives.</summary>
public enum MemoryScope
{
    /// <summary>Registers: indices are constants after unrolling. Scheduled dialect only.</summary>
    Register,

    /// <summary>The scratch memory of a thread.</summary>
    Thread,

    /// <summary>The local memory of a work-group.</summary>
    Group,
}

/// <summary>Statements in order.</summary>
public sealed record Sequence(EquatableArray<Statement> Statements) : Statement;

/// <summary>One of two statements. The condition is a scalar bool.</summary>
public sealed record If(Expr Condition, Statement Then, Statement? Else = null) : Statement;

/// <summary>A loop over [Lo, Hi). The bounds of a parallel loop are the whole axis; code may read the start of its slice as <see cref="Kernel.From"/>.</summary>
public sealed record For(IndexVar Variable, IndexExpr Lo, IndexExpr Hi, LoopKind Kind, Statement Body) : Statement;

/// <summary>A comment in the emitted source.</summary>
public sealed record Note(string Text) : Statement;

/// <summary>A name for a value, from here to the end of the block.</summary>
public sealed record Let(string Name, Expr Value) : Statement;

/// <summary>A name for an index, from here to the end of the block; the variable carries the range.</summary>
public sealed record LetIndex(IndexVar Variable, IndexExpr Value) : Statement;

/// <summary>A mutable scalar or vector, from here to the end of the block. Unset until assigned.</summary>
public sealed record Local(string Name, VectorType Type) : Statement;

/// <summary>Sets a <see cref="Local"/>.</summary>
public sealed record Assign(string Name, Expr Value) : Statement;

/// <summary>A name for the address <paramref name="Offset"/> elements into a buffer or another pointer; loads and stores may use it as a buffer.</summary>
public sealed record Pointer(string Name, string Buffer, IndexExpr Offset) : Statement;

/// <summary>Memory of <paramref name="Size"/> elements, named within the body, uninitialised.</summary>
public sealed record Alloc(string Name, ElementType Element, IndexExpr Size, MemoryScope Scope, Statement Body) : Statement;

/// <summary>
/// Named constants, from here to the end of the block, which loads read as a buffer: the matrices of a transform. Scheduled dialect only;
/// after unrolling their indices are constants and the loads fold.
/// </summary>
/// <param name="Name">The name.</param>
/// <param name="Element">The type of an element.</param>
/// <param name="Values">The elements; the type holds each exactly.</param>
public sealed record Table(string Name, ElementType Element, EquatableArray<double> Values) : Statement;

/// <summary>Stores a value's lanes at consecutive elements, <paramref name="Stride"/> apart. Lanes that the mask excludes are not written.</summary>
public sealed record Store(string Buffer, IndexExpr Index, Expr Value, Expr? Mask = null, long Stride = 1, bool Streaming = false) : Statement;

/// <summary>
/// Copies a block of elements of 32 bits so that rows become columns: <c>To[ToIndex + i·ToStride + j] = From[FromIndex + j·FromStride + i]</c> for i below
/// <paramref name="Rows"/> and j below <paramref name="Columns"/>, neither more than a vector's lanes. It stands for two vector loops, one inside the other,
/// of which each is along the other's stride.
/// </summary>
public sealed record TransposeBlock(
    string To, IndexExpr ToIndex, IndexExpr ToStride, string From, IndexExpr FromIndex, IndexExpr FromStride, long Rows, long Columns) : Statement;

/// <summary>Asks for a cache line ahead of its use.</summary>
public sealed record Prefetch(string Buffer, IndexExpr Index) : Statement;

/// <summary>Waits for the other work-items of the group.</summary>
public sealed record Barrier : Statement;

/// <summary>Ends the kernel with a nonzero error code.</summary>
public sealed record Fail(int Code) : Statement;

/// <summary>A buffer that the kernel is given.</summary>
/// <param name="Name">Its name in the body.</param>
/// <param name="Element">Its element type.</param>
/// <param name="Written">True if the kernel writes it.</param>
public sealed record Parameter(string Name, ElementType Element, bool Written);

/// <summary>A loop program with its parameters: <c>kernel(buffers, dims, from, to, scratch)</c>.</summary>
/// <param name="Name">An identifier, unique in its module.</param>
/// <param name="Summary">The mathematics and the shapes in a sentence, for the emitted source.</param>
/// <param name="Parameters">The buffers in the caller's order.</param>
/// <param name="Dims">The named dims in the caller's order.</param>
/// <param name="Body">The program.</param>
public sealed record Kernel(string Name, string Summary, EquatableArray<Parameter> Parameters, EquatableArray<IndexVar> Dims, Statement Body)
{
    /// <summary>The start of the slice of the parallel axis that a call computes.</summary>
    public static IndexVar From { get; } = new("from", 0, long.MaxValue);

    /// <summary>The end of the slice of the parallel axis that a call computes.</summary>
    public static IndexVar To { get; } = new("to", 0, long.MaxValue);
}
