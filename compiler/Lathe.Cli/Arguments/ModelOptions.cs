using System.CommandLine;
using Lathe.Cli.Machine;
using Lathe.Cli.Output;
using Lathe.Cli.Quantization;
using Lathe.Cli.Tuning;
using Lathe.Compiler;
using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Lowering;
using Lathe.Compiler.Placement;
using Lathe.Compiler.Quantization;
using Lathe.Compiler.Tuning;
using Lathe.Kernels.Targets.CSharp;
using Lathe.Runtime.Plans;

namespace Lathe.Cli.Arguments;

/// <summary>
/// The options that every command about a model takes. All that the contract names are parsed; what this version does not do is refused with a
/// diagnostic, never passed over.
/// </summary>
internal sealed class ModelOptions
{
    /// <summary>The option that names a file of device profiles.</summary>
    public const string DeviceProfile = "--device-profile";

    private readonly Option<(string Model, DevicePrecisions Devices)?> _precision = Parsed.One<(string, DevicePrecisions)?>(
        "--precision", [], "fp32|bf16|fp16|int8|auto", "fp16 and bf16 store weights in 16 bits and sum in fp32; int8 takes a quantised model, or quantises with --calibration. auto, the default, is the model's. With HETERO also GPU=fp16,CPU=fp32.",
        text => DevicePrecisions.Parse(text));

    private readonly Option<string?> _device = Parsed.One<string?>(
        "--device", ["-d"], "DEVICE", "CPU, GPU, HETERO:GPU,CPU (one model on several, also SIM), MULTI:… or AUTO. Default CPU; AUTO takes the best that there is.", CheckDevice);

    private readonly Option<string?> _affinity = Parsed.One<string?>(
        "--affinity", [], "cost|priority|FILE", "How the devices of HETERO share a model: by predicted time, by the order of the list, or by rules. Default cost.", text => text);

    private readonly Option<string?> _deviceProfile = Parsed.One<string?>(DeviceProfile, [], "FILE", "What the devices of HETERO take for steps and copies, as lathe devices -o writes it.", text => text);

    private readonly Option<string?> _deviceFallback = Parsed.Word("--device-fallback", [], ["on", "off"], "Whether HETERO carries the CPU's kernels for what other devices run. Default on.");

    private readonly Option<bool> _requireDevice = new("--require-device") { Description = "A device of HETERO that is missing or fails is an error; without this the CPU stands in for it." };

    private readonly Option<IReadOnlyList<Channels>> _mean = Parsed.Many(
        "--mean", [], "[NAME:]a,b,c", "Means per channel; the model sees (x - mean) / scale.", Channels.Parse);

    private readonly Option<IReadOnlyList<Channels>> _scale = Parsed.Many("--scale", [], "[NAME:]a,b,c", "Scales per channel.", Channels.ParseDivisors);

    private readonly Option<IReadOnlyList<ImageFormat>> _inputFormat = Parsed.Many(
        "--input-format", [], "[NAME:]u8,NHWC,BGR", "How the application's memory for an image lies; model=BGR for a model that does not take RGB.", ImageFormat.Parse);

    private readonly Option<IReadOnlyList<(string Input, Resizing Way)>> _resize = Parsed.Many(
        "--resize", [], "[NAME:]WAY", "Images of any size become the input: stretch, letterbox or crop; then align_corners, or fill=NUMBER.", Resizing.Parse);

    private readonly Option<IReadOnlyList<(string Output, Postprocessing Steps)>> _postprocess = Parsed.Many(
        "--postprocess", [], "[NAME:]STEPS", "What is computed behind an output: softmax, sigmoid, argmax, topk=K, dequantize=SCALE or nms=SCORES.", Postprocessing.Parse);

    private readonly Option<IReadOnlyList<LabelsFile>> _labels = Parsed.Many("--labels", [], "[NAME=]FILE", "The names of an output's classes, one a line.", LabelsFile.Parse);

    private readonly Option<IReadOnlyList<InputShape>> _shape = Parsed.Many(
        "--shape", [], "NAME=1,3,224,224", "The shape of an input; a dim may stay named: N, or N=1..32.", InputShape.Parse);

