using Lathe.Runtime;
using Lathe.Runtime.Plans;
using Lathe.Runtime.Tests;

[assembly: CompiledModule(typeof(SelfModule))]

namespace Lathe.Runtime.Tests;

/// <summary>Makes this assembly a kernel assembly: <see cref="PlanBuilder.ScaleAdd"/> with the factor 2.</summary>
public sealed class SelfModule : CompiledModule
{
    private readonly TestModule _module = new(PlanBuilder.ScaleAdd(macs: 1000), PlanBuilder.Factor(2));

    public override int Version => Plan.Version;

    public override string? WeightsFile => null;

    public static string Path => typeof(SelfModule).Assembly.Location;

    public override Stream OpenPlan() => _module.OpenPlan();

    public override Stream? OpenWeights() => _module.OpenWeights();

    public override nint GetFunction(int index) => _module.GetFunction(index);

    public override Type? GetFunctionType(int index) => typeof(TestKernels);
}
