using System.Diagnostics;
using Lathe.Runtime.Devices;
using Lathe.Runtime.Execution;
using Lathe.Runtime.Plans;

namespace Lathe.Runtime.Simulation;

/// <summary>
/// The memory and the queue of one inference at a time. What is asked for is done when somebody waits for it, by the thread that waits, so that a host that does not wait gets wrong results; the
/// clock goes on as if it were done meanwhile.
/// </summary>
internal sealed unsafe class SimulatedRequest : DeviceRequest
{
    private readonly SimulatedModel _model;
    private readonly Dictionary<int, Call> _calls = [];
    private readonly List<nint> _tensors = [];
    private NativeBlock? _arena;
    private NativeBlock? _scratch;
    private Work[] _queue = new Work[64];
    private int _count;
    private int _done;

    // Microseconds since the inference began: of the host, whose own time is real, and when the device will have done what it was asked for.
    private double _host;
    private double _device;
    private long _left;
    private double? _simulatedMs;
    private bool _isRunning;
    private bool _isDisposed;

    public SimulatedRequest(SimulatedModel model)
    {
        _model = model;
        _model.Hold(1);
    }

    /// <inheritdoc/>
    public override double? SimulatedMs => _simulatedMs;

    /// <inheritdoc/>
    public override void ResizeArena(long bytes, long kept)
    {
        _model.Faults.Call("allocate");
        Run(_count);
        NativeBlock larger = Allocate(bytes);
        if (kept > 0) Buffer.MemoryCopy(_arena!.Pointer, larger.Pointer, bytes, kept);
        Free(ref _arena);
        _arena = larger;
    }

    /// <inheritdoc/>
    public override void Bind(int tensor, byte* pointer, long bytes)
    {
        while (_tensors.Count <= tensor) _tensors.Add(0);
        _tensors[tensor] = (nint)pointer;
    }

    /// <inheritdoc/>
    public override void Begin()
    {
        _model.Faults.Call("begin");
        _isRunning = true;
        (_count, _done, _host, _device, _simulatedMs) = (0, 0, 0, 0, null);
        Leave();
    }

    /// <inheritdoc/>
    public override void Launch(in DeviceLaunch launch)
    {
        Enter();
        _model.Faults.Call("launch");
        if (!_calls.TryGetValue(launch.Step, out Call? call)) _calls.Add(launch.Step, call = new(launch.Buffers.Length, launch.Dims.Length, _model.Profile.RateOf(launch.Precision), _model.Profile.ShareOf(launch.Op)));
        if (call.IsQueued) Run(_count);
        for (int i = 0; i < launch.Buffers.Length; i++) call.Buffers[i] = (nint)Resolve(launch.Buffers[i]);
        launch.Dims.CopyTo(call.Dims);
        (call.Function, call.Extent, call.ScratchBytes, call.IsQueued) = (launch.Function, launch.Extent, launch.ScratchBytes, true);
        Add(new Work { Step = launch.Step, Call = call }, _model.Profile.StepUs(call.Rate, call.Share, launch.Macs, launch.Traffic));
        Leave();
    }

    /// <inheritdoc/>
    public override long Write(int step, DeviceAddress to, byte* from, long bytes) => Transfer("write", step, Resolve(to), from, bytes);

    /// <inheritdoc/>
    public override long StartRead(int step, DeviceAddress from, byte* to, long bytes) => Transfer("read", step, to, Resolve(from), bytes);

    /// <inheritdoc/>
    public override void Wait(long ticket)
    {
        Enter();
        _model.Faults.Call("wait");
        Run((int)ticket + 1);
        _host = Math.Max(_host, _queue[ticket].Done);
        Leave();
    }

    /// <inheritdoc/>
    public override void Read(DeviceAddress from, byte* to, long bytes) => Wait(Transfer("read", -1, to, Resolve(from), bytes));

    /// <inheritdoc/>
    public override void Copy(DeviceAddress to, DeviceAddress from, long bytes)
    {
        Enter();
        Add(new Work { Step = -1, To = Resolve(to), From = Resolve(from), Bytes = bytes }, _model.Profile.StepUs(1, 1, 0, 2 * bytes));
        Leave();
    }

    /// <inheritdoc/>
    public override void End()
    {
        if (!_isRunning) return;
        _isRunning = false;
        Enter();
        try
        {
            _model.Faults.Call("end");
            Run(_count);
        }
        catch
        {
            // Nothing of it is done later.
            Skip();
            throw;
        }

        _host = Math.Max(_host, _device);
        _simulatedMs = _host / 1e3;
    }

