using Lathe.Runtime.Plans;

namespace Lathe.Runtime;

/// <summary>How a model is loaded. Immutable.</summary>
public sealed record LatheOptions
{
    /// <summary>
    /// The most threads that one inference uses, the calling thread among them; null for as many as this process may use. More than the
    /// process may use (its affinity mask, its container's quota) are never used. Results do not depend on it.
    /// </summary>
    public int? Threads { get; init; }

    /// <summary>
    /// The instruction set of the kernels; null for the one that the environment variable <c>LATHE_ISA</c> names
    /// (<c>avx512</c>, <c>avx2</c> or <c>vector128</c>), and without that the best that this machine has and that is compiled in.
    /// </summary>
    public Isa? Isa { get; init; }

    /// <summary>
    /// Whether denormal numbers count as zero while an inference runs, on every thread that takes part: they can make an operation many times slower. The calling
    /// thread's mode is restored. Null for what was asked for when the model was compiled, which is true by default. <see cref="ModelInfo.Warnings"/>
    /// says where the system does not allow it.
    /// </summary>
    public bool? FlushDenormals { get; init; }

    /// <summary>
    /// Whether a model runs only on the devices that it was compiled for: one that is missing or fails is then an error. False lets the CPU stand in for it, with a warning in
    /// <see cref="ModelInfo.Warnings"/>, where the model was compiled with kernels for that. Null for what was asked for when the model was compiled, which is false by default.
    /// </summary>
    public bool? RequireDevice { get; init; }

    /// <summary>
    /// Whether one inference on zeros, of the default dims, is run when the model is loaded: what devices build when a kernel is first started is then built, and memory is in the caches. It takes the
    /// time of a first inference; where the model does not take zeros, <see cref="ModelInfo.Warnings"/> says so.
    /// </summary>
    public bool WarmUp { get; init; }

    /// <summary>
    /// The formats of images that the application hands over, by the name of the input, for inputs that were compiled as float32 without preprocessing: such an input then has the format's type and shape
    /// (<see cref="InferRequest.Input{T}(string)"/>, <see cref="InferRequest.BindInput(string, nint, ReadOnlySpan{long})"/>), and its rows and images, or planes, may have strides. Before each inference the thread
    /// that runs it converts it in one pass. The property of a generated class stays that of float32 and throws. Read once, when a model is loaded; what does not fit is a <see cref="LatheException"/>, LATHE0513.
    /// </summary>
    public IReadOnlyDictionary<string, ImageFormat> InputFormats { get; init; } = System.Collections.ObjectModel.ReadOnlyDictionary<string, ImageFormat>.Empty;

    /// <summary>Whether requests measure every step; see <see cref="InferRequest.Counters"/>. It costs two clock readings a step.</summary>
    public bool Profiling { get; init; }

    /// <summary>
    /// Whether <see cref="CompiledModel.Load"/> loads the assembly so that its code is given back when the model and all its requests are
    /// disposed and no longer referenced.
    /// </summary>
    public bool Unloadable { get; init; }
}
