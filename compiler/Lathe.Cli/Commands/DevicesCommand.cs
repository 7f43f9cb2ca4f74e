using Lathe.Runtime.Devices;
using System.CommandLine;
using System.Text;
using Lathe.Cli.Machine;
using Lathe.Cli.Models;
using Lathe.Cli.Output;
using Lathe.Compiler.Placement;
using Lathe.Runtime.OpenCl;

namespace Lathe.Cli.Commands;

/// <summary><c>lathe devices</c>: what this machine has and measures.</summary>
internal static class DevicesCommand
{
    public static Command Create(Terminal terminal)
    {
        Option<string?> profile = new("--output", "-o") { Description = "Write the same as a file, for --device-profile.", HelpName = "PROFILE" };
        Command command = new("devices", "Show what this machine has and measures.") { profile };
        return command.Does((parsed, _) => Run(parsed.GetValue(profile), terminal));
    }

    private static int Run(string? profile, Terminal terminal)
    {
        Result result = terminal.Work("measuring", _ => Describe(CpuDescription.OfThisMachine()));
        if (profile is not null) OutputFiles.WriteFile(profile, Encoding.UTF8.GetBytes(JsonLine.Of(result) + "\n"), LatheCommand.Name);
        CpuDescription cpu = result.Cpu;
        terminal.WriteResult(result, writer =>
        {
            writer.WriteLine($"CPU     {Terminal.Clean(cpu.Name)}, {cpu.Cores} cores, {cpu.NumaNodes} NUMA nodes, {Terminal.Bytes(cpu.MemoryBytes)} memory");
            writer.WriteLine($"caches  {string.Join(", ", cpu.Caches.Select(Terminal.Bytes))}");
            foreach (string isa in cpu.Isa) writer.WriteLine($"{isa,-10} {Terminal.Number(cpu.PeakGflops[isa])} GFLOP/s on one core");
            writer.WriteLine($"memory  {Terminal.Number(cpu.MemoryGbs)} GB/s on one core");
            if (result.Opencl.Count == 0) writer.WriteLine("OpenCL  none: no driver, or no loader of drivers (libOpenCL.so.1 or OpenCL.dll), is installed");
            foreach (OpenClDescription device in result.Opencl)
            {
                writer.WriteLine(
                    $"OpenCL  {device.Number}: {Terminal.Clean(device.Name)} ({Terminal.Clean(device.Platform)}, {Terminal.Clean(device.Driver)}), {device.ComputeUnits} compute units, vectors of {device.VectorWidth}, {Terminal.Bytes(device.MemoryBytes)} memory");
            }
        });
        return 0;
    }

    private static Result Describe(CpuDescription cpu) => new(cpu, [.. OpenClDevice.All().Select(Describe)], [.. Profiles(cpu)]);

    /// <summary>The profile of the CPU out of what was measured of one core; those of the others are shipped, which is what they say.</summary>
    private static IEnumerable<DeviceProfile> Profiles(CpuDescription cpu)
    {
        DeviceProfile shipped = DeviceProfileText.Shipped["CPU"];
        // Kernels reach a share of what a loop of nothing but multiply-adds does, the same on all processors more or less; other rates are in the shipped proportion to that of fp32.
        const double share = 0.75;
        double fp32 = Math.Round(cpu.PeakGflops[cpu.Isa[0]] / 2 * share, 1), scale = fp32 / shipped.Gmacs["fp32"];
        yield return shipped with
        {
            Origin = $"measured on one core of {cpu.Name}: the rate of fp32 from multiply-adds, the others in proportion to it",
            Gmacs = shipped.Gmacs.ToDictionary(g => g.Key, g => Math.Round(g.Value * scale, 1)),
            BandwidthGbs = Math.Max(cpu.MemoryGbs, Math.Round(shipped.BandwidthGbs * scale, 1)),
        };
        foreach (DeviceProfile other in DeviceProfileText.Shipped.Values.Where(p => p.Device != "CPU")) yield return other with { Origin = $"not measured: {other.Origin}" };
    }

    private static OpenClDescription Describe(OpenClDevice device) =>
        new(device.Number, device.Name, device.PlatformName, device.Driver, device.IsCpu ? "cpu" : "gpu", device.ComputeUnits, device.VectorWidth, device.MemoryBytes, [.. device.Extensions.Order(StringComparer.Ordinal)]);

    private sealed record OpenClDescription(
        int Number, string Name, string Platform, string Driver, string Kind, int ComputeUnits, int VectorWidth, long MemoryBytes, IReadOnlyList<string> Extensions);

    private sealed record Result(CpuDescription Cpu, IReadOnlyList<OpenClDescription> Opencl, IReadOnlyList<DeviceProfile> Devices);
}
