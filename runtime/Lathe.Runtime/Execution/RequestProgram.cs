using Lathe.Runtime.Plans;

namespace Lathe.Runtime.Execution;

/// <summary>A kernel step of a request with its work for the request's dims.</summary>
internal sealed record RequestStep(KernelStep Plan, long Macs, long Traffic, int Slices);

/// <summary>
/// A plan made ready for certain dims: one block of native memory (arena, scratch, pointer and dims tables), the inputs and outputs, and the
/// operations over them.
/// </summary>
internal sealed unsafe class RequestProgram(
    NativeBlock memory,
    Operation[] operations,
    RequestStep[] steps,
    TensorMemory[] inputs,
    TensorMemory[] outputs,
    byte* scratch,
    long scratchStride,
    byte** pointers)
{
    public NativeBlock Memory => memory;

    public Operation[] Operations => operations;

    public RequestStep[] Steps => steps;

    public TensorMemory[] Inputs => inputs;

    public TensorMemory[] Outputs => outputs;

    /// <summary>The scratch memory of slice 0; that of slice k lies k strides further.</summary>
    public byte* Scratch => scratch;

    public long ScratchStride => scratchStride;

    /// <summary>Makes the kernels read an input at another place.</summary>
    public void Bind(TensorMemory input, byte* pointer)
    {
        input.Current = pointer;
        foreach (int slot in input.Slots) pointers[slot] = pointer;
    }
}
