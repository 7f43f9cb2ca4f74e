namespace Lathe.Runtime.Execution;

/// <summary>What an <see cref="Operation"/> does.</summary>
internal enum OperationKind
{
    /// <summary>Calls the kernel.</summary>
    Call,

    /// <summary>Starts the kernel on an accelerator.</summary>
    Launch,

    /// <summary>Starts a copy between the host's memory and an accelerator's.</summary>
    Transfer,

    /// <summary>Copies inside the host's memory, where the CPU stands in for an accelerator.</summary>
    Copy,

    /// <summary>Calls the routine.</summary>
    Routine,

    /// <summary>Goes on with the target where the condition is false.</summary>
    Branch,

    /// <summary>Goes on with the target.</summary>
    Jump,

    /// <summary>Reads computed dims.</summary>
    Measure,

    /// <summary>Sets a loop's counter to 0 and takes its first values in; goes on with the target where there is nothing to do.</summary>
    LoopBegin,

    /// <summary>Hands values on, counts, and goes on with the target where there is something left to do.</summary>
    LoopEnd,
}

/// <summary>A step of a request, with everything computed that does not change from inference to inference.</summary>
internal unsafe struct Operation
{
    public OperationKind Kind;

    /// <summary>The operation that a branch or jump goes to; of a transfer, its number among the request's transfers.</summary>
    public int Target;

    /// <summary>The number of the step among the request's; of a measurement or a loop, the number of the assignment.</summary>
    public int Step;

    /// <summary>The accelerator of a launch or transfer, or the one that the CPU stands in for; 0 for all else.</summary>
    public int Device;

    /// <summary>True for a transfer from an accelerator's memory to the host's.</summary>
    public bool IsRead;

    /// <summary>How many parts the extent is divided into.</summary>
    public int Slices;

    /// <summary>The kernel; a native one has the platform's own calling convention.</summary>
    public delegate*<byte**, nint*, nint, nint, byte*, int> Function;

    /// <summary>True for a native kernel.</summary>
    public bool IsNative;

    /// <summary>
    /// The kernel's buffers; of a transfer or copy, those that it reads and writes; of a branch or measurement, the one that it reads; of a loop, three for each value that it carries: initial, state, next.
    /// </summary>
    public byte** Buffers;

    /// <summary>The kernel's dims.</summary>
    public nint* Dims;

    /// <summary>The length of the parallel axis; of a loop, how often it runs; of a transfer or copy, its bytes.</summary>
    public nint Extent;
}
