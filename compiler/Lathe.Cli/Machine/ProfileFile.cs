using System.Text.Json;
using Lathe.Cli.Arguments;
using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Prediction;
using Lathe.Runtime.Plans;

namespace Lathe.Cli.Machine;

/// <summary>Reads the processor out of a profile that <c>lathe devices -o</c> wrote.</summary>
internal static class ProfileFile
{
    /// <summary>Rates within these bounds give times that are numbers.</summary>
    private const double Least = 1e-3, Most = 1e9;

    /// <summary>The processor with the best of some instruction sets.</summary>
    /// <param name="option">The option that names the file, for messages.</param>
    /// <param name="path">The file.</param>
    /// <param name="isas">The instruction sets that are compiled in.</param>
    /// <exception cref="FailedException">The file cannot be read, is no profile, or has none of the instruction sets.</exception>
    public static CpuProfile Read(string option, string path, IReadOnlyList<Isa> isas) => OptionFile.Read(option, path, text =>
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(text);
            JsonElement cpu = document.RootElement.GetProperty("cpu"), peaks = cpu.GetProperty("peak_gflops");
            Isa isa = isas.OrderDescending().Where(i => peaks.TryGetProperty(i.Name(), out _)).Cast<Isa?>().FirstOrDefault()
                ?? throw new FormatException($"its processor has none of the instruction sets that are compiled in: {string.Join(", ", isas.Select(i => i.Name()))}");
            long cache = cpu.GetProperty("caches").EnumerateArray().Select(c => c.GetInt64()).DefaultIfEmpty(CpuProfile.NominalCache).Max();
            bool hasDotProducts = cpu.TryGetProperty("vnni", out JsonElement vnni) && vnni.EnumerateArray().Any(i => i.GetString() == isa.Name());
            double gflops = peaks.GetProperty(isa.Name()).GetDouble(), memory = cpu.GetProperty("memory_gbs").GetDouble();
            if (gflops is not (>= Least and <= Most) || memory is not (>= Least and <= Most)) throw new FormatException("peak_gflops and memory_gbs are no rates of a processor");
            return new CpuProfile(cpu.GetProperty("name").GetString() ?? "", isa, gflops, memory, cache, hasDotProducts);
        }
        catch (Exception failure) when (failure is JsonException or FormatException or InvalidOperationException or KeyNotFoundException)
        {
            throw new DiagnosticException(new Diagnostic(DiagnosticTable.BadOption, null, option, $"no profile of 'lathe devices -o': {failure.Message}"));
        }
    });
}
