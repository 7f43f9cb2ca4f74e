namespace Lathe.Runtime;

/// <summary>The ids of the runtime's errors: the values of <see cref="LatheException.Id"/>.</summary>
public static class ErrorIds
{
    /// <summary>The file is missing or is not a kernel assembly.</summary>
    public const string NotAKernelAssembly = "LATHE0501";

    /// <summary>The assembly or its plan was made for another version of the runtime.</summary>
    public const string OtherVersion = "LATHE0502";

    /// <summary>The plan is corrupt or contradicts itself.</summary>
    public const string CorruptPlan = "LATHE0503";

    /// <summary>The weights are missing or have another length than the plan says.</summary>
    public const string Weights = "LATHE0504";

    /// <summary>The instruction set asked for is unknown, not available here, or not compiled in.</summary>
    public const string Isa = "LATHE0505";

    /// <summary>A size overflows or does not fit memory.</summary>
    public const string DoesNotFit = "LATHE0506";

    /// <summary>A kernel reported an error or failed.</summary>
    public const string Kernel = "LATHE0507";

    /// <summary>Dims are too small for the model, a size that data determine is outside what the model was compiled for, or data name a place that is not there.</summary>
    public const string Data = "LATHE0508";

    /// <summary>An output whose shape data determine does not fit the memory that it is bound to.</summary>
    public const string Binding = "LATHE0509";

    /// <summary>The device that the model was compiled for, or that <c>LATHE_OPENCL_DEVICE</c> names, is not there.</summary>
    public const string NoDevice = "LATHE0510";

    /// <summary>The device failed while it was used: it went away, or its driver reported an error.</summary>
    public const string DeviceFailed = "LATHE0511";

    /// <summary>The device cannot build or run the model's kernels.</summary>
    public const string DeviceKernels = "LATHE0512";

    /// <summary>A format of images that <see cref="LatheOptions.InputFormats"/> declares does not fit the model.</summary>
    public const string ImageFormat = "LATHE0513";

    /// <summary>The profile of the simulated accelerator cannot be read.</summary>
    public const string Simulation = "LATHE0520";
}
