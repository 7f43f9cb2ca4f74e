using Lathe.Runtime.Plans;

namespace Lathe.Runtime.Execution;

/// <summary>The kernels of a plan, each in the variant that runs here. Immutable.</summary>
internal sealed class ModelCode
{
    // Referenced so that the code that the addresses lie in stays loaded.
    private readonly CompiledModule _module;

    private ModelCode(CompiledModule module, Plan plan, Isa isa, PlanVariant[] variants, nint[] functions)
    {
        _module = module;
        Plan = plan;
        Isa = isa;
        Variants = variants;
        Functions = functions;
    }

    public Plan Plan { get; }

    public Isa Isa { get; }

    /// <summary>The variant of each kernel.</summary>
    public IReadOnlyList<PlanVariant> Variants { get; }

    /// <summary>The address of each kernel.</summary>
    public nint[] Functions { get; }

    /// <param name="module">Whose code.</param>
    /// <param name="plan">The module's plan.</param>
    /// <param name="wanted">The instruction set that must be used; null for the best.</param>
    /// <exception cref="LatheException">LATHE0505 or LATHE0503.</exception>
    public static ModelCode Choose(CompiledModule module, Plan plan, Isa? wanted)
    {
        Isa isa = wanted is { } name ? Demand(plan, name) : Best(plan);
        PlanVariant[] variants = new PlanVariant[plan.Kernels.Count];
        nint[] functions = new nint[variants.Length];
        for (int i = 0; i < variants.Length; i++)
        {
            variants[i] = VariantOf(plan.Kernels[i], isa);
            functions[i] = FunctionOf(module, variants[i]);
        }

        return new(module, plan, isa, variants, functions);
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

    /// <summary>Why a kernel runs in another variant than the chosen one; null if it does not.</summary>
    public string? FallbackOf(int kernel) => Variants[kernel].Isa == Isa
        ? null
        : $"kernel '{Plan.Kernels[kernel].Name}' has no {Isa.Name()} variant; {Variants[kernel].Isa.Name()} runs";

    private static Isa Demand(Plan plan, Isa isa)
    {
        if (!isa.IsDefined()) throw new LatheException(ErrorIds.Isa, $"There is no instruction set {(int)isa}.");
        if (!isa.IsAvailable()) throw new LatheException(ErrorIds.Isa, $"This machine cannot run {isa.Name()} kernels.");
        if (plan.Kernels.Count > 0 && !IsCompiledIn(plan, isa))
            throw new LatheException(ErrorIds.Isa, $"Model '{plan.Model}' has no {isa.Name()} kernels compiled in.");
        return isa;
    }

    private static Isa Best(Plan plan)
    {
        for (Isa isa = Isa.Avx512; isa > Isa.Vector128; isa--)
            if (isa.IsAvailable() && IsCompiledIn(plan, isa)) return isa;
        return Isa.Vector128;
    }

    private static bool IsCompiledIn(Plan plan, Isa isa) => plan.Kernels.Any(kernel => kernel.Variants.Any(variant => variant.Isa == isa));

    private static PlanVariant VariantOf(PlanKernel kernel, Isa isa)
    {
        PlanVariant? best = null;
        foreach (PlanVariant variant in kernel.Variants)
            if (variant.Isa <= isa && (best is null || variant.Isa > best.Isa)) best = variant;
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
