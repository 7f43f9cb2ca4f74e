using System.Text;
using Lathe.Runtime.OpenCl.Interop;

namespace Lathe.Runtime.OpenCl;

/// <summary>A device of this machine that a driver for OpenCL offers.</summary>
public sealed unsafe class OpenClDevice
{
    /// <summary>The environment variable that selects a device: its number among <see cref="All"/>, or a part of its platform's or its own name.</summary>
    public const string Variable = "LATHE_OPENCL_DEVICE";

    // Drivers set themselves up when they are first asked, and not all of them for two threads at a time.
    private static readonly Lazy<IReadOnlyList<OpenClDevice>> Found = new(() => SignalHandlers.Kept(Find));

    private OpenClDevice(nint platform, nint id, int number)
    {
        (Id, Number) = (id, number);
        PlatformName = Text(platform, CL.PlatformName, isPlatform: true);
        Name = Text(id, CL.DeviceName);
        Driver = Text(id, CL.DriverVersion);
        Version = Text(id, CL.DeviceVersion);
        Extensions = new HashSet<string>(Text(id, CL.DeviceExtensions).Split(' ', StringSplitOptions.RemoveEmptyEntries), StringComparer.Ordinal);
        IsCpu = (Number64(id, CL.DeviceType) & CL.DeviceTypeCpu) != 0;
        ComputeUnits = (int)Number64(id, CL.DeviceMaxComputeUnits);
        VectorWidth = (int)Number64(id, CL.DeviceNativeVectorWidthFloat);
        MemoryBytes = (long)Math.Min(Number64(id, CL.DeviceGlobalMemSize), long.MaxValue);
        HasUnifiedMemory = Number64(id, CL.DeviceHostUnifiedMemory) != 0;
        HasCompiler = Number64(id, CL.DeviceCompilerAvailable) != 0;
        IsAvailable = Number64(id, CL.DeviceAvailable) != 0;
        FloatConfiguration = Number64(id, CL.DeviceSingleFpConfig);
        ParameterBytes = (long)Number64(id, CL.DeviceMaxParameterSize);
    }

    /// <summary>Its number, in the order in which the drivers tell their devices.</summary>
    public int Number { get; }

    /// <summary>The name of the driver's platform.</summary>
    public string PlatformName { get; }

    /// <summary>The device's name.</summary>
    public string Name { get; }

    /// <summary>The driver's version.</summary>
    public string Driver { get; }

    /// <summary>The version of OpenCL, such as <c>OpenCL 3.0 …</c>.</summary>
    public string Version { get; }

    /// <summary>The extensions.</summary>
    public IReadOnlySet<string> Extensions { get; }

    /// <summary>True for a CPU.</summary>
    public bool IsCpu { get; }

    /// <summary>How many work-groups run at the same time, at least.</summary>
    public int ComputeUnits { get; }

    /// <summary>How many floats its vectors have.</summary>
    public int VectorWidth { get; }

    /// <summary>The size of its memory.</summary>
    public long MemoryBytes { get; }

    /// <summary>True if its memory is the host's.</summary>
    public bool HasUnifiedMemory { get; }

    internal nint Id { get; }

    internal ulong FloatConfiguration { get; }

    internal long ParameterBytes { get; }

    private bool HasCompiler { get; }

    private bool IsAvailable { get; }

    /// <summary>The devices of all drivers that can compile kernels. Empty where no loader or no driver is installed.</summary>
    public static IReadOnlyList<OpenClDevice> All() => Found.Value;

    /// <summary>The device that <see cref="Variable"/> names; without it the first that is no CPU, or else the first.</summary>
    /// <exception cref="LatheException">LATHE0510: there is none.</exception>
    public static OpenClDevice Choose()
    {
        IReadOnlyList<OpenClDevice> all = All();
        if (all.Count == 0)
        {
            throw new LatheException(ErrorIds.NoDevice, LibOpenCL.IsAvailable
                ? "The model was compiled for GPU, and no driver on this machine offers an OpenCL device."
                : "The model was compiled for GPU, and no loader of OpenCL drivers (libOpenCL.so.1 or OpenCL.dll) is installed.");
        }

        if (Environment.GetEnvironmentVariable(Variable) is not { Length: > 0 } wanted) return all.FirstOrDefault(d => !d.IsCpu) ?? all[0];
        OpenClDevice? named = int.TryParse(wanted, out int number) ? all.FirstOrDefault(d => d.Number == number)
            : all.FirstOrDefault(d => d.Name.Contains(wanted, StringComparison.OrdinalIgnoreCase) || d.PlatformName.Contains(wanted, StringComparison.OrdinalIgnoreCase));
        return named ?? throw new LatheException(ErrorIds.NoDevice, $"{Variable} is '{wanted}'; there are {string.Join(", ", all.Select(d => $"{d.Number}: {d}"))}.");
    }

    /// <summary>The device, its platform and its driver.</summary>
    public override string ToString() => $"{Name} ({PlatformName}, {Driver})";

    private static IReadOnlyList<OpenClDevice> Find()
    {
        if (!LibOpenCL.IsAvailable) return [];
        List<OpenClDevice> devices = [];
        uint count;
        if (CL.GetPlatformIDs(0, null, &count) != CL.Success || count == 0) return [];
        nint[] platforms = new nint[count];
        fixed (nint* p = platforms)
            if (CL.GetPlatformIDs(count, p, &count) != CL.Success) return [];
        foreach (nint platform in platforms)
        {
            if (CL.GetDeviceIDs(platform, CL.DeviceTypeAll, 0, null, &count) != CL.Success || count == 0) continue;
            nint[] ids = new nint[count];
            fixed (nint* p = ids)
                if (CL.GetDeviceIDs(platform, CL.DeviceTypeAll, count, p, &count) != CL.Success) continue;
            foreach (nint id in ids)
            {
                OpenClDevice device = new(platform, id, devices.Count);
                if (device.HasCompiler && device.IsAvailable) devices.Add(device);
            }
        }

        return devices;
    }

    private static string Text(nint id, uint name, bool isPlatform = false)
    {
        nuint size;
        int Query(nuint room, byte* to, nuint* actual) => isPlatform ? CL.GetPlatformInfo(id, name, room, to, actual) : CL.GetDeviceInfo(id, name, room, to, actual);
        if (Query(0, null, &size) != CL.Success || size == 0) return "";
        byte[] text = new byte[size];
        fixed (byte* t = text)
            if (Query(size, t, null) != CL.Success) return "";
        return Encoding.UTF8.GetString(text).TrimEnd('\0').Trim();
    }

    /// <summary>A number of up to 64 bits, whatever its size is; 0 where it is not told.</summary>
    private static ulong Number64(nint id, uint name)
    {
        ulong value = 0;
        nuint size;
        return CL.GetDeviceInfo(id, name, 0, null, &size) == CL.Success && size <= sizeof(ulong) && CL.GetDeviceInfo(id, name, size, &value, null) == CL.Success ? value : 0;
    }
}
