using System.Globalization;
using System.Runtime.InteropServices;
using Lathe.Runtime.Native;
using Lathe.Runtime.Plans;

namespace Lathe.Cli.Machine;

/// <summary>The processor of this machine: what the system says of it and what was measured on one core.</summary>
/// <param name="Name">What the processor calls itself.</param>
/// <param name="Architecture">X64, Arm64, ….</param>
/// <param name="Cores">How many processors this process may use.</param>
/// <param name="Isa">The instruction sets that have kernels and run here, best first.</param>
/// <param name="Vnni">Those of them for which the processor has dot products of bytes.</param>
/// <param name="Caches">Sizes of the first core's data caches, smallest first; empty where the system does not tell.</param>
/// <param name="NumaNodes">How many NUMA nodes there are.</param>
/// <param name="MemoryBytes">The memory that this process may use.</param>
/// <param name="PeakGflops">Fused multiply-adds in fp32 by instruction set, in GFLOP/s.</param>
/// <param name="MemoryGbs">Reading memory that is in no cache, in GB/s.</param>
internal sealed record CpuDescription(
    string Name,
    string Architecture,
    int Cores,
    IReadOnlyList<string> Isa,
    IReadOnlyList<string> Vnni,
    IReadOnlyList<long> Caches,
    int NumaNodes,
    long MemoryBytes,
    IReadOnlyDictionary<string, double> PeakGflops,
    double MemoryGbs)
{
    private const string SystemFolder = "/sys/devices/system";

    /// <summary>Describes and measures this machine; takes about a second.</summary>
    public static CpuDescription OfThisMachine()
    {
        IReadOnlyList<Isa> isas = [.. Enum.GetValues<Isa>().Where(isa => isa.IsAvailable()).OrderDescending()];
        return new CpuDescription(
            ProcessorName(),
            RuntimeInformation.ProcessArchitecture.ToString(),
            Environment.ProcessorCount,
            [.. isas.Select(isa => isa.Name())],
            [.. isas.Where(CpuFeatures.HasVnni).Select(isa => isa.Name())],
            DataCaches(),
            NodeCount(),
            GC.GetGCMemoryInfo().TotalAvailableMemoryBytes,
            isas.ToDictionary(isa => isa.Name(), isa => Math.Round(Peak.GflopsOf(isa), 1)),
            Math.Round(MemoryBandwidth.Measure(), 1));
    }

    /// <summary>What the processor calls itself.</summary>
    public static string ProcessorName()
    {
        const string cpuInfo = "/proc/cpuinfo";
        string? line = File.Exists(cpuInfo) ? File.ReadLines(cpuInfo).FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal)) : null;
        return line is null ? "unknown" : line[(line.IndexOf(':') + 1)..].Trim();
    }

    private static List<long> DataCaches()
    {
        List<long> sizes = [];
        for (int index = 0; Path.Combine(SystemFolder, $"cpu/cpu0/cache/index{index}") is var folder && Directory.Exists(folder); index++)
        {
            if (File.ReadAllText(Path.Combine(folder, "type")).Trim() == "Instruction") continue;
            string size = File.ReadAllText(Path.Combine(folder, "size")).Trim();
            long unit = size[^1] switch { 'K' => 1L << 10, 'M' => 1L << 20, _ => 1 };
            sizes.Add(long.Parse(size.TrimEnd('K', 'M'), CultureInfo.InvariantCulture) * unit);
        }

        return sizes;
    }

    private static int NodeCount()
    {
        string folder = Path.Combine(SystemFolder, "node");
        return Directory.Exists(folder) ? Math.Max(1, Directory.GetDirectories(folder, "node?*").Length) : 1;
    }
}
