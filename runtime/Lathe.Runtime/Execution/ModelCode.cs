using Lathe.Runtime.Devices;
using Lathe.Runtime.Plans;

namespace Lathe.Runtime.Execution;

/// <summary>The kernels of a plan, each in the variant that runs here. Immutable.</summary>
internal sealed class ModelCode
{
    // Referenced so that the code that the addresses lie in stays loaded.
    private readonly CompiledModule _module;

    private readonly NativeKernels _native;
    private readonly AcceleratorCode?[] _accelerators;

    private ModelCode(
        CompiledModule module, Plan plan, Isa isa, NativeKernels native, PlanVariant?[] variants, nint[] functions, AcceleratorCode?[] accelerators, DeviceModel? device = null)
    {
        _accelerators = accelerators;
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

    /// <summary>What runs all kernels; null for the CPU with or without accelerators.</summary>
    public DeviceModel? Device { get; }

    /// <summary>The variant of each kernel on the CPU, or on the device that runs all; null for a kernel that it does not run.</summary>
    public IReadOnlyList<PlanVariant?> Variants { get; }

    /// <summary>The address of each kernel on the CPU; 0 where it does not run it.</summary>
    public nint[] Functions { get; }

    /// <summary>The accelerators that are there.</summary>
    public IEnumerable<DeviceModel> Accelerators => _accelerators.Select(accelerator => accelerator?.Model).OfType<DeviceModel>();

    /// <summary>Why no native kernel runs although the model was compiled for them; null if some do, or it was not.</summary>
    public string? NativeRefusal => Plan.PrefersNative ? _native.Refusal : null;

    /// <param name="module">Whose code.</param>
    /// <param name="plan">The module's plan.</param>
    /// <param name="wanted">The instruction set that must be used; null for the best.</param>
    /// <exception cref="LatheException">LATHE0505 or LATHE0503.</exception>
    public static ModelCode Choose(CompiledModule module, Plan plan, Isa? wanted)
    {
        (Isa isa, NativeKernels native) = wanted is { } name ? Demand(module, plan, name) : Best(module, plan);
        PlanVariant?[] variants = new PlanVariant?[plan.Kernels.Count];
        nint[] functions = new nint[variants.Length];
        HashSet<int>? elsewhere = plan.CarriesFallback ? null : KernelsElsewhere(plan);
        for (int i = 0; i < variants.Length; i++)
        {
            if (elsewhere is not null && elsewhere.Contains(i)) continue;
            PlanVariant variant = VariantOf(plan.Kernels[i], isa, native);
            functions[i] = native.AddressOf(variant) is var address and not 0 ? address : FunctionOf(module, variant);
            variants[i] = variant;
        }

        return new(module, plan, isa, native, variants, functions, new AcceleratorCode?[plan.Accelerators.Count]);
    }

    /// <summary>The kernels of a plan on the device that it was compiled for.</summary>
    /// <exception cref="LatheException">LATHE0503: a kernel has no variant for it.</exception>
    public static ModelCode OnDevice(CompiledModule module, Plan plan, DeviceModel device)
    {
        PlanVariant[] variants =
        [
            .. plan.Kernels.Select(kernel => kernel.Variants.FirstOrDefault(v => v.Isa == device.Isa) ?? throw PlanFormat.Corrupt($"kernel '{kernel.Name}' has no variant for {device.Isa.Name()}")),
        ];
        return new(module, plan, device.Isa, NativeKernels.None, variants, new nint[variants.Length], [], device);
    }

    /// <summary>The same with an accelerator that is there.</summary>
    /// <exception cref="LatheException">LATHE0503: a kernel has no variant for it.</exception>
    public ModelCode With(int number, DeviceModel device)
    {
        PlanVariant?[] variants = new PlanVariant?[Plan.Kernels.Count];
        foreach (int kernel in Plan.KernelsOn(number))
            variants[kernel] = Plan.Kernels[kernel].Variants.FirstOrDefault(v => v.Isa == device.Isa) ?? throw PlanFormat.Corrupt($"kernel '{Plan.Kernels[kernel].Name}' has no variant for {device.Isa.Name()}");
        return With(number, new AcceleratorCode(device, variants, null));
    }

    /// <summary>The same with the CPU in the place of an accelerator.</summary>
    /// <param name="number">The accelerator's number.</param>
    /// <param name="reason">Why, as a sentence.</param>
    public ModelCode Without(int number, string reason) => With(number, new AcceleratorCode(null, [], reason));

    /// <summary>What a step runs on; null for the CPU.</summary>
    public DeviceModel? DeviceOf(PlanStep step) => step switch
    {
        KernelStep { Device: > 0 } kernel => DeviceOf(kernel.Device),
        TransferStep transfer => DeviceOf(Math.Max(Plan.Buffers[transfer.From].Device, Plan.Buffers[transfer.To].Device)),
        _ => Device,
    };

    /// <summary>The accelerator of a number; null where the CPU stands in for it.</summary>
    public DeviceModel? DeviceOf(int number) => _accelerators[number - 1]?.Model;

    /// <summary>The variant of a step's kernel that runs.</summary>
    public PlanVariant VariantOf(KernelStep step) =>
        (step.Device > 0 && _accelerators[step.Device - 1] is { Model: not null } there ? there.Variants[step.Kernel] : Variants[step.Kernel])!;

    /// <summary>The class that a kernel's method is in; null if it is not known.</summary>
    public Type? TypeOf(int kernel) => Variants[kernel] is { } variant ? _module.GetFunctionType(variant.Function) : null;

    /// <summary>The default value of every named dim.</summary>
    public long[] DefaultDims()
    {
        long[] values = new long[Plan.Symbols.Count];
        for (int i = 0; i < values.Length; i++) values[i] = Plan.Symbols[i].Default;
        return values;
    }

    /// <summary>True if a kernel runs as native code.</summary>
    public bool IsNative(int kernel) => Variants[kernel] is { } variant && _native.AddressOf(variant) != 0;

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

    /// <summary>Why a step runs elsewhere or in another form than it was asked to; null if it does not.</summary>
    public string? FallbackOf(KernelStep step)
    {
        if (step.Device > 0 && _accelerators[step.Device - 1] is { } accelerator)
            return accelerator.Lost is { } reason ? $"the CPU runs it instead of {Plan.Accelerators[step.Device - 1].Device}: {reason}" : null;
        int kernel = step.Kernel;
        string name = Plan.Kernels[kernel].Name;
        if (Variants[kernel]!.Isa != Isa && !Plan.Kernels[kernel].Variants.Any(v => v.Isa == Isa && v.NarrowIsFaster)) return $"kernel '{name}' has no {Isa.Name()} variant; {Variants[kernel]!.Isa.Name()} runs";
        return Plan.PrefersNative && !IsNative(kernel) ? $"kernel '{name}' runs in C#: {_native.Refusal ?? "it has no native form"}" : null;
    }

    private ModelCode With(int number, AcceleratorCode code)
    {
        AcceleratorCode?[] accelerators = [.. _accelerators];
        accelerators[number - 1] = code;
        return new(_module, Plan, Isa, _native, [.. Variants], Functions, accelerators);
    }

    /// <summary>The kernels that no step of the CPU calls.</summary>
    private static HashSet<int> KernelsElsewhere(Plan plan)
    {
        HashSet<int> kernels = [.. Enumerable.Range(0, plan.Kernels.Count)];
        Remove(plan.Steps);
        Remove(plan.Preparation);
        return kernels;

        void Remove(IReadOnlyList<PlanStep> steps)
        {
            foreach (PlanStep step in steps)
            {
                switch (step)
                {
                    case KernelStep { Device: 0 } kernel:
                        kernels.Remove(kernel.Kernel);
                        break;
                    case IfStep branch:
                        Remove(branch.Then);
                        Remove(branch.Else);
                        break;
                    case LoopStep loop:
                        Remove(loop.Body);
                        break;
                }
            }
        }
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
        NativeKernels? refused = null;
        for (Isa isa = Isa.Avx512; isa > Isa.Vector128; isa--)
        {
            if (!IsCompiledIn(plan, isa)) continue;
            NativeKernels native = NativeKernels.Load(module, plan, isa);
            if (native.Refusal is null || isa.IsAvailable()) return (isa, native);
            refused = native;
        }

        // Why there are none is what was said of those that there might have been.
        return (Isa.Vector128, refused ?? NativeKernels.Load(module, plan, Isa.Vector128));
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

    /// <summary>What runs the steps of an accelerator.</summary>
    /// <param name="Model">The device; null where the CPU stands in for it.</param>
    /// <param name="Variants">The variant of each kernel that it runs.</param>
    /// <param name="Lost">Why it is not there.</param>
    private sealed record AcceleratorCode(DeviceModel? Model, PlanVariant?[] Variants, string? Lost);
}
