using Lathe.Runtime.Plans;

namespace Lathe.Runtime.Routines;

/// <summary>What a routine is given: its operands, its attributes and scratch memory. One per step of a request, used for every inference.</summary>
internal sealed unsafe class RoutineCall(string model, RoutineStep step)
{
    private readonly RoutineTensor[] _operands = [.. step.Operands.Select(operand => new RoutineTensor(operand.Type, new long[operand.Dims.Count]))];

    /// <summary>The routine.</summary>
    public RoutineCode Code { get; } = Routine.Find(step.Routine) ?? throw PlanFormat.Corrupt($"there is no routine '{step.Routine}'");

    /// <summary>The integer attributes.</summary>
    public IReadOnlyList<long> Integers => step.Integers;

    /// <summary>The other numbers.</summary>
    public IReadOnlyList<double> Floats => step.Floats;

    /// <summary>How many operands there are, absent ones among them.</summary>
    public int Count => _operands.Length;

    /// <summary>Scratch memory, aligned to 64 bytes, of the size that the step states; its contents are left over from others.</summary>
    public byte* Scratch { get; set; }

    /// <summary>An operand.</summary>
    public RoutineTensor this[int operand] => _operands[operand];

    /// <summary>True if an optional operand is given.</summary>
    public bool Has(int operand) => operand < _operands.Length && step.Operands[operand].Buffer >= 0;

    /// <summary>The error that data do not fit: an index that is outside its tensor, a count that is negative.</summary>
    public LatheException Bad(string reason) =>
        new(ErrorIds.Data, $"Model '{model}': node '{step.Node}' ({step.Op}): {reason}.");
}

/// <summary>A row-major tensor of a call.</summary>
internal sealed unsafe class RoutineTensor(ElementType type, long[] dims)
{
    /// <summary>The element type.</summary>
    public ElementType Type => type;

    /// <summary>The dims, outermost first.</summary>
    public long[] Dims => dims;

    /// <summary>The first element.</summary>
    public byte* Pointer { get; set; }

    /// <summary>The number of elements.</summary>
    public long Count
    {
        get
        {
            long count = 1;
            foreach (long dim in dims) count *= dim;
            return count;
        }
    }

    /// <summary>The first element as a pointer to its .NET type.</summary>
    public T* As<T>()
        where T : unmanaged => (T*)Pointer;

    /// <summary>An element of an integer or bool tensor.</summary>
    public long Integer(long at) => type switch
    {
        ElementType.Int64 => As<long>()[at],
        ElementType.Int32 => As<int>()[at],
        ElementType.UInt64 => unchecked((long)As<ulong>()[at]),
        ElementType.UInt32 => As<uint>()[at],
        ElementType.Int16 => As<short>()[at],
        ElementType.UInt16 => As<ushort>()[at],
        ElementType.Int8 => As<sbyte>()[at],
        _ => As<byte>()[at],
    };

    /// <summary>The size of the dims from one axis to before another.</summary>
    public long Extent(int from, int to)
    {
        long extent = 1;
        for (int axis = from; axis < to; axis++) extent *= dims[axis];
        return extent;
    }
}
