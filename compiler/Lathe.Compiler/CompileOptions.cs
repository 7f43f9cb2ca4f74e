using Lathe.Runtime.Devices;
using System.Security.Cryptography;
using Lathe.Compiler.Graph;
using Lathe.Compiler.Placement;
using Lathe.Compiler.Quantization;
using Lathe.Compiler.Tuning;
using Lathe.Kernels.Llvm;
using Lathe.Runtime;
using Lathe.Runtime.Plans;

namespace Lathe.Compiler;

/// <summary>What a user may ask of a compilation. The defaults are those of <c>lathe compile</c>.</summary>
public sealed record CompileOptions
{
    /// <summary>The name of the class, an identifier, with its namespace: <c>MyApp.SqueezeNet</c>. Null takes the file's name.</summary>
    public string? ClassName { get; init; }

    /// <summary>
    /// What products are computed with: <c>fp32</c>; <c>fp16</c> or <c>bf16</c>, in which weights are stored that are multiplied and summed in float32; or <c>int8</c>, which a
    /// model has that is quantised or that <see cref="Quantized"/> stands for.
    /// </summary>
    public string Precision { get; init; } = "fp32";

    /// <summary>What each device of several computes products with, where they differ; <see cref="Precision"/> is then that of the CPU, or <c>int8</c> if any device has it.</summary>
    public DevicePrecisions DevicePrecisions { get; init; } = DevicePrecisions.None;

    /// <summary>The element type in which an accelerator has weights and what its steps give to each other; null where that is float32, and for the CPU, which has only weights in 16 bits.</summary>
    /// <param name="device">The accelerator.</param>
    public ElementType? StoredOn(string device) => device == "CPU" ? null : PrecisionNames.WeightsOf(DevicePrecisions.Named.Length == 0 ? Precision : DevicePrecisions.Of(device) ?? PrecisionNames.Fp32);

    /// <summary>Convolutions and products whose precision is another than <see cref="Precision"/>: see <see cref="NodePrecisions.Parse"/>. Those of <c>int8</c> are for the quantisation.</summary>
    public IReadOnlyList<NodeRule> PrecisionRules { get; init; } = [];

    /// <summary>The device: <c>CPU</c>; <c>GPU</c>, which is any device that OpenCL offers; or several in order of priority, such as <c>HETERO:GPU,CPU</c>.</summary>
    public string Device { get; init; } = "CPU";

    /// <summary>True if several devices run the model together.</summary>
    public bool IsHetero => DeviceList.IsList(Device);

    /// <summary>How several devices share a model: <see cref="Partitioner.Cost"/>, by what it is predicted to take, or <see cref="Partitioner.Priority"/>, each operator on the first device that has it.</summary>
    public string Affinity { get; init; } = Partitioner.Cost;

    /// <summary>Rules that say which device runs which nodes, as <see cref="NodeRules"/> has them; null for none. What none is about goes by <see cref="Affinity"/>.</summary>
    public string? AffinityRules { get; init; }

    /// <summary>What devices are reckoned to take, by name.</summary>
    public IReadOnlyDictionary<string, DeviceProfile> DeviceProfiles { get; init; } = DeviceProfileText.Shipped;

    /// <summary>False leaves out the CPU's kernels for what other devices run: nothing then stands in for one that is missing or fails.</summary>
    public bool DeviceFallback { get; init; } = true;

    /// <summary>True compiles a model that does not run where a device is missing, unless whoever loads it says otherwise.</summary>
    public bool RequireDevice { get; init; }

    /// <summary>True if the kernels are OpenCL C.</summary>
    public bool UsesOpenCl => Device == "GPU";

    /// <summary>
    /// Which kernels: <c>csharp</c>, <c>native</c>, or <c>auto</c>, which is native for models that multiply bytes, for which .NET has no instructions of 512 bits, and C# for all
    /// others: the code is equally fast, and smaller. Those in C# are compiled in always: they run where native ones cannot.
    /// </summary>
    public string Kernels { get; init; } = "auto";

    /// <summary>Where native kernels are.</summary>
    public NativeCodeForm NativeCode { get; init; }

    /// <summary>The version of the libLLVM that makes native kernels; null if none is installed.</summary>
    public static string? LibLLVM => ObjectCompiler.Version;

    /// <summary>True if native kernels are wanted of a model.</summary>
    /// <param name="multipliesBytes">True for a model that multiplies bytes.</param>
    public bool WantsNative(bool multipliesBytes) => Kernels == "native" || (Kernels == "auto" && multipliesBytes && !Emulate);

    /// <summary>The instruction sets that are compiled in.</summary>
    public IReadOnlyList<Isa> Isas { get; init; } = [Isa.Avx512, Isa.Avx2, Isa.Vector128];

    /// <summary>
    /// True compiles AVX-512 kernels that run in software on a machine with AVX2, slowly and with the same bits: for tests. <see cref="Isas"/> is then
    /// <see cref="Isa.Avx512"/> alone.
    /// </summary>
    public bool Emulate { get; init; }

    /// <summary>
    /// Shapes of inputs by name; each dim is a number, a name, or a name with a range such as <c>N=1..32</c>. An input that is not named keeps the
    /// model's shape, dynamic dims left dynamic.
    /// </summary>
    public IReadOnlyDictionary<string, string> Shapes { get; init; } = new Dictionary<string, string>();

