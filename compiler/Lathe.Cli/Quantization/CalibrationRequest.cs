using System.Security.Cryptography;
using System.Text;
using Lathe.Cli.Arguments;
using Lathe.Cli.Models;
using Lathe.Cli.Output;
using Lathe.Cli.Tensors;
using Lathe.Compiler;
using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Onnx;
using Lathe.Compiler.Quantization;

namespace Lathe.Cli.Quantization;

/// <summary>Samples to quantise a model with, and how.</summary>
/// <param name="Samples">The samples.</param>
/// <param name="Options">What is asked of the quantisation.</param>
internal sealed record CalibrationRequest(IReadOnlyList<Sample> Samples, QuantizeOptions Options)
{
    /// <summary>Looks for the files.</summary>
    /// <exception cref="FailedException">There are none, or a folder cannot be read.</exception>
    public static CalibrationRequest Find(string place, QuantizeOptions options)
    {
        try
        {
            return new CalibrationRequest(Sample.Find(place, DiagnosticTable.BadCalibration), options);
        }
        catch (DiagnosticException failure)
        {
            throw new FailedException(place, [failure.Diagnostic]);
        }
    }

    /// <summary>The files of all samples.</summary>
    public IReadOnlyList<string> Files => [.. Samples.SelectMany(s => s.Files)];

    /// <summary>A request with the quantised model in the place of the file, or rules for weights of 32 bits, where samples are given.</summary>
    /// <exception cref="FailedException">The model or the samples do not allow it; or int8 is asked of a model of floats, without samples.</exception>
    public static ModelRequest Apply(ModelRequest request, Terminal terminal, CancellationToken cancellation)
    {
        if (request.Options.Quantized is not null || request.IsCompiled) return request;
        if (request.Calibration is { } samples && PrecisionNames.WeightsOf(request.Options.Precision) is not null)
        {
            MixedWeights mixed = samples.Narrow(request, terminal, cancellation);
            return request with { Options = request.Options with { PrecisionRules = mixed.Rules }, Calibration = null, Mixed = mixed };
        }

        if (request.Calibration is { } calibration)
            return request with { Options = request.Options with { Quantized = calibration.Quantize(request, terminal, cancellation) } };
        if (request.Options.Precision == PrecisionNames.Int8 && !Loader.About(request.Path, () => OnnxFrontEnd.IsQuantized(request.Path)))
            throw new FailedException(request.Path, DiagnosticTable.NeedsCalibration);
        return request;
    }

    /// <summary>Quantises a model.</summary>
    /// <exception cref="FailedException">The model or the samples do not allow it.</exception>
    public QuantizedModel Quantize(ModelRequest request, Terminal terminal, CancellationToken cancellation)
    {
        terminal.Note($"quantising {request.Path} with {Files.Count} files");
        string title = $"quantising {Path.GetFileName(request.Path)}";
        return Loader.About(request.Path, () => terminal.Work(title, progress =>
        {
            using CalibrationRunner runner = new(Samples, request.Threads);
            return Quantizer.Run(request.Path, request.Options with { Progress = progress }, Options, runner, cancellation);
        }));
    }

    /// <summary>Chooses the layers whose weights stay in 32 bits.</summary>
    private MixedWeights Narrow(ModelRequest request, Terminal terminal, CancellationToken cancellation) => Loader.About(request.Path, () => terminal.Work($"choosing layers of {Path.GetFileName(request.Path)}", progress =>
    {
        using CalibrationRunner runner = new(Samples, request.Threads);
        return Quantizer.Narrow(request.Path, request.Options with { Progress = progress }, Options.Budget!, runner, cancellation);
    }));

    /// <summary>Adds to a hash what the quantised model depends on beside the model.</summary>
    /// <exception cref="IOException">A file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">A file cannot be read.</exception>
    public void AppendTo(IncrementalHash hash)
    {
        hash.AppendData(Encoding.UTF8.GetBytes($"{Options.CanonicalText()} {Files.Count}"));
        foreach (string file in Files)
        {
            using FileStream stream = File.OpenRead(file);
            // The extension says how a file is read, folder and name which files are one sample and in which order.
            hash.AppendData(Encoding.UTF8.GetBytes(file));
            hash.AppendData(SHA256.HashData(stream));
        }
    }
}
