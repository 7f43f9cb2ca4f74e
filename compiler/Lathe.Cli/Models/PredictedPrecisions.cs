using System.Globalization;
using Lathe.Cli.Arguments;
using Lathe.Cli.Output;
using Lathe.Compiler;
using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Prediction;
using Lathe.Runtime.Plans;

namespace Lathe.Cli.Models;

/// <summary>What precisions would take on a processor: the <c>predictions</c> of <c>lathe inspect --precisions</c>.</summary>
/// <param name="Cpu">The processor.</param>
/// <param name="Isa">The instruction set.</param>
/// <param name="Precisions">Each precision, in the order in which they were asked for.</param>
internal sealed record PredictedPrecisions(string Cpu, string Isa, IReadOnlyList<PredictedPrecision> Precisions)
{
    /// <summary>A precision is called slower if it is so by more than what a prediction is worth.</summary>
    private const double Slower = 1.05;

    /// <summary>Compiles the model in each precision and predicts.</summary>
    /// <exception cref="FailedException">The model cannot be compiled in one of them.</exception>
    public static PredictedPrecisions Of(ModelRequest request, IReadOnlyList<string> precisions, CpuProfile cpu, Terminal terminal, CancellationToken cancellation)
    {
        CompileReport floats = Report(PrecisionNames.Fp32);
        double exact = Roofline.Milliseconds(floats, cpu);
        List<PredictedPrecision> predicted = [];
        foreach (string precision in precisions)
        {
            CompileReport report = precision == PrecisionNames.Fp32 ? floats : Report(precision);
            double ms = Roofline.Milliseconds(report, cpu);
            predicted.Add(new PredictedPrecision(precision, ms, ms / exact, report.WeightBytes, report.PreparedBytes, report.ArenaBytes, ms > exact * Slower));
        }

        return new PredictedPrecisions(cpu.Name, cpu.Isa.Name(), predicted);

        CompileReport Report(string precision) => ModelCompiler.Compile(request.In(precision), terminal, cancellation).Output.Report;
    }

    /// <summary>Warnings about precisions that would be slower than float32.</summary>
    public IEnumerable<Diagnostic> Warnings() => Precisions.Where(p => p.IsSlower).Select(p => new Diagnostic(
        DiagnosticTable.PrecisionIsSlower, null, p.Precision, Cpu, string.Create(CultureInfo.InvariantCulture, $"{(p.Ratio - 1) * 100:F0}")));

    /// <summary>Writes it for people.</summary>
    public void Show(TextWriter writer)
    {
        TextTable.Write(
            writer,
            ["precision", "predicted ms", "ratio", "weights", "made of them", "arena"],
            Precisions.Select(p => (IReadOnlyList<string>)
            [
                p.Precision, p.Ms.ToString("F3", CultureInfo.InvariantCulture), p.Ratio.ToString("F2", CultureInfo.InvariantCulture), Terminal.Bytes(p.WeightBytes), Terminal.Bytes(p.PreparedBytes), Terminal.Bytes(p.ArenaBytes),
            ]));
        writer.WriteLine($"predicted for one core of {Terminal.Clean(Cpu)} with {Isa}, not measured; ratios of times to fp32");
    }
}

/// <summary>A precision.</summary>
/// <param name="Precision">Its name.</param>
/// <param name="Ms">The predicted time of an inference on one core.</param>
/// <param name="Ratio">That to the time in fp32.</param>
/// <param name="WeightBytes">The weights as they are deployed.</param>
/// <param name="PreparedBytes">What loading makes of them.</param>
/// <param name="ArenaBytes">The memory of an inference beside them.</param>
/// <param name="IsSlower">True if it is predicted to be slower than fp32 by more than a prediction may err.</param>
internal sealed record PredictedPrecision(string Precision, double Ms, double Ratio, long WeightBytes, long PreparedBytes, long ArenaBytes, bool IsSlower);