    /// <summary>
    /// Values of inputs by name. Such an input becomes a constant and is no input of the compiled model: for inputs on which shapes depend.
    /// </summary>
    public IReadOnlyDictionary<string, TensorData> InputValues { get; init; } = new Dictionary<string, TensorData>();

    /// <summary>Means per channel, by input name; the empty name stands for the only input. The model sees (x - mean) / scale.</summary>
    public IReadOnlyDictionary<string, float[]> Mean { get; init; } = new Dictionary<string, float[]>();

    /// <summary>Scales per channel, by input name; the empty name stands for the only input.</summary>
    public IReadOnlyDictionary<string, float[]> Scale { get; init; } = new Dictionary<string, float[]>();

    /// <summary>How the application's memory for images lies, by input name; the empty name stands for the only input.</summary>
    public IReadOnlyDictionary<string, InputFormat> InputFormats { get; init; } = new Dictionary<string, InputFormat>();

    /// <summary>How images of any size become inputs, by input name; the empty name stands for the only input.</summary>
    public IReadOnlyDictionary<string, Resizing> Resizing { get; init; } = new Dictionary<string, Resizing>();

    /// <summary>What is computed behind outputs, by output name; the empty name stands for the only output.</summary>
    public IReadOnlyDictionary<string, Postprocessing> Postprocessing { get; init; } = new Dictionary<string, Postprocessing>();

    /// <summary>The names of classes, by output name; the empty name stands for the only output.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<string>> Labels { get; init; } = new Dictionary<string, IReadOnlyList<string>>();

    /// <summary>False runs only the passes that lowering needs.</summary>
    public bool Optimize { get; init; } = true;

    /// <summary>True compiles a model that computes with denormal numbers unless whoever loads it says otherwise; by default they count as zero.</summary>
    public bool KeepDenormals { get; init; }

    /// <summary>True computes convolutions by Winograd's algorithm where it is faster: with fewer multiplications and more rounding.</summary>
    public bool Winograd { get; init; } = true;

    /// <summary>True makes what convolutions and products give outputs of the compiled model, behind its own: to compare two compilations layer by layer.</summary>
    public bool ShowLayers { get; init; }

    /// <summary>Choices that were measured, in place of the cost model's; null for none.</summary>
    public TuningRecord? Tuning { get; init; }

    /// <summary>The quantised form of the model, which is compiled in its place; null compiles the file.</summary>
    public QuantizedModel? Quantized { get; init; }

    /// <summary>Names of passes after which the graph's text goes to <see cref="Dump"/>.</summary>
    public IReadOnlyList<string> DumpAfter { get; init; } = [];

    /// <summary>Takes the text of graphs: the pass's name and the text.</summary>
    public Action<string, string>? Dump { get; init; }

    /// <summary>True checks the graph after every pass: for tests, and to find which pass is at fault.</summary>
#if DEBUG
    public bool Verify { get; init; } = true;
#else
    public bool Verify { get; init; }
#endif

    /// <summary>Applies no more than this many rewriting rules, to find a wrong one by bisection; null for all.</summary>
    public int? StopAfter { get; init; }

    /// <summary>Weights larger than this become a file beside the assembly.</summary>
    public long EmbedWeightsUpTo { get; init; } = 1 << 20;

    /// <summary>True compiles the kernels unoptimised, for stepping through them.</summary>
    public bool DebugKernels { get; init; }

    /// <summary>Takes what is being done and which share of it is finished, from 0 to 1.</summary>
    public IProgress<(string Stage, double Share)>? Progress { get; init; }

    /// <summary>The options that change what is compiled, as text: equal for equal options.</summary>
    public string CanonicalText()
    {
        static string Floats(IReadOnlyDictionary<string, float[]> values) => string.Join(';', values.OrderBy(v => v.Key, StringComparer.Ordinal)
            .Select(v => $"{v.Key}={string.Join(',', v.Value.Select(f => BitConverter.SingleToInt32Bits(f)))}"));
        return string.Join('\n',
            ClassName, Precision, DevicePrecisions, string.Join('\n', PrecisionRules.Select(r => $"{r.Selector.Text}={r.Value}")), Device, Kernels == "native" ? $"native {ObjectCompiler.Version}" : Kernels, NativeCode, string.Join(',', Isas), Emulate,
            string.Join(';', Shapes.OrderBy(s => s.Key, StringComparer.Ordinal).Select(s => $"{s.Key}={s.Value}")),
            Floats(Mean), Floats(Scale), string.Join(';', InputFormats.OrderBy(f => f.Key, StringComparer.Ordinal).Select(f => $"{f.Key}={f.Value}")),
            string.Join('\n', Resizing.OrderBy(r => r.Key, StringComparer.Ordinal).Select(r => $"{r.Key}={r.Value.Text}")),
            string.Join('\n', Postprocessing.OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => $"{p.Key}={p.Value.Text}")),
            string.Join('\n', Labels.OrderBy(l => l.Key, StringComparer.Ordinal).Select(l => $"{l.Key}={l.Value.Count}\n{string.Join('\n', l.Value)}")),
            Optimize, Winograd, KeepDenormals, EmbedWeightsUpTo, DebugKernels, ShowLayers, Tuning?.Hash,
            IsHetero ? string.Join('\n', Affinity, AffinityRules, DeviceFallback, RequireDevice, DeviceProfileText.Write(DeviceProfiles.OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => p.Value))) : null,
            Quantized is null ? null : Convert.ToHexStringLower(SHA256.HashData(Quantized.Onnx)));
    }
}
