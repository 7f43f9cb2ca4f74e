using System.Text;
using Lathe.Kernels.Loops;
using Lathe.Kernels.Schedules;
using Lathe.Kernels.Targets;
using Lathe.Kernels.Targets.OpenCl;
using Lathe.Runtime.OpenCl;
using Lathe.Runtime.OpenCl.Interop;

namespace Lathe.Kernels.Tests.Emitted;

/// <summary>Kernels of one machine, printed as OpenCL C and built by a device. For one thread at a time.</summary>
public sealed unsafe class OpenClKernels : CompiledKernels, IDisposable
{
    private readonly Dictionary<string, Kernel> _kernels;
    private readonly ClHandle _context;
    private readonly ClHandle _queue;
    private readonly ClHandle _program;

    /// <summary>Builds kernels whose names are distinct.</summary>
    public OpenClKernels(Machine machine, IReadOnlyList<ScheduledKernel> kernels)
    {
        Source = OpenClPrinter.Print(machine, [.. kernels.Select(k => k.Kernel)]);
        _kernels = kernels.ToDictionary(k => k.Kernel.Name, k => k.Kernel);
        OpenClDevice device = OpenClDevice.Choose();
        nint id = device.Id;
        int error;
        _context = new(CL.CreateContext(null, 1, &id, 0, 0, &error), &CL.ReleaseContext);
        ClError.Check(error, "context");
        _queue = new(CL.CreateCommandQueue(_context.Value, device.Id, 0, &error), &CL.ReleaseCommandQueue);
        ClError.Check(error, "queue");
        // As a model is built, but that what was compiled before does not stand in for what is printed now.
        _program = ClProgram.FromSource(device, id, _context, Source, "-cl-std=CL1.2 -cl-fp32-correctly-rounded-divide-sqrt");
    }

    /// <inheritdoc/>
    public override string Source { get; }

    /// <summary>Why there is no device here, or null if there is.</summary>
    public static string? Unsupported => OpenClDevice.All().Count == 0 ? "There is no OpenCL device (apt-get install pocl-opencl-icd ocl-icd-libopencl1)." : null;

    /// <inheritdoc/>
    public override Call Find(string name) => (buffers, dims, from, to, scratch) =>
    {
        Kernel kernel = _kernels[name];
        List<ClHandle> made = [];
        int error;
        try
        {
            fixed (byte* text = Encoding.ASCII.GetBytes($"{name}{OpenClPrinter.KernelEnding}\0")) made.Add(new(CL.CreateKernel(_program.Value, text, &error), &CL.ReleaseKernel));
            ClError.Check(error, name);
            uint at = 0;
            for (int i = 0; i < kernel.Parameters.Length; i++)
            {
                Memory(buffers[i], Sizes[i]);
                Number(0);
            }

            for (int i = 0; i < kernel.Dims.Length; i++) Number(dims[i]);
            Number(from);
            Number(to);
            // Two work-items where there is no scratch memory, which here is one thread's.
            long items = Sizes[^1] > 256 || to - from < 2 ? 1 : 2;
            Number((to - from + items - 1) / items);
            Memory(scratch, Sizes[^1]);
            Number(0);
            nuint global = (nuint)items, local = 1;
            ClError.Check(CL.EnqueueNDRangeKernel(_queue.Value, made[0].Value, 1, null, &global, &local, 0, null, null), name);
            // The host sees what was written where it has it mapped.
            for (int i = 0; i < kernel.Parameters.Length; i++)
            {
                void* mapped = (void*)CL.EnqueueMapBuffer(_queue.Value, made[1 + i].Value, 1, CL.MapRead, 0, (nuint)Sizes[i], 0, null, null, &error);
                ClError.Check(error, name);
                CL.EnqueueUnmapMemObject(_queue.Value, made[1 + i].Value, mapped, 0, null, null);
            }

            ClError.Check(CL.Finish(_queue.Value), name);
            return 0;

            void Memory(byte* pointer, long bytes)
            {
                int code;
                made.Add(new(CL.CreateBuffer(_context.Value, CL.MemReadWrite | CL.MemUseHostPtr, (nuint)bytes, pointer, &code), &CL.ReleaseMemObject));
                ClError.Check(code, name);
                nint value = made[^1].Value;
                ClError.Check(CL.SetKernelArg(made[0].Value, at++, (nuint)sizeof(nint), &value), name);
            }

            void Number(long value) => ClError.Check(CL.SetKernelArg(made[0].Value, at++, sizeof(long), &value), name);
        }
        finally
        {
            foreach (ClHandle handle in made) handle.Dispose();
        }
    };

    /// <inheritdoc/>
    public void Dispose()
    {
        _queue.Dispose();
        _program.Dispose();
        _context.Dispose();
    }
}
