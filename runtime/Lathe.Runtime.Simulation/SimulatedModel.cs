using Lathe.Runtime.Devices;
using Lathe.Runtime.Plans;

namespace Lathe.Runtime.Simulation;

/// <summary>
/// A model on an accelerator that is not there: the CPU's kernels in memory of its own, with the times that a <see cref="SimulationProfile"/> says. For tests, and for seeing what a partition would
/// be worth.
/// </summary>
public sealed class SimulatedModel : DeviceModel
{
    private long _free;
    private int _held;

    private SimulatedModel(DeviceSetup setup, Isa isa, SimulationProfile profile, Func<int, nint> functions)
    {
        (Setup, Isa, Profile, Functions) = (setup, isa, profile, functions);
        Faults = SimulatedFaults.Parse(profile.Faults);
        _free = profile.MemoryBytes == 0 ? long.MaxValue : profile.MemoryBytes;
        Faults.Call("build");
        Take(setup.Plan.WeightBytes + setup.Plan.PreparedBytes);
    }

    /// <inheritdoc/>
    public override string Device => Setup.Device;

    /// <inheritdoc/>
    public override string Kind => "csharp";

    /// <inheritdoc/>
    public override string Description => "a simulated accelerator";

    /// <inheritdoc/>
    public override Isa Isa { get; }

    /// <inheritdoc/>
    public override int Threads => 0;

    /// <inheritdoc/>
    public override int OptimalRequests => Profile.Requests;

    internal DeviceSetup Setup { get; }

    internal SimulationProfile Profile { get; }

    internal SimulatedFaults Faults { get; }

    /// <summary>The address of a kernel by the number of its function.</summary>
    internal Func<int, nint> Functions { get; }

    /// <summary>How many requests and blocks of memory are held.</summary>
    internal int Held => Volatile.Read(ref _held);

    /// <summary>Loads a model onto the accelerator that <see cref="SimulationProfile.Variable"/> describes.</summary>
    /// <param name="setup">The model.</param>
    /// <param name="functions">The address of a kernel in C# by its number.</param>
    /// <exception cref="LatheException">
    /// LATHE0520: the profile cannot be read. LATHE0505: kernels that run here are not compiled in. LATHE0512: there is an operator that it lacks. LATHE0506: the weights do not fit its memory.
    /// </exception>
    public static SimulatedModel Load(DeviceSetup setup, Func<int, nint> functions) => Load(setup, functions, SimulationProfile.OfEnvironment());

    /// <inheritdoc cref="Load(DeviceSetup, Func{int, nint})"/>
    /// <param name="setup">The model.</param>
    /// <param name="functions">The address of a kernel in C# by its number.</param>
    /// <param name="profile">What the accelerator is like.</param>
    public static SimulatedModel Load(DeviceSetup setup, Func<int, nint> functions, SimulationProfile profile)
    {
        ArgumentNullException.ThrowIfNull(setup);
        ArgumentNullException.ThrowIfNull(profile);
        foreach (KernelStep step in setup.Plan.Steps.OfType<KernelStep>().Where(step => step.Device == setup.Number))
            if (step.Op.Split('+').FirstOrDefault(profile.Unsupported.Contains) is { } op)
                throw new LatheException(ErrorIds.DeviceKernels, $"The simulated accelerator has no {op}, which node '{step.Node}' needs.");
        Isa[] all = [Isa.Avx512, Isa.Avx2, Isa.Vector128];
        Isa[] usable = [.. all.Where(isa => (setup.Isa ?? isa) == isa && isa.IsAvailable() && setup.Kernels.All(kernel => kernel.Variants.Any(variant => variant.Isa == isa)))];
        if (usable.Length == 0) throw new LatheException(ErrorIds.Isa, $"Model '{setup.Plan.Model}' has no kernels for {setup.Isa?.Name() ?? "this machine"} that all steps of {setup.Device} have.");
        return new(setup, usable[0], profile, functions);
    }

    /// <inheritdoc/>
    public override DeviceRequest CreateRequest() => new SimulatedRequest(this);

    /// <summary>Takes memory of the accelerator.</summary>
    /// <exception cref="LatheException">LATHE0506: there is not so much.</exception>
    internal void Take(long bytes)
    {
        if (Interlocked.Add(ref _free, -bytes) >= 0) return;
        Interlocked.Add(ref _free, bytes);
        throw new LatheException(ErrorIds.DoesNotFit, $"The simulated accelerator has {Profile.MemoryBytes} bytes of memory, and not {bytes} more.");
    }

    /// <summary>Gives memory back.</summary>
    internal void Give(long bytes) => Interlocked.Add(ref _free, bytes);

    /// <summary>Counts what is held.</summary>
    internal void Hold(int count) => Interlocked.Add(ref _held, count);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
    }
}