    private readonly Option<string?> _calibration = Parsed.One<string?>(
        "--calibration", [], "DIR", "Samples to quantise with: a folder, a file, or a pattern such as 'calib/**/*.npy'.", text => text);

    private readonly Option<string?> _calibrator = Parsed.Word(
        "--calibrator", [], ["minmax", "percentile", "entropy", "mse"], "How ranges follow from the samples. Default mse.");

    private readonly Option<double?> _minSqnr = Parsed.One<double?>(
        "--min-sqnr", [], "DB", "Layers that would have a lower signal-to-noise ratio in bytes stay in floats. Default 25.", text => Parsed.Finite(text));

    private readonly Option<string?> _biasCorrection = Parsed.Word("--bias-correction", [], ["on", "off"], "Take the mean error of each channel from its bias. Default on.");

    private readonly Option<LossBudget?> _mixed = Parsed.One<LossBudget?>(
        "--mixed", [], "B", "Keep the fewest layers in fp32 with which the samples lose no more: points of top-1 agreement such as 0.5, or a least ratio such as 30dB. In place of --min-sqnr.", LossBudget.Parse);

    private readonly Option<string?> _precisionRules = Parsed.One<string?>(
        NodePrecisions.Option, [], "FILE", "Rules that say which convolution or product has which precision: lines SELECTOR = fp32|fp16|bf16|int8.", text => text);

    private readonly Option<string?> _kernels = Parsed.Word("--kernels", [], ["csharp", "native", "auto"], "Which kernels; those in C# are compiled in always. Default auto, which is csharp for fp32.");

    private readonly Option<IReadOnlyList<Isa>?> _isa = Parsed.One<IReadOnlyList<Isa>?>(
        "--isa", [], "LIST", "The instruction sets that are compiled in, out of avx512,avx2,vector128. Default all.", ParseIsas);

    private readonly Option<bool> _emulate = new("--emulate")
    {
        Description = "For tests: kernels of an instruction set that this machine lacks run in software, slowly. With --isa avx512.",
    };

    private readonly Option<int?> _threads = Parsed.One<int?>("--threads", ["-nthreads"], "N", "How many threads an inference may use.", text => Parsed.Positive(text));

    private readonly Option<string?> _denormals = Parsed.Word("--denormals", [], ["flush", "keep"], "What becomes of denormal numbers. Default flush; verify, conformance and fuzz keep them.");

    private readonly Option<string?> _winograd = Parsed.Word("--winograd", [], ["on", "off"], "Convolutions with fewer multiplications and more rounding, where they are faster. Default on.");

    private readonly Option<string?> _tuning = Parsed.One<string?>("--tuning", [], "FILE", "A record of lathe tune, whose choices are taken in place of the defaults.", text => text);

    private readonly Option<IReadOnlyList<string>> _dumpAfter = Parsed.Many(
        "--dump-after", [], "PASS", "Write the graph's text to stderr after a pass.", text => text);

    private readonly Option<string?> _class = Parsed.One<string?>("--class", [], "NAME", "The class with its namespace. Default: the file's name.", CheckClass);

    private readonly Option<bool> _noOptimize = new("--no-optimize") { Description = "Run only the passes that lowering needs." };

    private readonly bool _calibrates;

    private ModelOptions(bool calibrates) => _calibrates = calibrates;

    /// <summary>Adds the options to a command.</summary>
    /// <param name="command">The command.</param>
    /// <param name="emulates">True if it can run kernels in software.</param>
    /// <param name="tuned">True if it takes a tuning record.</param>
    /// <param name="calibrates">True if it takes calibration samples.</param>
    /// <param name="namesClasses">True if it takes the names of classes.</param>
    /// <param name="compiles">False if it takes only those options that say what the model's inputs are, since its result is no compiled model.</param>
    public static ModelOptions AddTo(Command command, bool emulates = false, bool tuned = true, bool calibrates = true, bool namesClasses = true, bool compiles = true)
    {
        ModelOptions options = new(calibrates);
        if (compiles)
        {
            Add(
                options._precision, options._device, options._affinity, options._deviceProfile, options._deviceFallback, options._requireDevice, options._postprocess, options._kernels, options._isa, options._denormals, options._winograd, options._dumpAfter,
                options._class, options._noOptimize);
            if (namesClasses) Add(options._labels);
            if (emulates) Add(options._emulate);
            if (tuned) Add(options._tuning);
        }

        Add(options._mean, options._scale, options._inputFormat, options._resize, options._shape, options._threads);
        if (calibrates) Add(options._calibration, options._calibrator, options._minSqnr, options._biasCorrection, options._mixed, options._precisionRules);
        return options;

        void Add(params ReadOnlySpan<Option> added)
        {
            foreach (Option option in added) command.Add(option);
        }
    }

