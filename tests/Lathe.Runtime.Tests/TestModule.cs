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

    public override nint GetFunction(int index) => TestKernels.Address(index);
}
