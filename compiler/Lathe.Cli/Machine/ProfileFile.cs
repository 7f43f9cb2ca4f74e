using System.Text.Json;
using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Prediction;
using Lathe.Runtime.Plans;

namespace Lathe.Cli.Machine;

/// <summary>Reads the processor out of a profile that <c>lathe devices -o</c> wrote.</summary>
internal static class ProfileFile
{
    private const int MostBytes = 1 << 20;

    /// <summary>The processor with the best of some instruction sets.</summary>
    /// <exception cref="FailedException">The file cannot be read, is no profile, or has none of the instruction sets.</exception>
    public static CpuProfile Read(string path, IReadOnlyList<Isa> isas)
    {
        try
        {
            if (new FileInfo(path) is { Exists: true, Length: > MostBytes }) throw new IOException($"the file is larger than {MostBytes >> 20} MiB");
            using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(path));
            JsonElement cpu = document.RootElement.GetProperty("cpu"), peaks = cpu.GetProperty("peak_gflops");
            Isa isa = isas.OrderDescending().Where(i => peaks.TryGetProperty(i.Name(), out _)).Cast<Isa?>().FirstOrDefault()
                ?? throw new FormatException($"its processor has none of the instruction sets that are compiled in: {string.Join(", ", isas.Select(i => i.Name()))}");
            long cache = cpu.GetProperty("caches").EnumerateArray().Select(c => c.GetInt64()).DefaultIfEmpty(CpuProfile.NominalCache).Max();
            bool hasDotProducts = cpu.TryGetProperty("vnni", out JsonElement vnni) && vnni.EnumerateArray().Any(i => i.GetString() == isa.Name());
            double gflops = peaks.GetProperty(isa.Name()).GetDouble(), memory = cpu.GetProperty("memory_gbs").GetDouble();
            if (!(gflops > 0 && memory > 0 && double.IsFinite(gflops) && double.IsFinite(memory))) throw new FormatException("peak_gflops and memory_gbs are positive");
            return new CpuProfile(cpu.GetProperty("name").GetString() ?? "", isa, gflops, memory, cache, hasDotProducts);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or ArgumentException or JsonException or FormatException or InvalidOperationException or KeyNotFoundException)
        {
            throw new FailedException(path, DiagnosticTable.BadOption, "--profile", $"no profile of 'lathe devices -o': {failure.Message}");
        }
    }
}