    /// <summary>What was asked for.</summary>
    /// <param name="parsed">The parsed command line.</param>
    /// <param name="model">The model's path; a folder stands for the model.onnx in it.</param>
    /// <param name="terminal">Takes what <c>--dump-after</c> writes.</param>
    /// <param name="runs">True if the command runs the model.</param>
    /// <param name="defaultIsas">What is compiled in where the user does not say; null for all.</param>
    /// <param name="quantizes">True for the command that quantises, for which the precision need not be given.</param>
    /// <param name="keepsDenormals">What becomes of denormal numbers where the user does not say.</param>
    /// <param name="predicts">True if a device profile may be given for the processor that is predicted for.</param>
    /// <exception cref="FailedException">Something is asked for that this version does not do.</exception>
    /// <exception cref="UsageException">Options contradict each other or the command.</exception>
    public ModelRequest Read(ParseResult parsed, string model, Terminal terminal, bool runs, IReadOnlyList<Isa>? defaultIsas = null, bool keepsDenormals = false, bool quantizes = false, bool predicts = false)
    {
        if (Directory.Exists(model)) model = Path.Combine(model, "model.onnx");
        if (ModelRequest.IsAssembly(model)) RefuseOptionsOfCompilation(parsed, model, runs);
        IReadOnlyList<Diagnostic> refused = [.. Refused(parsed).Select(r => new Diagnostic(DiagnosticTable.BadOption, null, r.Option, r.Reason))];
        if (refused.Count > 0) throw new FailedException(model, refused);

        List<Diagnostic> warnings = [];
        if (!runs && parsed.GetValue(_threads) is not null)
            warnings.Add(new Diagnostic(DiagnosticTable.OptionWithoutEffect, null, "--threads", "the number of threads is chosen when the model is loaded"));
        bool emulate = parsed.GetValue(_emulate);
        if (emulate && parsed.GetValue(_isa) is not [Isa.Avx512]) throw new UsageException("option --emulate needs --isa avx512");
        if (emulate && parsed.GetValue(_kernels) == "native") throw new UsageException("option --emulate is for kernels in C#");
        if (emulate) warnings.Add(new Diagnostic(DiagnosticTable.EmulatedKernels, null, Isa.Avx512.Name(), Avx512Emulation.Needs.Name()));
        string device = parsed.GetValue(_device) is { } asked and not "AUTO" ? asked : "CPU";
        bool isHetero = DeviceList.IsList(device);
        foreach (Option option in (Option[])[_affinity, .. predicts ? [] : (Option[])[_deviceProfile], _deviceFallback, _requireDevice])
            if (!isHetero && parsed.GetResult(option) is { Implicit: false } && !ModelRequest.IsAssembly(model)) throw new UsageException($"option {option.Name} is for {_device.Name} {DeviceList.Prefix}…");
        if (emulate && device != "CPU") throw new UsageException("option --emulate is for the CPU");
        if (device == "GPU" && parsed.GetValue(_kernels) is { } kernels)
            warnings.Add(new Diagnostic(DiagnosticTable.OptionWithoutEffect, null, "--kernels", $"{kernels} is for the CPU; on {device} the kernels are OpenCL C"));
        string? tuning = parsed.GetValue(_tuning);
        TuningRecord? record = tuning is null ? null : TuningFile.Read(tuning);
        if (runs && record is not null && record.Cpu != CpuDescription.ProcessorName())
            warnings.Add(new Diagnostic(DiagnosticTable.TuningOfAnotherCpu, null, record.Cpu, CpuDescription.ProcessorName()));
        string? affinity = parsed.GetValue(_affinity), rules = affinity is null or Partitioner.Cost or Partitioner.Priority ? null : affinity, profile = parsed.GetValue(_deviceProfile);
        IReadOnlyList<LabelsFile> labels = parsed.GetValue(_labels) ?? [];
        CalibrationRequest? calibration = ReadCalibration(parsed, quantizes);
        string? precisionRules = parsed.GetValue(_precisionRules);
        CompileOptions options = new()
        {
            Precision = PrecisionOf(parsed),
            DevicePrecisions = parsed.GetValue(_precision)?.Devices ?? DevicePrecisions.None,
            PrecisionRules = precisionRules is null ? [] : OptionFile.Read(NodePrecisions.Option, precisionRules, NodePrecisions.Parse),
            ClassName = parsed.GetValue(_class),
            Device = device,
            Affinity = rules is null ? affinity ?? Partitioner.Cost : Partitioner.Cost,
            AffinityRules = rules is null ? null : OptionFile.Read("--affinity", rules, text => text),
            DeviceProfiles = profile is null || !isHetero ? DeviceProfileText.Shipped : OptionFile.Read(DeviceProfile, profile, DeviceProfileText.Parse),
            DeviceFallback = parsed.GetValue(_deviceFallback) != "off",
            RequireDevice = parsed.GetValue(_requireDevice),
            Kernels = parsed.GetValue(_kernels) ?? "auto",
            Isas = parsed.GetValue(_isa) ?? defaultIsas ?? new CompileOptions().Isas,
            Emulate = emulate,
            Shapes = ByInput("--shape", parsed.GetValue(_shape)!.Select(s => (s.Input, s.Text))),
            Mean = ByInput("--mean", parsed.GetValue(_mean)!.Select(m => (m.Input, m.Values))),
            Scale = ByInput("--scale", parsed.GetValue(_scale)!.Select(s => (s.Input, s.Values))),
            InputFormats = ByInput("--input-format", parsed.GetValue(_inputFormat)!.Select(f => (f.Input, f.Format))),
            Resizing = ByInput("--resize", parsed.GetValue(_resize)!),
            Postprocessing = ByName("--postprocess", "output", parsed.GetValue(_postprocess) ?? []),
            Labels = ByName("--labels", "output", labels.Select(l => (l.Output, l.Read()))),
            Optimize = !parsed.GetValue(_noOptimize),
            KeepDenormals = parsed.GetValue(_denormals) is { } denormals ? denormals == "keep" : keepsDenormals,
            Winograd = parsed.GetValue(_winograd) != "off",
            Tuning = record,
            DumpAfter = parsed.GetValue(_dumpAfter) ?? [],
            Dump = (pass, text) => terminal.Error.WriteLine($"// after {pass}\n{text}"),
        };
        bool? flush = parsed.GetValue(_denormals) is { } word ? word == "flush" : keepsDenormals ? false : null;
        return new ModelRequest(model, options, parsed.GetValue(_threads), flush, warnings)
        {
            Files = [.. new[] { tuning, rules, profile, precisionRules }.OfType<string>(), .. labels.Select(l => l.Path), .. calibration?.Files ?? []],
            Calibration = calibration,
            DeviceProfile = profile,
            RequireDevice = parsed.GetValue(_requireDevice),
        };
    }

