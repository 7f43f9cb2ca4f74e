using Lathe.Runtime.Devices;
using Lathe.Runtime.Plans;

namespace Lathe.Runtime.Tests;

/// <summary>A module made of a plan, weights and kernels at hand.</summary>
internal sealed unsafe class TestModule(byte[] plan, byte[]? weights = null, string? weightsFile = null, int version = Plan.Version) : CompiledModule
{
    public TestModule(Plan plan, byte[]? weights = null, string? weightsFile = null, int version = Plan.Version)
        : this(PlanFormat.Write(plan), weights, weightsFile, version)
    {
    }

    public override int Version => version;

    public override string? WeightsFile => weightsFile;

    public override Stream OpenPlan() => new MemoryStream(plan);

    public override Stream? OpenWeights() => weights is null ? null : new MemoryStream(weights);

    /// <summary>The native code of every instruction set.</summary>
    public byte[]? NativeCode { get; init; }

    public override Stream? OpenNativeCode(string isa) => NativeCode is null ? null : new MemoryStream(NativeCode);

    /// <summary>Makes the device of a plan that names one.</summary>
    public Func<DeviceSetup, DeviceModel>? Device { get; init; }

    public override DeviceModel? OpenDevice(DeviceSetup setup) => Device?.Invoke(setup);

    public override nint GetFunction(int index) => TestKernels.Address(index);
}
