using System.Text;
using Lathe.Runtime.Devices;
using Lathe.Runtime.OpenCl.Interop;
using Lathe.Runtime.Plans;

namespace Lathe.Runtime.OpenCl;

/// <summary>A model's kernels and weights on an OpenCL device.</summary>
public sealed unsafe class OpenClModel : DeviceModel
{
    private readonly ClHandle _context;
    private readonly ClProgram _program;
    private readonly ClHandle _weights;
    private readonly ClHandle _prepared;
    private readonly ClHandle _part;
    private readonly bool _profiling;
    private static int _turn = -1;

    private OpenClModel(OpenClDevice device, Isa isa, string source, DeviceSetup setup)
    {
        (Hardware, Isa, Device, _profiling, RunsAll) = (device, isa, setup.Device, setup.Profiling, setup.Number == 0);
        Dictionary<int, string> functions = [];
        foreach (PlanKernel kernel in setup.Kernels)
            foreach (PlanVariant variant in kernel.Variants) functions[variant.Function] = kernel.Name + "_kernel";
        Functions = functions;
        int error;
        Inputs = setup.Plan.Inputs.Count;
        Threads = device.IsCpu ? Math.Min(setup.Threads, device.ComputeUnits) : 0;
        (nint part, Part) = Threads > 0 && Threads < device.ComputeUnits ? PartOf(device, Threads) : (0, -1);
        _part = new(part, &CL.ReleaseDevice);
        if (part == 0 && Threads > 0 && Threads < device.ComputeUnits)
        {
            Warnings = [$"The OpenCL device {device} cannot be divided: it uses {device.ComputeUnits} processors, not the {Threads} that were asked for."];
            Threads = device.ComputeUnits;
        }

        nint id = Id = _part.IsInvalid ? device.Id : _part.Value;
        _context = new(CL.CreateContext(null, 1, &id, 0, 0, &error), &CL.ReleaseContext);
        _weights = _prepared = new(0, &CL.ReleaseMemObject);
        _program = ClProgram.Empty;
        try
        {
            ClError.Check(error, "Opening a context");
            _program = ClProgram.Build(device, id, _context, source, Options(device, setup));
            if (setup.Plan.WeightBytes > 0) _weights = Load(setup.Weights, setup.Plan.WeightBytes);
            if (setup.Plan.PreparedBytes > 0) _prepared = Load(setup.Prepared, setup.Plan.PreparedBytes);
        }
        catch
        {
            Dispose(disposing: true);
            throw;
        }
    }

    /// <inheritdoc/>
    public override string Device { get; }

    /// <inheritdoc/>
    public override string Kind => "opencl";

    /// <inheritdoc/>
    public override string Description => Hardware.ToString();

    /// <inheritdoc/>
    public override Isa Isa { get; }

    /// <inheritdoc/>
    public override int Threads { get; }

    /// <inheritdoc/>
    public override int DriverThreads => 1;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Warnings { get; } = [];

    internal OpenClDevice Hardware { get; }

    /// <summary>How many inputs there are: tensors of which kernels write none.</summary>
    internal int Inputs { get; }

    /// <summary>The number of the part of the device; -1 for all of it.</summary>
    internal int Part { get; }

    /// <summary>The device, or as much of it as the threads are.</summary>
    internal nint Id { get; }

    /// <summary>The name of each function by its number, which may be any.</summary>
    internal IReadOnlyDictionary<int, string> Functions { get; }

    internal ClHandle Context => _context;

    internal ClProgram Program => _program;

    internal ClHandle Weights => _weights;

    internal ClHandle Prepared => _prepared;

    /// <summary>True if no other device runs steps of the model.</summary>
    internal bool RunsAll { get; }

    /// <summary>Loads a model onto the device that <see cref="OpenClDevice.Choose"/> gives.</summary>
    /// <param name="setup">The model.</param>
    /// <param name="openSource">Opens the source of the kernels for an instruction set; null if there are none for it.</param>
    /// <exception cref="LatheException">
    /// LATHE0510: there is no device. LATHE0505: kernels are not compiled in. LATHE0511: the device fails. LATHE0512: it cannot build the kernels. LATHE0506: the weights do not fit its memory.
    /// </exception>
    public static OpenClModel Load(DeviceSetup setup, Func<string, Stream?> openSource)
    {
        OpenClDevice device = OpenClDevice.Choose();
        // Vectors of the device's length, or else the next shorter ones; those of four floats also where a work-item is a lane.
        Isa wanted = setup.Isa ?? (device.VectorWidth >= 16 ? Isa.Avx512 : device.VectorWidth >= 8 ? Isa.Avx2 : Isa.Vector128);
        Isa[] compiled = [.. setup.Kernels.SelectMany(k => k.Variants).Select(v => v.Isa).Distinct().OrderDescending()];
        Isa isa = compiled.Length == 0 || compiled.Contains(wanted) ? wanted
            : setup.Isa is not null ? throw new LatheException(ErrorIds.Isa, $"Model '{setup.Plan.Model}' has no {wanted.Name()} kernels compiled in.")
            : compiled.FirstOrDefault(c => c < wanted, compiled[^1]);
        using Stream? stream = compiled.Length == 0 ? Stream.Null : openSource(isa.Name());
        if (stream is null) throw new LatheException(ErrorIds.CorruptPlan, $"The kernel assembly has no source of the {isa.Name()} kernels for OpenCL.");
        using StreamReader reader = new(stream, Encoding.UTF8);
        return new(device, isa, reader.ReadToEnd(), setup);
    }

    /// <inheritdoc/>
    public override DeviceRequest CreateRequest() => new OpenClRequest(this, _profiling);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _weights.Dispose();
        _prepared.Dispose();
        _program.Handle.Dispose();
        _context.Dispose();
        _part.Dispose();
    }

    /// <summary>Memory that the host does not change, on a device that uses the host's memory where it is.</summary>
    private ClHandle Load(nint memory, long bytes)
    {
        int error;
        ulong flags = CL.MemReadOnly | (Hardware.HasUnifiedMemory ? CL.MemUseHostPtr : CL.MemCopyHostPtr);
        ClHandle loaded = new(CL.CreateBuffer(_context.Value, flags, (nuint)bytes, (void*)memory, &error), &CL.ReleaseMemObject);
        ClError.Check(error, "Loading the weights");
        return loaded;
    }

    /// <summary>So many cores of a CPU, other ones for each model while there are some; 0 where its driver does not divide it.</summary>
    private static (nint Id, int Part) PartOf(OpenClDevice device, int threads)
    {
        int count = device.ComputeUnits / threads;
        nint[] properties = [CL.DevicePartitionByCounts, .. Enumerable.Repeat((nint)threads, count), CL.DevicePartitionByCountsListEnd, 0], parts = new nint[count];
        fixed (nint* by = properties)
        fixed (nint* made = parts)
            if (CL.CreateSubDevices(device.Id, by, (uint)count, made, null) != CL.Success) return (0, -1);
        int mine = (int)((uint)Interlocked.Increment(ref _turn) % (uint)count);
        for (int i = 0; i < count; i++)
            if (i != mine) CL.ReleaseDevice(parts[i]);
        return (parts[mine], mine);
    }

    private static string Options(OpenClDevice device, DeviceSetup setup)
    {
        StringBuilder options = new("-cl-std=CL1.2");
        if ((device.FloatConfiguration & CL.FpCorrectlyRoundedDivideSqrt) != 0) options.Append(" -cl-fp32-correctly-rounded-divide-sqrt");
        if (setup.FlushDenormals) options.Append(" -cl-denorms-are-zero");
        return options.ToString();
    }
}
