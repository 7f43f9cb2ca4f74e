namespace Lathe.Runtime.Execution;

/// <summary>What an <see cref="Operation"/> does.</summary>
internal enum OperationKind
{
    /// <summary>Calls the kernel.</summary>
    Call,

    /// <summary>Goes on with the target where the condition is false.</summary>
    Branch,

    /// <summary>Goes on with the target.</summary>
    Jump,
}

/// <summary>A step of a request, with everything computed that does not change from inference to inference.</summary>
internal unsafe struct Operation
{
    public OperationKind Kind;

    /// <summary>The operation that a branch or jump goes to.</summary>
    public int Target;

    /// <summary>The number of the kernel step among the request's.</summary>
    public int Step;

    /// <summary>How many parts the extent is divided into.</summary>
    public int Slices;

    /// <summary>The kernel.</summary>
    public delegate*<byte**, nint*, nint, nint, byte*, int> Function;

    /// <summary>The kernel's buffers; of a branch, one buffer that holds the condition.</summary>
    public byte** Buffers;

    /// <summary>The kernel's dims.</summary>
    public nint* Dims;

    /// <summary>The length of the parallel axis.</summary>
    public nint Extent;
}
