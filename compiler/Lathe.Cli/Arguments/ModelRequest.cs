using Lathe.Cli.Quantization;
using Lathe.Compiler;
using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Quantization;
using Lathe.Runtime.Plans;

namespace Lathe.Cli.Arguments;

/// <summary>What the options that the model commands share ask for.</summary>
/// <param name="Path">The model or the compiled assembly.</param>
/// <param name="Options">What is asked of the compiler.</param>
/// <param name="Threads">How many threads an inference may use; null for the command's default.</param>
/// <param name="FlushDenormals">What becomes of denormal numbers, where the user says so.</param>
/// <param name="Warnings">What is asked for and not done, although the result is right.</param>
internal sealed record ModelRequest(string Path, CompileOptions Options, int? Threads, bool? FlushDenormals, IReadOnlyList<Diagnostic> Warnings)
{
    /// <summary>The instruction set whose kernels are compiled to machine code of this system right away; null leaves all to the JIT.</summary>
    public Isa? Precompiled { get; init; }

    /// <summary>True if they have to be: otherwise the JIT does where they cannot.</summary>
    public bool MustPrecompile { get; init; }

    /// <summary>Files beside the model that the compilation reads: the tuning record, rules, device profiles, labels, calibration samples.</summary>
    public IReadOnlyList<string> Files { get; init; } = [];

    /// <summary>True if a device that is missing or fails is an error, whatever the model was compiled with.</summary>
    public bool RequireDevice { get; init; }

    /// <summary>The file of device profiles; null for none.</summary>
    public string? DeviceProfile { get; init; }

    /// <summary>Samples to quantise the model with, or to choose layers by; null for none.</summary>
    public CalibrationRequest? Calibration { get; init; }

    /// <summary>The layers that were chosen to have weights of 32 bits; null where none were searched for.</summary>
    public MixedWeights? Mixed { get; init; }

    /// <summary>The model without a lower precision.</summary>
    public ModelRequest InFloats() => this with { Options = Options with { Precision = PrecisionNames.Fp32, DevicePrecisions = DevicePrecisions.None, PrecisionRules = [], Quantized = null }, Calibration = null, Mixed = null };

    /// <summary>The model in a precision; samples are for int8.</summary>
    public ModelRequest In(string precision) => this with { Options = Options with { Precision = precision, Quantized = null }, Calibration = precision == PrecisionNames.Int8 ? Calibration : null };

    /// <summary>True for an assembly that was compiled before.</summary>
    public bool IsCompiled => IsAssembly(Path);

    /// <summary>True for the path of an assembly.</summary>
    public static bool IsAssembly(string path) => path.EndsWith(".dll", StringComparison.OrdinalIgnoreCase);
}
