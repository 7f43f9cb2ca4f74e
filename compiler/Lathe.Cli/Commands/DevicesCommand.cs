using System.CommandLine;
using System.Text;
using Lathe.Cli.Machine;
using Lathe.Cli.Models;
using Lathe.Cli.Output;
using Lathe.Compiler.Diagnostics;
using Lathe.Runtime.OpenCl;

namespace Lathe.Cli.Commands;

/// <summary><c>lathe devices</c>: what this machine has and measures.</summary>
internal static class DevicesCommand
{
    public static Command Create(Terminal terminal)
    {
        Option<string?> profile = new("--output", "-o") { Description = "Write the same as a device profile.", HelpName = "PROFILE" };
        Command command = new("devices", "Show what this machine has and measures.") { profile };
        return command.Does((parsed, _) => Run(parsed.GetValue(profile), terminal));
    }

    private static int Run(string? profile, Terminal terminal)
    {
        Result result = terminal.Work("measuring", _ => new Result(CpuDescription.OfThisMachine(), [.. OpenClDevice.All().Select(Describe)]));
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

    private static OpenClDescription Describe(OpenClDevice device) =>
        new(device.Number, device.Name, device.PlatformName, device.Driver, device.IsCpu ? "cpu" : "gpu", device.ComputeUnits, device.VectorWidth, device.MemoryBytes, [.. device.Extensions.Order(StringComparer.Ordinal)]);

    private sealed record OpenClDescription(
        int Number, string Name, string Platform, string Driver, string Kind, int ComputeUnits, int VectorWidth, long MemoryBytes, IReadOnlyList<string> Extensions);

    private sealed record Result(CpuDescription Cpu, IReadOnlyList<OpenClDescription> Opencl);
}
