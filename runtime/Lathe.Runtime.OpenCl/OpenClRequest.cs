using System.Text;
using Lathe.Runtime.Devices;
using Lathe.Runtime.OpenCl.Interop;

namespace Lathe.Runtime.OpenCl;

/// <summary>
/// The memory and the in-order queue of one inference at a time. Inputs and outputs are the host's memory, used by the device; the host has it mapped between inferences.
/// </summary>
internal sealed unsafe partial class OpenClRequest : DeviceRequest
{
    private const string InTheRun = "Running the model";

    /// <summary>How many kernels may wait behind the one that runs: what was started cannot be called back when an inference is cancelled.</summary>
    private const int MostAhead = 4;

    private readonly OpenClModel _model;
    private readonly ClHandle _context;
    private readonly ClProgram _program;
    private readonly ClHandle _queue;
    private readonly bool _profiling;
    private readonly List<ClHandle> _memories = [];
    private readonly List<HostMemory?> _tensors = [];
    private readonly HashSet<int> _unbound = [];
    private readonly Dictionary<int, ClHandle> _kernels = [];
    private readonly List<(int Step, ClHandle Event)> _events = [];
    private readonly Queue<ClHandle> _ahead = [];
    private readonly ClHandle _none = new(0, &CL.ReleaseMemObject);
    private ClHandle _scratch;
    private long _scratchBytes;
    private bool _isRunning;

    /// <exception cref="LatheException">LATHE0511: the device fails.</exception>
    /// <exception cref="ObjectDisposedException">The model is disposed.</exception>
    public OpenClRequest(OpenClModel model, bool profiling)
    {
        (_model, _profiling, _context, _program) = (model, profiling, model.Context, model.Program);
        // All that a request uses of the model lives as long as its queue, whatever becomes of the model.
        _queue = new(
            () =>
            {
                int error;
                nint queue = CL.CreateCommandQueue(model.Context.Value, model.Id, profiling ? CL.QueueProfilingEnable : 0, &error);
                ClError.Check(error, "Opening a queue");
                return queue;
            },
            &CL.ReleaseCommandQueue,
            model.Context,
            model.Program.Handle,
            model.Weights,
            model.Prepared);
        _scratch = new(0, &CL.ReleaseMemObject);
        _memories.Add(model.Weights);
        _memories.Add(new(0, &CL.ReleaseMemObject));
        _memories.Add(model.Prepared);
    }

    /// <summary>The memory of an input or output; null for an empty one.</summary>
    internal HostMemory? MemoryOf(int tensor) => _tensors[tensor];

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
            _tensors.Add(null);
            _memories.Add(_none);
        }

        if (pointer == null) bytes = 0;
        HostMemory? known = _tensors[tensor];
        if (known is not null ? known.Pointer != pointer || known.Bytes != bytes : bytes > 0)
        {
            // Until all of it has succeeded, what was there before stays.
            _unbound.Add(tensor);
            HostMemory? memory = bytes == 0 ? null : Shared(tensor, pointer, bytes) ?? Create(tensor, pointer, bytes);
            Use(tensor, memory);
            // Memory objects over the same memory of the host must not be used at the same time.
            for (int input = 0; memory is not null && tensor < _model.Inputs && input < Math.Min(_model.Inputs, _tensors.Count); input++)
                if (_tensors[input]?.Pointer == pointer) Use(input, memory);
        }

        _unbound.Remove(tensor);
    }

    /// <inheritdoc/>
    public override void Begin()
    {
        Forget(_events);
        Forget(_copies);
        _isRunning = true;
        foreach (HostMemory? memory in _tensors) memory?.Unmap(_queue);
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
            if (_unbound.Contains(buffer.Memory - DeviceAddress.FirstTensor)) throw new LatheException(ErrorIds.DeviceFailed, "An input or output could not be bound, and is not there.");
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
        // Beside other devices the host goes on with its own work, and waits for copies only.
        bool isWatched = _model.RunsAll || _profiling;
        int code = CL.EnqueueNDRangeKernel(_queue.Value, kernel.Value, 1, null, &global, &local, 0, null, isWatched ? &signal : null);
        if (code != CL.Success) throw ClError.Of(code, $"Starting kernel '{_model.Functions[launch.Function]}'");
        if (!isWatched) return;
        ClHandle done = new(signal, &CL.ReleaseEvent);
        if (_profiling) _events.Add((launch.Step, done));
        if (!_model.RunsAll) return;
        _ahead.Enqueue(done);
        if (_ahead.Count > MostAhead) Wait(_ahead.Dequeue());
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
        try
        {
            foreach (HostMemory? memory in _tensors) memory?.Map(_queue, isBlocking: false);
        }
        finally
        {
            // Nothing of an inference is left, also of one that failed: its memory may go.
            int finished = CL.Finish(_queue.Value);
            while (_ahead.TryDequeue(out ClHandle? done))
                if (!_profiling) done.Dispose();
            ClError.Check(finished, InTheRun);
        }

        _program.Keep(_kernels.Count);
    }

    /// <inheritdoc/>
    public override void Measured(Action<int, long> each)
    {
        foreach ((int step, ClHandle signal) in _events.Concat(_copies))
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
        Forget(_events);
        Forget(_copies);
        foreach (ClHandle done in _ahead) done.Dispose();
        foreach (ClHandle kernel in _kernels.Values) kernel.Dispose();
        foreach (HostMemory? memory in _tensors) memory?.Handle.Dispose();
        _memories[DeviceAddress.Arena].Dispose();
        _scratch.Dispose();
        _none.Dispose();
        _queue.Dispose();
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

    private HostMemory Create(int tensor, byte* pointer, long bytes)
    {
        int error;
        ulong access = tensor < _model.Inputs ? CL.MemReadOnly : CL.MemReadWrite;
        ClHandle handle = new(CL.CreateBuffer(_context.Value, access | CL.MemUseHostPtr, (nuint)bytes, pointer, &error), &CL.ReleaseMemObject);
        ClError.Check(error, "Binding an input or output");
        HostMemory memory = new(handle, pointer, bytes);
        try
        {
            if (!_isRunning) memory.Map(_queue, isBlocking: true);
            return memory;
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>The memory of an input that is bound to the same place; null if there is none, or it is shorter.</summary>
    private HostMemory? Shared(int tensor, byte* pointer, long bytes) =>
        tensor < _model.Inputs ? _tensors.Take(_model.Inputs).FirstOrDefault(m => m is not null && m.Pointer == pointer && m.Bytes >= bytes) : null;

    private void Use(int tensor, HostMemory? memory)
    {
        HostMemory? old = _tensors[tensor];
        if (old == memory) return;
        _tensors[tensor] = memory;
        _memories[DeviceAddress.FirstTensor + tensor] = memory?.Handle ?? _none;
        if (memory is not null) memory.Users++;
        if (old is null || --old.Users > 0) return;
        try
        {
            old.Unmap(_queue);
            ClError.Check(CL.Finish(_queue.Value), InTheRun);
        }
        finally
        {
            old.Handle.Dispose();
        }
    }

    private void Wait(ClHandle done)
    {
        nint signal = done.Value;
        int code = CL.WaitForEvents(1, &signal);
        if (!_profiling) done.Dispose();
        ClError.Check(code, InTheRun);
    }
}
