using System.CommandLine;
using Lathe.Cli.Arguments;
using Lathe.Compiler;
using Lathe.Compiler.Diagnostics;

namespace Lathe.Cli.Bench;

/// <summary>The options of <c>lathe bench</c> that say how is measured, under the names that benchmark tools of the field have made usual.</summary>
internal sealed class BenchOptions
{
    private readonly Option<string?> _api = Parsed.Word("-api", ["--api"], ["sync", "async"], "Infer on each stream, or all requests in flight. Default sync.");
    private readonly Option<int?> _requests = Parsed.One<int?>("-nireq", ["--requests"], "N", "Requests in flight. Default: as many as streams.", text => Parsed.Positive(text));
    private readonly Option<int?> _streams = Parsed.One<int?>("-nstreams", ["--streams"], "N", "Inferences at the same time. Default 1.", text => Parsed.Positive(text));
    private readonly Option<int?> _batch = Parsed.One<int?>("-b", ["--batch"], "N", "The batch size. Default: the model's, or 1.", text => Parsed.Positive(text));
    private readonly Option<double?> _seconds = Parsed.One<double?>("-t", ["--time"], "SEC", "How long to measure. Default 5.", text => Parsed.NotNegative(text));
    private readonly Option<int?> _iterations = Parsed.One<int?>("-niter", ["--iterations"], "N", "How many inferences to measure, instead of a time.", text => Parsed.Positive(text));
    private readonly Option<bool> _perLayer = new("-pc", "--per-layer") { Description = "Measure each layer, and the machine's peak in between." };
    private readonly Option<string?> _hint = Parsed.Word("-hint", ["--hint"], ["latency", "throughput"], "What threads, streams and requests that are not given are chosen for.");

    private readonly Option<bool> _bf16 = new("-enforcebf16") { Description = "true is --precision bf16, false is fp32.", HelpName = "true|false" };
    private readonly Option<string?> _pin = Parsed.Word("-pin", [], ["yes", "no", "numa"], "Pin threads to processors. Default no.", StringComparison.OrdinalIgnoreCase);

    private BenchOptions()
    {
    }

    /// <summary>Adds the options to a command.</summary>
    public static BenchOptions AddTo(Command command)
    {
        BenchOptions options = new();
        foreach (Option option in (Option[])
            [
                options._api, options._requests, options._streams, options._batch, options._seconds, options._iterations, options._perLayer,
                options._hint, options._bf16, options._pin,
            ])
            command.Add(option);
        return options;
    }

    /// <summary>A request with the precision that <c>-enforcebf16</c> asks for.</summary>
    /// <exception cref="UsageException"><c>--precision</c> asks for another, or the model is compiled already.</exception>
    public ModelRequest Apply(ParseResult parsed, ModelRequest request)
    {
        if (parsed.GetResult(_bf16) is not { Implicit: false }) return request;
        bool wanted = parsed.GetValue(_bf16);
        if (wanted && request.IsCompiled) throw new UsageException($"option -enforcebf16 is for compiling, and '{request.Path}' is compiled already");
        string asked = request.Options.Precision;
        if (request.Options.DevicePrecisions != DevicePrecisions.None) throw new UsageException("option -enforcebf16 does not go with a precision for each device");
        if (wanted ? asked is not (PrecisionNames.Fp32 or PrecisionNames.Bf16) : asked == PrecisionNames.Bf16)
            throw new UsageException($"options -enforcebf16 {(wanted ? "true" : "false")} and --precision {asked} contradict each other");
        return wanted ? request with { Options = request.Options with { Precision = PrecisionNames.Bf16 } } : request;
    }

    /// <summary>What was asked for.</summary>
    /// <exception cref="FailedException">Something is asked for that this version does not do.</exception>
    /// <exception cref="UsageException">The options contradict each other.</exception>
    public BenchSettings Read(ParseResult parsed, ModelRequest request)
    {
        if (parsed.GetValue(_pin) is { } pin and not "no")
            throw new FailedException(request.Path, DiagnosticTable.BadOption, "-pin", $"{pin} is not available; threads are not pinned");
        return BenchSettings.Of(
            parsed.GetValue(_api), request.Threads, parsed.GetValue(_streams), parsed.GetValue(_requests), parsed.GetValue(_batch), parsed.GetValue(_seconds),
            parsed.GetValue(_iterations), parsed.GetValue(_perLayer), parsed.GetValue(_hint), Environment.ProcessorCount);
    }
}
