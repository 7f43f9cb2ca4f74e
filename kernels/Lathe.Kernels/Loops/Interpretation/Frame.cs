namespace Lathe.Kernels.Loops.Interpretation;

/// <summary>One lane of a float expression.</summary>
internal delegate double FloatLane(Frame frame, int lane);

/// <summary>One lane of an integer or bool expression.</summary>
internal delegate long IntegerLane(Frame frame, int lane);

/// <summary>The value of an index expression.</summary>
internal delegate long IndexCode(Frame frame);

/// <summary>A place in memory: what a buffer's or a pointer's name stands for.</summary>
internal readonly record struct Address(Memory Memory, long Offset);

/// <summary>What all frames of one run share.</summary>
internal sealed class Execution
{
    /// <summary>The statement that runs.</summary>
    public Statement? At { get; set; }

    /// <summary>The frame that it runs in.</summary>
    public required Frame Running { get; set; }

    /// <summary>Grows with every statement that computes values; within one, an expression has one value in each lane.</summary>
    public long Tick { get; set; }

    /// <summary>Grows at every barrier.</summary>
    public long Epoch { get; set; } = 1;
}

/// <summary>The names of a program, resolved to slots. Every work-item of a group has its own.</summary>
internal sealed class Frame
{
    /// <summary>Makes a frame of a run, or of a new one.</summary>
    public Frame(Execution? execution) => Execution = execution ?? new Execution { Running = this };

    public Execution Execution { get; }


    public required long[] Indices { get; init; }

    public required double[] Floats { get; init; }

    public required long[] Integers { get; init; }

    /// <summary>By the first slot of a local: whether it was assigned.</summary>
    public required bool[] FloatsSet { get; init; }

    public required bool[] IntegersSet { get; init; }

    /// <summary>When the values that are used several times were computed.</summary>
    public required long[] Stamps { get; init; }

    public required Address[] Buffers { get; init; }

    /// <summary>The number of the work-item in its group.</summary>
    public long Item { get; init; }

    /// <summary>Notes what runs now.</summary>
    public void Begin(Statement statement)
    {
        Execution.At = statement;
        Execution.Tick++;
    }

    /// <summary>A frame for one work-item, which starts with what is known outside.</summary>
    public Frame Fork(long item) => new(Execution)
    {
        Indices = (long[])Indices.Clone(),
        Floats = (double[])Floats.Clone(),
        Integers = (long[])Integers.Clone(),
        FloatsSet = (bool[])FloatsSet.Clone(),
        IntegersSet = (bool[])IntegersSet.Clone(),
        Stamps = (long[])Stamps.Clone(),
        Buffers = (Address[])Buffers.Clone(),
        Item = item,
    };

    /// <summary>Checks that an element may be read and says where it is.</summary>
    public long Readable(Address address, string name, long index)
    {
        Memory memory = address.Memory;
        long at = checked(address.Offset + index);
        if ((ulong)at >= (ulong)memory.Count) throw new InterpreterException($"reads element {at} of {name}, which has {memory.Count}");
        if (!memory.IsWritten(at)) throw new InterpreterException($"reads element {at} of {name}, which was never written");
        if (memory.Races is { } races && !races.Read(at, Execution.Epoch, Item))
            throw new InterpreterException($"reads element {at} of {name}, which another work-item wrote since the last barrier");
        return at;
    }

    /// <summary>Checks that an element may be written and says where it is.</summary>
    public long Writable(Address address, string name, long index)
    {
        Memory memory = address.Memory;
        long at = checked(address.Offset + index);
        if ((ulong)at >= (ulong)memory.Count) throw new InterpreterException($"writes element {at} of {name}, which has {memory.Count}");
        if (memory.Races is { } races && !races.Write(at, Execution.Epoch, Item))
            throw new InterpreterException($"writes element {at} of {name}, which another work-item touched since the last barrier");
        return at;
    }
}
