using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Lathe.Benchmarks;
using Lathe.Kernels.Loops;
using Lathe.Kernels.Schedules;
using Lathe.Kernels.Targets;
using Lathe.Kernels.Tests.Emitted;
using Lathe.Runner;
using Lathe.Runtime;
using Lathe.Runtime.Native;
using Lathe.Runtime.Plans;

// Prints the share of the core's peak that each kernel reaches: best of many for each slice against a peak loop interleaved in the same process.
// Arguments: a part of the names to run; --isa avx512|avx2|vector128; --kernels csharp|native; --emit DIR writes the source; --seconds S per kernel.
string filter = "";
string? emit = null;
double seconds = 0.5;
bool isNative = false;
List<Machine> machines = [.. Machine.All.Reverse()];
for (int i = 0; i < args.Length; i++)
{
    switch (args[i])
    {
        case "--isa": machines = [Machine.Of(Enum.Parse<Isa>(args[++i], ignoreCase: true))]; break;
        case "--kernels": isNative = args[++i] == "native"; break;
        case "--emit": emit = args[++i]; break;
        case "--seconds": seconds = double.Parse(args[++i], CultureInfo.InvariantCulture); break;
        default: filter = args[i]; break;
    }
}

Console.WriteLine($"{"kernel",-44} {"isa",-10} {"GFLOP/s",8} {"peak",8} {"share",6} {"us",9} {"compile ms",10}");
foreach (Machine machine in machines)
{
    if ((isNative ? NativeKernels.Unsupported(machine) : machine.Isa.IsAvailable() ? null : $"This CPU has no {machine.Isa}.") is { } reason)
    {
        Console.WriteLine(reason);
        continue;
    }

    foreach ((string name, double flops, Computation computation) in Rows.All.Where(r => r.Name.Contains(filter, StringComparison.Ordinal))) Measure(name, flops, computation, machine);
}

unsafe void Measure(string name, double flops, Computation computation, Machine machine)
{
    long start = Stopwatch.GetTimestamp();
    ScheduledKernel kernel = KernelCompiler.Compile(computation, machine);
    double compileMs = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    CompiledKernels compiled = isNative ? new NativeKernels(machine, [kernel], CpuFeatures.HasVnni(machine.Isa)) : new EmittedKernels(machine, [kernel]);
    if (emit is not null) File.WriteAllText(Path.Combine(emit, $"{name.Replace(' ', '_').Replace('/', '_')}.{machine.Isa}.{(isNative ? "ll" : "cs")}"), compiled.Source);
    Tensor[] tensors = [.. computation.Inputs, .. computation.Outputs];
    byte** buffers = stackalloc byte*[tensors.Length];
    Random random = new(1);
    for (int i = 0; i < tensors.Length; i++)
    {
        long length = tensors[i].Length.Value;
        float* data = (float*)NativeMemory.AlignedAlloc((nuint)(length * tensors[i].Element.Size()), 64);
        for (long k = 0; k < length * tensors[i].Element.Size() / 4; k++) data[k] = random.NextSingle() - 0.5f;
        buffers[i] = (byte*)data;
    }

    byte* scratch = (byte*)NativeMemory.AlignedAlloc((nuint)kernel.ScratchBytes.Value + 64, 64);
    nint extent = (nint)kernel.Extent.Value;
    nint* dims = stackalloc nint[1];
    CompiledKernels.Call function = compiled.Find(kernel.Kernel.Name);
    // On a shared machine a call of a millisecond is rarely left alone: each slice of the parallel axis has its own best time.
    long once = Stopwatch.GetTimestamp();
    function(buffers, dims, 0, extent, scratch);
    once = Stopwatch.GetTimestamp();
    function(buffers, dims, 0, extent, scratch);
    int slices = (int)Math.Clamp(Stopwatch.GetElapsedTime(once).TotalSeconds / 60e-6, 1, extent);
    double[] times = new double[slices];
    Array.Fill(times, double.MaxValue);
    PeakLoop peakLoop = new(machine.Isa);
    long begin = Stopwatch.GetTimestamp();
    for (int round = 0; round < 8 || Stopwatch.GetElapsedTime(begin).TotalSeconds < seconds; round++)
    {
        for (int slice = 0; slice < slices; slice++)
        {
            nint from = extent * slice / slices, to = extent * (slice + 1) / slices;
            long at = Stopwatch.GetTimestamp();
            function(buffers, dims, from, to, scratch);
            times[slice] = Math.Min(times[slice], Stopwatch.GetElapsedTime(at).TotalSeconds);
        }

        peakLoop.Run();
    }

    double best = times.Sum();
    double rate = flops / best / 1e9, peak = peakLoop.Best;
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name,-44} {machine.Isa,-10} {rate,8:F1} {peak,8:F1} {rate / peak,6:P0} {best * 1e6,9:F1} {compileMs,10:F0}"));
    for (int i = 0; i < tensors.Length; i++) NativeMemory.AlignedFree(buffers[i]);
    NativeMemory.AlignedFree(scratch);
}