    /// <inheritdoc/>
    public override void Measured(Action<int, long> each)
    {
        for (int i = 0; i < _count; i++)
            if (_queue[i].Step >= 0) each(_queue[i].Step, (long)(_queue[i].Us * 1e3));
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (_isDisposed) return;
        _isDisposed = true;
        Free(ref _arena);
        Free(ref _scratch);
        _model.Hold(-1);
    }

    /// <summary>What the host did since the last call took real time.</summary>
    private void Enter() => _host += Stopwatch.GetElapsedTime(_left).TotalMicroseconds;

    private void Leave() => _left = Stopwatch.GetTimestamp();

    private long Transfer(string fault, int step, byte* to, byte* from, long bytes)
    {
        Enter();
        _model.Faults.Call(fault);
        Add(new Work { Step = step, To = to, From = from, Bytes = bytes }, _model.Profile.CopyUs(bytes));
        Leave();
        return _count - 1;
    }

    private void Add(Work work, double us)
    {
        if (_count == _queue.Length) Array.Resize(ref _queue, 2 * _count);
        _device = Math.Max(_device, _host) + us;
        (work.Us, work.Done) = (us, _device);
        _queue[_count++] = work;
    }

    /// <summary>Does what was asked for, up to a place in the queue.</summary>
    private void Run(int end)
    {
        while (_done < end)
        {
            ref Work work = ref _queue[_done++];
            if (work.Call is null) Buffer.MemoryCopy(work.From, work.To, work.Bytes, work.Bytes);
            else Run(work.Call);
        }
    }

    private void Run(Call call)
    {
        call.IsQueued = false;
        if (_scratch is null || _scratch.Bytes < call.ScratchBytes)
        {
            Free(ref _scratch);
            _scratch = Allocate(call.ScratchBytes);
        }

        int error;
        try
        {
            fixed (nint* buffers = call.Buffers)
            fixed (nint* dims = call.Dims)
                error = ((delegate*<byte**, nint*, nint, nint, byte*, int>)_model.Functions(call.Function))((byte**)buffers, dims, 0, (nint)call.Extent, _scratch.Pointer);
        }
        catch (Exception e) when (e is not LatheException)
        {
            Skip();
            throw new LatheException(ErrorIds.Kernel, $"{Describe(call)} failed: {e.Message}", e);
        }

        if (error == 0) return;
        Skip();
        throw new LatheException(ErrorIds.Kernel, $"{Describe(call)} reported error {error}.");
    }

    private void Skip()
    {
        for (; _done < _count; _done++)
            if (_queue[_done].Call is { } call) call.IsQueued = false;
    }

    private string Describe(Call call)
    {
        PlanKernel? kernel = _model.Setup.Kernels.FirstOrDefault(kernel => kernel.Variants.Any(variant => variant.Function == call.Function));
        return $"Model '{_model.Setup.Plan.Model}': kernel '{kernel?.Name}' on the simulated accelerator";
    }

    private byte* Resolve(DeviceAddress address) => (byte*)(address.Memory switch
    {
        0 => _model.Setup.Weights,
        1 => (nint)_arena!.Pointer,
        2 => _model.Setup.Prepared,
        int memory => _tensors[memory - DeviceAddress.FirstTensor],
    } + (nint)address.Offset);

    private NativeBlock Allocate(long bytes)
    {
        bytes = Math.Max(bytes, Plan.Alignment);
        _model.Take(bytes);
        try
        {
            NativeBlock block = NativeBlock.Allocate(bytes, $"A request of model '{_model.Setup.Plan.Model}'");
            _model.Hold(1);
            return block;
        }
        catch
        {
            _model.Give(bytes);
            throw;
        }
    }

    private void Free(ref NativeBlock? block)
    {
        if (block is null) return;
        _model.Give(block.Bytes);
        _model.Hold(-1);
        block.Dispose();
        block = null;
    }

    /// <summary>A kernel's call, which lasts as long as the request: the next inference calls it again.</summary>
    private sealed class Call(int buffers, int dims, double rate, double share)
    {
        /// <summary>Billions of multiply-accumulates in a second.</summary>
        public double Rate => rate;

        /// <summary>The share of the bandwidth.</summary>
        public double Share => share;

        public nint[] Buffers { get; } = new nint[buffers];

        public nint[] Dims { get; } = new nint[dims];

        public int Function { get; set; }

        public long Extent { get; set; }

        public long ScratchBytes { get; set; }

        public bool IsQueued { get; set; }
    }

    /// <summary>Something in the queue: a call, or a copy.</summary>
    private struct Work
    {
        public int Step;
        public Call? Call;
        public byte* From;
        public byte* To;
        public long Bytes;

        /// <summary>What it takes, in microseconds.</summary>
        public double Us;

        /// <summary>When it is done.</summary>
        public double Done;
    }
}
