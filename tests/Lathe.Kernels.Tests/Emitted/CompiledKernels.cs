using System.Runtime.InteropServices;
using Lathe.Kernels.Loops.Interpretation;
using Lathe.Kernels.Schedules;

namespace Lathe.Kernels.Tests.Emitted;

/// <summary>Kernels of one machine that a target made and that can be called.</summary>
public abstract class CompiledKernels
{
    /// <summary>A call of a kernel by its ABI.</summary>
    public unsafe delegate int Call(byte** buffers, nint* dims, nint from, nint to, byte* scratch);

    /// <summary>A kernel.</summary>
    public abstract Call Find(string name);

    /// <summary>What the kernels were compiled from.</summary>
    public abstract string Source { get; }

    /// <summary>The sizes of the buffers of a call, guards included, and behind them that of the scratch memory.</summary>
    protected IReadOnlyList<long> Sizes { get; private set; } = [];

    /// <summary>Calls a kernel for slices of its parallel axis, in aligned memory whose end is followed by a guard pattern.</summary>
    public unsafe int Run(ScheduledKernel kernel, IReadOnlyList<Memory> buffers, IReadOnlyList<long> dims, params (long From, long To)[] slices)
    {
        Dictionary<string, long> values = new(StringComparer.Ordinal);
        for (int i = 0; i < dims.Count; i++) values[kernel.Kernel.Dims[i].Name] = dims[i];
        long scratchBytes = kernel.ScratchBytes.Evaluate(v => values[v.Name]);
        nint[] dimValues = [.. dims.Select(d => (nint)d), 0];
        const int guard = 256;
        byte** pointers = stackalloc byte*[buffers.Count + 1];
        byte* scratch = (byte*)NativeMemory.AlignedAlloc((nuint)(scratchBytes + guard), 64);
        new Span<byte>(scratch, (int)scratchBytes + guard).Fill(0xA5);
        try
        {
            for (int i = 0; i < buffers.Count; i++)
            {
                Span<byte> bytes = buffers[i].Bytes;
                pointers[i] = (byte*)NativeMemory.AlignedAlloc((nuint)(bytes.Length + guard), 64);
                bytes.CopyTo(new Span<byte>(pointers[i], bytes.Length));
                new Span<byte>(pointers[i] + bytes.Length, guard).Fill(0xA5);
            }

            Sizes = [.. buffers.Select(b => (long)b.Bytes.Length + guard), scratchBytes + guard];
            int code = 0;
            Call call = Find(kernel.Kernel.Name);
            fixed (nint* d = dimValues)
                foreach ((long from, long to) in slices) code |= call(pointers, d, (nint)from, (nint)to, scratch);
            for (int i = 0; i < buffers.Count; i++)
            {
                int length = buffers[i].Bytes.Length;
                if (new Span<byte>(pointers[i] + length, guard).ContainsAnyExcept((byte)0xA5)) throw new InvalidOperationException($"{kernel.Kernel.Name} writes beyond the end of buffer {i}.");
                new Span<byte>(pointers[i], length).CopyTo(buffers[i].Bytes);
                buffers[i].MarkWritten();
            }

            if (new Span<byte>(scratch + scratchBytes, guard).ContainsAnyExcept((byte)0xA5)) throw new InvalidOperationException($"{kernel.Kernel.Name} writes beyond its scratch memory.");
            return code;
        }
        finally
        {
            for (int i = 0; i < buffers.Count; i++) NativeMemory.AlignedFree(pointers[i]);
            NativeMemory.AlignedFree(scratch);
        }
    }
}
