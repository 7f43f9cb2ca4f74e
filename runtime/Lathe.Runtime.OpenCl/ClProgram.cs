using System.Text;
using Lathe.Runtime.OpenCl.Interop;

namespace Lathe.Runtime.OpenCl;

/// <summary>
/// A program, built or taken out of the cache. A driver may compile a kernel when it is first started (PoCL does), so that what is kept of a program is fetched after an inference. Safe for concurrent use.
/// </summary>
internal sealed unsafe class ClProgram
{
    private readonly ProgramCache? _cache;
    private readonly string _key;
    private readonly object _gate = new();
    private int _kept;

    private ClProgram(ClHandle handle, ProgramCache? cache, string key) => (Handle, _cache, _key) = (handle, cache, key);

    /// <summary>A program of no kernels.</summary>
    public static ClProgram Empty => new(new(0, &CL.ReleaseProgram), null, "");

    /// <summary>The program.</summary>
    public ClHandle Handle { get; }

    /// <summary>Builds a program for one device, or for a part of it.</summary>
    /// <exception cref="LatheException">LATHE0512: it does not build. LATHE0511: the device fails.</exception>
    public static ClProgram Build(OpenClDevice device, nint id, ClHandle context, string source, string options)
    {
        if (source.Length == 0) return Empty;
        ProgramCache? cache = ProgramCache.OfUser();
        string key = ProgramCache.KeyOf(device.PlatformName, device.Name, device.Driver, device.Version, options, source);
        if (cache?.Find(key) is { } binary && FromBinary(id, context, binary, options) is { } known) return new(known, null, key);
        return new(FromSource(device, id, context, source, options), cache, key);
    }

    /// <summary>Keeps what was compiled, where there is more than before.</summary>
    /// <param name="kernels">How many kernels were started.</param>
    public void Keep(int kernels)
    {
        if (_cache is null || Volatile.Read(ref _kept) >= kernels) return;
        lock (_gate)
        {
            if (_kept >= kernels) return;
            if (BinaryOf(Handle) is { } made) _cache.Store(_key, made);
            Volatile.Write(ref _kept, kernels);
        }
    }

    /// <summary>Builds a program from its source.</summary>
    /// <exception cref="LatheException">LATHE0512: it does not build. LATHE0511: the device fails.</exception>
    public static ClHandle FromSource(OpenClDevice device, nint id, ClHandle context, string source, string options)
    {
        byte[] text = Encoding.UTF8.GetBytes(source);
        nuint length = (nuint)text.Length;
        int error;
        fixed (byte* t = text)
        {
            byte* lines = t;
            ClHandle program = new(CL.CreateProgramWithSource(context.Value, 1, &lines, &length, &error), &CL.ReleaseProgram);
            ClError.Check(error, "Creating a program");
            int built = Build(id, program, options);
            if (built == CL.Success) return program;
            string log = LogOf(id, program);
            program.Dispose();
            if (built != CL.BuildProgramFailure) throw ClError.Of(built, "Building the kernels");
            // The whole log may have thousands of lines; the first that matter say what is wrong.
            string[] reasons = [.. log.Split('\n').Where(l => l.Contains("error", StringComparison.OrdinalIgnoreCase)).Take(5)];
            throw new LatheException(ErrorIds.DeviceKernels, $"The OpenCL device {device} cannot build the kernels: {string.Join("; ", reasons.Length > 0 ? reasons : [.. log.Split('\n').Take(5)])}");
        }
    }

    /// <summary>A program that was built before; null if the driver no longer takes it.</summary>
    private static ClHandle? FromBinary(nint id, ClHandle context, byte[] binary, string options)
    {
        nuint length = (nuint)binary.Length;
        int error, status = CL.Success;
        fixed (byte* b = binary)
        {
            byte* bytes = b;
            ClHandle program = new(CL.CreateProgramWithBinary(context.Value, 1, &id, &length, &bytes, &status, &error), &CL.ReleaseProgram);
            if (error == CL.Success && status == CL.Success && Build(id, program, options) == CL.Success) return program;
            program.Dispose();
            return null;
        }
    }

    private static int Build(nint id, ClHandle program, string options)
    {
        fixed (byte* o = Encoding.UTF8.GetBytes(options + '\0')) return CL.BuildProgram(program.Value, 1, &id, o, 0, 0);
    }

    private static byte[]? BinaryOf(ClHandle program)
    {
        nuint size = 0;
        if (CL.GetProgramInfo(program.Value, CL.ProgramBinarySizes, (nuint)sizeof(nuint), &size, null) != CL.Success || size == 0) return null;
        byte[] binary = new byte[size];
        fixed (byte* b = binary)
        {
            byte* bytes = b;
            return CL.GetProgramInfo(program.Value, CL.ProgramBinaries, (nuint)sizeof(byte*), &bytes, null) == CL.Success ? binary : null;
        }
    }

    private static string LogOf(nint id, ClHandle program)
    {
        nuint size = 0;
        if (CL.GetProgramBuildInfo(program.Value, id, CL.ProgramBuildLog, 0, null, &size) != CL.Success || size == 0) return "no reason is given";
        byte[] log = new byte[size];
        fixed (byte* l = log)
            if (CL.GetProgramBuildInfo(program.Value, id, CL.ProgramBuildLog, size, l, null) != CL.Success) return "no reason is given";
        return Encoding.UTF8.GetString(log).TrimEnd('\0');
    }
}