    private string PrecisionOf(ParseResult parsed) => parsed.GetValue(_precision)?.Model ?? PrecisionNames.Fp32;

    private CalibrationRequest? ReadCalibration(ParseResult parsed, bool quantizes)
    {
        string precision = PrecisionOf(parsed);
        bool isGiven(Option option) => parsed.GetResult(option) is { Implicit: false };
        if (!quantizes && precision != PrecisionNames.Int8)
        {
            bool mixes = PrecisionNames.WeightsOf(precision) is not null && isGiven(_mixed);
            foreach (Option option in (Option[])[.. mixes ? [] : (Option[])[_mixed, _calibration], _calibrator, _minSqnr, _biasCorrection])
                if (isGiven(option)) throw new UsageException($"option {option.Name} is for --precision int8{(option == _mixed ? ", bf16 or fp16" : option == _calibration ? ", or for --mixed" : "")}");
        }

        if (isGiven(_mixed) && !isGiven(_calibration)) throw new UsageException("option --mixed needs --calibration");
        if (isGiven(_mixed) && isGiven(_minSqnr)) throw new UsageException("option --mixed chooses the layers that stay in floats, and so does --min-sqnr: give one of them");
        QuantizeOptions how = new()
        {
            Calibrator = parsed.GetValue(_calibrator) is { } word ? Enum.Parse<Calibrator>(word, ignoreCase: true) : new QuantizeOptions().Calibrator,
            MinSqnr = parsed.GetValue(_minSqnr) ?? new QuantizeOptions().MinSqnr,
            BiasCorrection = parsed.GetValue(_biasCorrection) != "off",
            Budget = parsed.GetValue(_mixed),
        };
        return parsed.GetValue(_calibration) is { } place ? CalibrationRequest.Find(place, how) : null;
    }

