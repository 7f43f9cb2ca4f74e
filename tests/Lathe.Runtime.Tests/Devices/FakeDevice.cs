using System.Runtime.InteropServices;
using Lathe.Runtime.Devices;
using Lathe.Runtime.Plans;

namespace Lathe.Runtime.Tests.Devices;

/// <summary>
/// A device in this process: memory of its own, work that is done when somebody waits for it, and a failure at whichever of its calls is asked for. It counts what it holds.
/// </summary>
internal sealed unsafe class FakeDevice(DeviceSetup setup) : DeviceModel
{
    /// <summary>The call of the device that fails next, counted from 0; negative for none.</summary>
    public int FailsAt { get; set; } = -1;

    /// <summary>Blocks of memory and requests that are held.</summary>
    public int Held { get; set; }

    public List<string> Calls { get; } = [];

    /// <summary>Told of every call.</summary>
    public Action<string>? Called { get; set; }

    public override string Device => "GPU";

    public override string Kind => "opencl";

    public override string Description => "a fake";

    public override Isa Isa => Isa.Avx2;

    public override int Threads => 0;

    public override DeviceRequest CreateRequest()
    {
        Call("create");
        return new Request(this, setup);
    }

    protected override void Dispose(bool disposing) => Calls.Add("dispose");

    private void Call(string name)
    {
        Calls.Add(name);
        Called?.Invoke(name);
        if (FailsAt >= 0 && FailsAt-- == 0) throw new LatheException(ErrorIds.DeviceFailed, $"{name} failed.");
    }

    private sealed class Request : DeviceRequest
    {
        private readonly FakeDevice _device;
        private readonly Dictionary<int, (nint Pointer, long Bytes)> _memories = [];
        private readonly Dictionary<int, (nint Pointer, long Bytes)> _host = [];
        private readonly List<Action> _queue = [];
        private readonly List<int> _steps = [];
        private bool _isRunning;
        private bool _isDisposed;

        public Request(FakeDevice device, DeviceSetup setup)
        {
            _device = device;
            _device.Held++;
            nint prepared = Allocate(DeviceAddress.Prepared, setup.Plan.PreparedBytes);
            Copy(prepared, setup.Prepared, setup.Plan.PreparedBytes);
            nint weights = Allocate(DeviceAddress.Weights, setup.Plan.WeightBytes);
            new Span<byte>((void*)setup.Weights, (int)setup.Plan.WeightBytes).CopyTo(new Span<byte>((void*)weights, (int)setup.Plan.WeightBytes));
        }

        public override void ResizeArena(long bytes, long kept)
        {
            _device.Call("resize");
            Run();
            byte[] old = kept == 0 ? [] : new Span<byte>((void*)_memories[DeviceAddress.Arena].Pointer, (int)kept).ToArray();
            old.CopyTo(new Span<byte>((void*)Allocate(DeviceAddress.Arena, bytes), (int)bytes));
        }

        public override void Bind(int tensor, byte* pointer, long bytes)
        {
            if (_host.TryGetValue(tensor, out (nint Pointer, long Bytes) known) && known == ((nint)pointer, bytes)) return;
            _device.Call("bind");
            // As a driver does that makes the memory and then cannot map it: the request must not take it for bound.
            _device.Call("map");
            _host[tensor] = ((nint)pointer, bytes);
            Allocate(DeviceAddress.FirstTensor + tensor, bytes);
        }

        public override void Begin()
        {
            _device.Call("begin");
            if (_isRunning) throw new InvalidOperationException("The inference before was not ended.");
            _isRunning = true;
            _steps.Clear();
            foreach ((int tensor, (nint pointer, long bytes)) in _host) Copy(_memories[DeviceAddress.FirstTensor + tensor].Pointer, pointer, bytes);
        }

        public override void Launch(in DeviceLaunch launch)
        {
            _device.Call("launch");
            (int function, long extent, int step) = (launch.Function, launch.Extent, launch.Step);
            nint[] buffers = [.. launch.Buffers.ToArray().Select(Place)], dims = launch.Dims.ToArray();
            byte[] scratch = new byte[launch.ScratchBytes + 1];
            _queue.Add(() =>
            {
                _steps.Add(step);
                fixed (nint* b = buffers)
                fixed (nint* d = dims)
                fixed (byte* s = scratch)
                    ((delegate*<byte**, nint*, nint, nint, byte*, int>)TestKernels.Address(function))((byte**)b, d, 0, (nint)extent, s);
            });
        }

        public override void Read(DeviceAddress from, byte* to, long bytes)
        {
            _device.Call("read");
            Run();
            Copy((nint)to, Place(from), bytes);
        }

        public override long Write(int step, DeviceAddress to, byte* from, long bytes) => Transfer("write", step, Place(to), (nint)from, bytes);

        public override long StartRead(int step, DeviceAddress from, byte* to, long bytes) => Transfer("start", step, (nint)to, Place(from), bytes);

        public override void Wait(long ticket)
        {
            _device.Call("wait");
            Run();
        }

        public override void Copy(DeviceAddress to, DeviceAddress from, long bytes)
        {
            _device.Call("copy");
            (nint target, nint source) = (Place(to), Place(from));
            _queue.Add(() => Copy(target, source, bytes));
        }

        public override void End()
        {
            if (!_isRunning) return;
            _isRunning = false;
            Run();
            foreach ((int tensor, (nint pointer, long bytes)) in _host) Copy(pointer, _memories[DeviceAddress.FirstTensor + tensor].Pointer, bytes);
            _device.Call("end");
        }

        public override void Measured(Action<int, long> each)
        {
            foreach (int step in _steps) each(step, 1000);
        }

        protected override void Dispose(bool disposing)
        {
            if (_isDisposed) return;
            _isDisposed = true;
            foreach ((nint pointer, _) in _memories.Values) Free(pointer);
            _device.Held--;
        }

        private static void Copy(nint to, nint from, long bytes) => Buffer.MemoryCopy((void*)from, (void*)to, bytes, bytes);

        private long Transfer(string call, int step, nint to, nint from, long bytes)
        {
            _device.Call(call);
            _queue.Add(() =>
            {
                _steps.Add(step);
                Copy(to, from, bytes);
            });
            return _queue.Count;
        }

        private void Run()
        {
            foreach (Action work in _queue) work();
            _queue.Clear();
        }

        private nint Place(DeviceAddress address) => _memories[address.Memory].Pointer + (nint)address.Offset;

        private nint Allocate(int memory, long bytes)
        {
            if (_memories.TryGetValue(memory, out (nint Pointer, long Bytes) old)) Free(old.Pointer);
            nint pointer = (nint)NativeMemory.AllocZeroed((nuint)bytes + 1);
            _memories[memory] = (pointer, bytes);
            _device.Held++;
            return pointer;
        }

        private void Free(nint pointer)
        {
            NativeMemory.Free((void*)pointer);
            _device.Held--;
        }
    }
}
