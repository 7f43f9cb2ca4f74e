using System.Text;
using Lathe.Runtime.Devices;
using Lathe.Runtime.OpenCl.Interop;

namespace Lathe.Runtime.OpenCl;

/// <summary>
/// The memory and the in-order queue of one inference at a time. Inputs and outputs are the host's memory, used by the device; the host has it mapped between inferences.
/// </summary>
internal sealed unsafe class OpenClRequest : DeviceRequest
{
    private const string InTheRun = "Running the model";

    private readonly OpenClModel _model;
    private readonly ClHandle _context;
    private readonly ClProgram _program;
    private readonly ClHandle _queue;
    private readonly bool _profiling;
    private readonly List<ClHandle> _memories = [];
    private readonly List<Mapping> _tensors = [];
    private readonly Dictionary<int, ClHandle> _kernels = [];
    private readonly List<(int Step, ClHandle Event)> _events = [];
    private ClHandle _scratch;
    private long _scratchBytes;
    private bool _isRunning;

    public OpenClRequest(OpenClModel model, bool profiling)
    {
        (_model, _profiling) = (model, profiling);
        (_context, _program) = (model.Context, model.Program);
        // Held as long as this is, whatever becomes of the model.
        bool added = false;
        _context.DangerousAddRef(ref added);
        _program.Handle.DangerousAddRef(ref added);
        _scratch = new(0, &CL.ReleaseMemObject);
        ClHandle weights = new(model.Weights.Value, &CL.ReleaseMemObject);
        if (!weights.IsInvalid) CL.RetainMemObject(weights.Value);
        _memories.Add(weights);
        _memories.Add(new(0, &CL.ReleaseMemObject));
        int error;
        _queue = new(CL.CreateCommandQueue(_context.Value, model.Id, profiling ? CL.QueueProfilingEnable : 0, &error), &CL.ReleaseCommandQueue);
        ClError.Check(error, "Opening a queue");
    }

    /// <inheritdoc/>
    public override void ResizeArena(long bytes, long kept)
    {
        ClHandle larger = Allocate(bytes), old = _memories[DeviceAddress.Arena];
        _memories[DeviceAddress.Arena] = larger;
        if (kept > 0) ClError.Check(CL.EnqueueCopyBuffer(_queue.Value, old.Value, larger.Value, 0, 0, (nuint)kept, 0, null, null), InTheRun);
        // What is enqueued holds on to it.
        old.Dispose();
    }

    /// <inheritdoc/>
    public override void Bind(int tensor, byte* pointer, long bytes)
    {
        while (_tensors.Count <= tensor)
        {
            _tensors.Add(default);
            _memories.Add(new(0, &CL.ReleaseMemObject));
        }

        if (_tensors[tensor] is var known && known.Pointer == pointer && known.Bytes == bytes) return;
        ClHandle old = _memories[DeviceAddress.FirstTensor + tensor];
        if (!old.IsInvalid && !_isRunning) Unmap(old, known.Pointer);
        if (!old.IsInvalid) ClError.Check(CL.Finish(_queue.Value), InTheRun);
        old.Dispose();
        _tensors[tensor] = new(pointer, bytes);
        _memories[DeviceAddress.FirstTensor + tensor] = new(0, &CL.ReleaseMemObject);
        if (pointer == null || bytes == 0) return;
        int error;
        ClHandle memory = new(CL.CreateBuffer(_context.Value, CL.MemReadWrite | CL.MemUseHostPtr, (nuint)bytes, pointer, &error), &CL.ReleaseMemObject);
        ClError.Check(error, "Binding an input or output");
        _memories[DeviceAddress.FirstTensor + tensor] = memory;
        if (!_isRunning) Map(memory, bytes, isBlocking: true);
    }

    /// <inheritdoc/>
    public override void Begin()
    {
        foreach ((_, ClHandle signal) in _events) signal.Dispose();
        _events.Clear();
        _isRunning = true;
        for (int i = 0; i < _tensors.Count; i++)
            if (_memories[DeviceAddress.FirstTensor + i] is { IsInvalid: false } memory) Unmap(memory, _tensors[i].Pointer);
    }

    /// <inheritdoc/>
    public override void Launch(in DeviceLaunch launch)
    {
        // A kernel's arguments stay set, so that each step has a kernel of its own.
        if (!_kernels.TryGetValue(launch.Step, out ClHandle? kernel)) _kernels.Add(launch.Step, kernel = Create(launch));
        long items = ItemsOf(launch.Extent, launch.ScratchBytes), slice = (launch.Extent + items - 1) / items;
        items = (launch.Extent + slice - 1) / slice;
        if (items * launch.ScratchBytes > _scratchBytes)
        {
            ClHandle larger = Allocate(items * launch.ScratchBytes);
            _scratch.Dispose();
            (_scratch, _scratchBytes) = (larger, items * launch.ScratchBytes);
        }

        uint at = 0;
        foreach (DeviceAddress buffer in launch.Buffers)
        {
            Argument(kernel, at++, _memories[buffer.Memory].Value);
            Argument(kernel, at++, buffer.Offset);
        }

        foreach (nint dim in launch.Dims) Argument(kernel, at++, (long)dim);
        Argument(kernel, at++, 0L);
        Argument(kernel, at++, launch.Extent);
        Argument(kernel, at++, slice);
        Argument(kernel, at++, _scratch.Value);
        Argument(kernel, at++, launch.ScratchBytes);
        nuint global = (nuint)items, local = 1;
        nint signal = 0;
        int code = CL.EnqueueNDRangeKernel(_queue.Value, kernel.Value, 1, null, &global, &local, 0, null, _profiling ? &signal : null);
        if (code != CL.Success) throw ClError.Of(code, $"Starting kernel '{_model.Functions[launch.Function]}'");
        if (_profiling) _events.Add((launch.Step, new(signal, &CL.ReleaseEvent)));
    }

