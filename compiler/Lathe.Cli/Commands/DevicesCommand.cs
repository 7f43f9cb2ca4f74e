using System.CommandLine;
using System.Text;
using Lathe.Cli.Machine;
using Lathe.Cli.Models;
using Lathe.Cli.Output;
using Lathe.Compiler.Diagnostics;

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
        Result result = terminal.Work("measuring", _ => new Result(CpuDescription.OfThisMachine(), []));
        if (profile is not null) OutputFiles.WriteFile(profile, Encoding.UTF8.GetBytes(JsonLine.Of(result) + "\n"), LatheCommand.Name);
        CpuDescription cpu = result.Cpu;
        terminal.WriteResult(result, writer =>
        {
            writer.WriteLine($"CPU     {Terminal.Clean(cpu.Name)}, {cpu.Cores} cores, {cpu.NumaNodes} NUMA nodes, {Terminal.Bytes(cpu.MemoryBytes)} memory");
            writer.WriteLine($"caches  {string.Join(", ", cpu.Caches.Select(Terminal.Bytes))}");
            foreach (string isa in cpu.Isa) writer.WriteLine($"{isa,-10} {Terminal.Number(cpu.PeakGflops[isa])} GFLOP/s on one core");
            writer.WriteLine($"memory  {Terminal.Number(cpu.MemoryGbs)} GB/s on one core");
            writer.WriteLine("OpenCL  none: this version does not use OpenCL");
        });
        return 0;
    }

    /// <summary>OpenCL devices: none, as long as there is no code that could use them.</summary>
    private sealed record Result(CpuDescription Cpu, IReadOnlyList<string> Opencl);
}