    private IEnumerable<(string Option, string Reason)> Refused(ParseResult parsed)
    {
        string device = parsed.GetValue(_device) ?? "CPU";
        if (PrecisionOf(parsed) == PrecisionNames.Int8 && !_calibrates) yield return ("--precision", "int8 is not available to this command");
        if (device.StartsWith("MULTI:", StringComparison.Ordinal))
            yield return ("--device", $"{device} is not available; this version runs a model on one device, or on several together with {DeviceList.Prefix}GPU,CPU");
    }

    /// <summary>What was decided when an assembly was compiled cannot be asked for when it is run.</summary>
    private void RefuseOptionsOfCompilation(ParseResult parsed, string model, bool runs)
    {
        if (!runs) throw new UsageException($"'{model}' is compiled already; this command takes an ONNX model");
        if (parsed.GetValue(_device) is { } device and not ("CPU" or "AUTO")) throw new UsageException($"option {_device.Name} {device} is for compiling, and '{model}' is compiled already: it runs on what it was compiled for");
        foreach (Option option in (Option[])[_precision, _class, _mean, _scale, _inputFormat, _resize, _postprocess, _labels, _calibration, _calibrator, _minSqnr, _biasCorrection, _mixed, _precisionRules, _kernels, _isa, _emulate, _winograd, _tuning, _dumpAfter, _noOptimize, _affinity, _deviceProfile, _deviceFallback])
        {
            if (parsed.GetResult(option) is { Implicit: false })
                throw new UsageException($"option {option.Name} is for compiling, and '{model}' is compiled already");
        }
    }

    private static Dictionary<string, T> ByInput<T>(string option, IEnumerable<(string Input, T Value)> given) => ByName(option, "input", given);

    private static Dictionary<string, T> ByName<T>(string option, string kind, IEnumerable<(string Name, T Value)> given)
    {
        Dictionary<string, T> values = [];
        foreach ((string name, T value) in given)
            if (!values.TryAdd(name, value)) throw new UsageException($"option {option} is given twice for {(name.Length == 0 ? $"the only {kind}" : $"{kind} '{name}'")}");
        return values;
    }

    private static string CheckDevice(string text)
    {
        // Which devices there are for a list, and which lists make sense, is for the compiler to say.
        return text is "CPU" or "GPU" or "AUTO" || (text.Length > DeviceList.Prefix.Length && DeviceList.IsList(text)) || (text.StartsWith("MULTI:", StringComparison.Ordinal) && text["MULTI:".Length..].Split(',').All(d => d is "CPU" or "GPU"))
            ? text
            : throw new FormatException($"'{text}' is none of CPU, GPU, AUTO, and HETERO: or MULTI: with a list of devices");
    }

    private static string CheckClass(string text) =>
        IdentifierNames.IsClassName(text) ? text : throw new FormatException($"'{text}' is not a name of a class such as MyApp.SqueezeNet");

    private static IReadOnlyList<Isa> ParseIsas(string text)
    {
        List<Isa> isas = [];
        foreach (string name in text.Split(',', StringSplitOptions.TrimEntries))
        {
            if (!Isas.TryParse(name, out Isa isa)) throw new FormatException($"'{name}' is not one of avx512, avx2, vector128");
            if (!isas.Contains(isa)) isas.Add(isa);
        }

        return [.. isas.OrderDescending()];
    }
}