    /// <inheritdoc/>
    public override void Read(DeviceAddress from, byte* to, long bytes) =>
        ClError.Check(CL.EnqueueReadBuffer(_queue.Value, _memories[from.Memory].Value, 1, (nuint)from.Offset, (nuint)bytes, to, 0, null, null), InTheRun);

    /// <inheritdoc/>
    public override void Copy(DeviceAddress to, DeviceAddress from, long bytes) => ClError.Check(
        CL.EnqueueCopyBuffer(_queue.Value, _memories[from.Memory].Value, _memories[to.Memory].Value, (nuint)from.Offset, (nuint)to.Offset, (nuint)bytes, 0, null, null), InTheRun);

    /// <inheritdoc/>
    public override void End()
    {
        if (!_isRunning) return;
        _isRunning = false;
        for (int i = 0; i < _tensors.Count; i++)
            if (_memories[DeviceAddress.FirstTensor + i] is { IsInvalid: false } memory) Map(memory, _tensors[i].Bytes, isBlocking: false);
        ClError.Check(CL.Finish(_queue.Value), InTheRun);
        _program.Keep(_kernels.Count);
    }

    /// <inheritdoc/>
    public override void Measured(Action<int, long> each)
    {
        foreach ((int step, ClHandle signal) in _events)
        {
            ulong start, end;
            ClError.Check(CL.GetEventProfilingInfo(signal.Value, CL.ProfilingCommandStart, sizeof(ulong), &start, null), "Measuring a kernel");
            ClError.Check(CL.GetEventProfilingInfo(signal.Value, CL.ProfilingCommandEnd, sizeof(ulong), &end, null), "Measuring a kernel");
            each(step, (long)(end - start));
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (_queue.IsClosed) return;
        CL.Finish(_queue.Value);
        foreach ((_, ClHandle signal) in _events) signal.Dispose();
        foreach (ClHandle kernel in _kernels.Values) kernel.Dispose();
        foreach (ClHandle memory in _memories) memory.Dispose();
        _scratch.Dispose();
        _queue.Dispose();
        _program.Handle.DangerousRelease();
        _context.DangerousRelease();
    }

    private static void Argument(ClHandle kernel, uint index, nint value) => ClError.Check(CL.SetKernelArg(kernel.Value, index, (nuint)sizeof(nint), value == 0 ? null : &value), InTheRun);

    private static void Argument(ClHandle kernel, uint index, long value) => ClError.Check(CL.SetKernelArg(kernel.Value, index, sizeof(long), &value), InTheRun);

    private ClHandle Create(in DeviceLaunch launch)
    {
        int function = launch.Function;
        // A buffer is an object and an offset; behind the dims come the slice, the scratch memory and its size.
        long arguments = sizeof(long) * ((2L * launch.Buffers.Length) + launch.Dims.Length + 5);
        if (arguments > _model.Hardware.ParameterBytes)
        {
            throw new LatheException(
                ErrorIds.DeviceKernels,
                $"Kernel '{_model.Functions[function]}' takes {arguments} bytes of arguments, and the OpenCL device {_model.Hardware} at most {_model.Hardware.ParameterBytes}.");
        }

        int error;
        fixed (byte* name = Encoding.ASCII.GetBytes(_model.Functions[function] + '\0'))
        {
            ClHandle kernel = new(CL.CreateKernel(_program.Handle.Value, name, &error), &CL.ReleaseKernel);
            if (error != CL.Success) throw new LatheException(ErrorIds.DeviceKernels, $"The OpenCL device {_model.Hardware} has no kernel '{_model.Functions[function]}' ({ClError.Name(error)}).");
            return kernel;
        }
    }

    /// <summary>How many work-items an axis is divided among: on a CPU a few for each core, so that none waits long for the slowest; on others as many as there are and scratch memory allows.</summary>
    private long ItemsOf(long extent, long scratchBytes)
    {
        long most = _model.Hardware.IsCpu ? 4L * _model.Threads : 1 << 16;
        if (scratchBytes > 0) most = Math.Min(most, Math.Max(_model.Threads, _model.Hardware.MemoryBytes / 16 / scratchBytes));
        return Math.Clamp(most, 1, extent);
    }

    private ClHandle Allocate(long bytes)
    {
        int error;
        // Of 0 bytes there is none.
        ClHandle memory = new(CL.CreateBuffer(_context.Value, CL.MemReadWrite, (nuint)Math.Max(bytes, 64), null, &error), &CL.ReleaseMemObject);
        ClError.Check(error, $"Allocating {bytes} bytes");
        return memory;
    }

    private void Map(ClHandle memory, long bytes, bool isBlocking)
    {
        int error;
        CL.EnqueueMapBuffer(_queue.Value, memory.Value, isBlocking ? 1u : 0u, CL.MapRead | CL.MapWrite, 0, (nuint)bytes, 0, null, null, &error);
        ClError.Check(error, InTheRun);
    }

    private void Unmap(ClHandle memory, byte* pointer) => ClError.Check(CL.EnqueueUnmapMemObject(_queue.Value, memory.Value, pointer, 0, null, null), InTheRun);

    /// <summary>Where an input or output lies in the host's memory.</summary>
    private readonly struct Mapping(byte* pointer, long bytes)
    {
        public byte* Pointer { get; } = pointer;

        public long Bytes { get; } = bytes;
    }
}
