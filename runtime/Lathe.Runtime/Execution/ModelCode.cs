using Lathe.Runtime.Devices;
using Lathe.Runtime.Plans;

namespace Lathe.Runtime.Execution;

/// <summary>The kernels of a plan, each in the variant that runs here. Immutable.</summary>
internal sealed class ModelCode
{
    // Referenced so that the code that the addresses lie in stays loaded.
    private readonly CompiledModule _module;

    private readonly NativeKernels _native;

    private ModelCode(CompiledModule module, Plan plan, Isa isa, NativeKernels native, PlanVariant[] variants, nint[] functions, DeviceModel? device = null)
    {
        Device = device;
        _module = module;
        _native = native;
        Plan = plan;
        Isa = isa;
        Variants = variants;
        Functions = functions;
    }

    public Plan Plan { get; }

    public Isa Isa { get; }

    /// <summary>What runs the kernels; null for the CPU.</summary>
    public DeviceModel? Device { get; }

    /// <summary>The name of what runs the kernels.</summary>
    public string DeviceName => Device?.Device ?? "CPU";

    /// <summary>The variant of each kernel.</summary>
    public IReadOnlyList<PlanVariant> Variants { get; }

    /// <summary>The address of each kernel.</summary>
    public nint[] Functions { get; }

    /// <summary>Why no native kernel runs although the model was compiled for them; null if some do, or it was not.</summary>
    public string? NativeRefusal => Plan.PrefersNative ? _native.Refusal : null;

    /// <param name="module">Whose code.</param>
    /// <param name="plan">The module's plan.</param>
    /// <param name="wanted">The instruction set that must be used; null for the best.</param>
    /// <exception cref="LatheException">LATHE0505 or LATHE0503.</exception>
    public static ModelCode Choose(CompiledModule module, Plan plan, Isa? wanted)
    {
        (Isa isa, NativeKernels native) = wanted is { } name ? Demand(module, plan, name) : Best(module, plan);
        PlanVariant[] variants = new PlanVariant[plan.Kernels.Count];
        nint[] functions = new nint[variants.Length];
        for (int i = 0; i < variants.Length; i++)
        {
            variants[i] = VariantOf(plan.Kernels[i], isa, native);
            functions[i] = native.AddressOf(variants[i]) is var address and not 0 ? address : FunctionOf(module, variants[i]);
        }

        return new(module, plan, isa, native, variants, functions);
    }

    /// <summary>The kernels of a plan on the device that it was compiled for.</summary>
    /// <exception cref="LatheException">LATHE0503: a kernel has no variant for it.</exception>
    public static ModelCode OnDevice(CompiledModule module, Plan plan, DeviceModel device)
    {
        PlanVariant[] variants =
        [
            .. plan.Kernels.Select(kernel => kernel.Variants.FirstOrDefault(v => v.Isa == device.Isa) ?? throw PlanFormat.Corrupt($"kernel '{kernel.Name}' has no variant for {device.Isa.Name()}")),
        ];
        return new(module, plan, device.Isa, NativeKernels.None, variants, new nint[variants.Length], device);
    }

    /// <summary>The class that a kernel's method is in; null if it is not known.</summary>
    public Type? TypeOf(int kernel) => _module.GetFunctionType(Variants[kernel].Function);

    /// <summary>The default value of every named dim.</summary>
    public long[] DefaultDims()
    {
        long[] values = new long[Plan.Symbols.Count];
        for (int i = 0; i < values.Length; i++) values[i] = Plan.Symbols[i].Default;
        return values;
    }

    /// <summary>True if a kernel runs as native code.</summary>
    public bool IsNative(int kernel) => _native.AddressOf(Variants[kernel]) != 0;

    /// <summary>True if all kernels run as native code.</summary>
    public bool IsAllNative
    {
        get
        {
            for (int i = 0; i < Variants.Count; i++)
                if (!IsNative(i)) return false;
            return true;
        }
    }

    /// <summary>Why a kernel runs in another form than the chosen one; null if it does not.</summary>
    public string? FallbackOf(int kernel)
    {
        string name = Plan.Kernels[kernel].Name;
        if (Variants[kernel].Isa != Isa && !Plan.Kernels[kernel].Variants.Any(v => v.Isa == Isa && v.NarrowIsFaster)) return $"kernel '{name}' has no {Isa.Name()} variant; {Variants[kernel].Isa.Name()} runs";
        return Plan.PrefersNative && !IsNative(kernel) ? $"kernel '{name}' runs in C#: {_native.Refusal ?? "it has no native form"}" : null;
    }

    private static (Isa Isa, NativeKernels Native) Demand(CompiledModule module, Plan plan, Isa isa)
    {
        if (!isa.IsDefined()) throw new LatheException(ErrorIds.Isa, $"There is no instruction set {(int)isa}.");
        if (plan.Kernels.Count > 0 && !IsCompiledIn(plan, isa))
            throw new LatheException(ErrorIds.Isa, $"Model '{plan.Model}' has no {isa.Name()} kernels compiled in.");
        NativeKernels native = NativeKernels.Load(module, plan, isa);
        if (native.Refusal is not null && !isa.IsAvailable()) throw new LatheException(ErrorIds.Isa, $"This machine cannot run {isa.Name()} kernels.");
        return (isa, native);
    }

    /// <summary>Native code may run where .NET makes no such code itself, which a NativeAOT program decides when it is compiled.</summary>
    private static (Isa Isa, NativeKernels Native) Best(CompiledModule module, Plan plan)
    {
        for (Isa isa = Isa.Avx512; isa > Isa.Vector128; isa--)
        {
            if (!IsCompiledIn(plan, isa)) continue;
            NativeKernels native = NativeKernels.Load(module, plan, isa);
            if (native.Refusal is null || isa.IsAvailable()) return (isa, native);
        }

        return (Isa.Vector128, NativeKernels.Load(module, plan, Isa.Vector128));
    }

    private static bool IsCompiledIn(Plan plan, Isa isa) => plan.Kernels.Any(kernel => kernel.Variants.Any(variant => variant.Isa == isa));

    private static PlanVariant VariantOf(PlanKernel kernel, Isa isa, NativeKernels native)
    {
        PlanVariant? best = null;
        foreach (PlanVariant variant in kernel.Variants)
        {
            bool isNative = native.AddressOf(variant) != 0;
            if (variant.Isa > isa || !(variant.Isa.IsAvailable() || isNative)) continue;
            // Of two the longer vectors, unless they are the slower ones.
            if (best is null || (variant.Isa > best.Isa ? !variant.NarrowIsFaster || isNative : best.NarrowIsFaster && native.AddressOf(best) == 0)) best = variant;
        }

        return best ?? throw new LatheException(ErrorIds.Isa, $"Kernel '{kernel.Name}' has no variant that {isa.Name()} can run.");
    }

    private static nint FunctionOf(CompiledModule module, PlanVariant variant)
    {
        try
        {
            nint function = module.GetFunction(variant.Function);
            if (function != 0) return function;
        }
        catch (Exception e) when (e is ArgumentException or IndexOutOfRangeException)
        {
            throw PlanFormat.Corrupt($"the kernel assembly has no function {variant.Function}", e);
        }

        throw PlanFormat.Corrupt($"the kernel assembly has no function {variant.Function}");
    }
}
