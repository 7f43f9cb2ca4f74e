using Lathe.Runtime.Devices;
using Lathe.Runtime.Plans;
using Lathe.Runtime.Simulation;

namespace Lathe.Runtime.Tests.Devices;

/// <summary>Plans of several devices.</summary>
internal static class HeteroPlans
{
    /// <summary>A model of <see cref="PlanBuilder.Hetero"/>, or of another plan, on simulated accelerators.</summary>
    public static CompiledModel Model(Plan plan, SimulationProfile? profile = null, LatheOptions? options = null, Action<SimulatedModel>? opened = null, float factor = 3) =>
        CompiledModel.Create(Module(plan, profile, opened, factor), options);

    public static TestModule Module(Plan plan, SimulationProfile? profile = null, Action<SimulatedModel>? opened = null, float factor = 3) => new(plan, PlanBuilder.Factor(factor))
    {
        Device = setup =>
        {
            SimulatedModel model = SimulatedModel.Load(setup, TestKernels.Address, profile ?? new SimulationProfile());
            opened?.Invoke(model);
            return model;
        },
    };

    /// <summary>
    /// Memory of the host that is used again while it is being copied: t = x * f goes to the accelerator, t = b + b is computed meanwhile, and y = t + (x * f * f), which comes back into memory that was
    /// used by the host as well.
    /// </summary>
    public static Plan Reuse(string device = "SIM")
    {
        PlanBuilder b = new();
        SizeExpression n = b.Symbol("N", 1, 1000, 5), bytes = PlanBuilder.Times(n, 4);
        int x = b.Input("x", n), bias = b.Input("bias", n), y = b.Output("y", n), t = b.Arena(PlanBuilder.Times(n, 128)), u = b.Arena(0, PlanBuilder.Times(n, 64), bytes), factor = b.Weights(0, 4);
        int there = b.Accelerator(device, PlanBuilder.Times(n, 128)), result = b.Arena(1, PlanBuilder.Times(n, 64), bytes);
        int scale = b.Kernel(TestKernels.Scale), add = b.Kernel(TestKernels.Add);
        t = b.Arena(0, 0, bytes);
        b.Steps.Add(b.Step("first", scale, [n], t, x, factor));
        b.Steps.Add(b.Step("scratch", scale, [n], u, x, factor));
        b.Steps.Add(PlanBuilder.Transfer("first", t, there, bytes) with { Subgraph = 2 });
        b.Steps.Add(b.Step("second", scale, [n], result, there, factor) with { Device = 1, Subgraph = 2 });
        b.Steps.Add(b.Step("reads", add, [n], y, u, bias));
        b.Steps.Add(PlanBuilder.Transfer("second", result, u, bytes) with { Subgraph = 2 });
        b.Steps.Add(b.Step("overwrites", add, [n], t, bias, bias) with { Subgraph = 3 });
        b.Steps.Add(b.Step("third", add, [n], y, t, u) with { Subgraph = 3 });
        return b.Build() with { Device = $"HETERO:{device},CPU" };
    }

    /// <summary>A plan of random steps of the host and two accelerators over few buffers, some of which overlap. All steps are defined: there is a value in every byte from the beginning.</summary>
    public static Plan Random(Random random, int steps)
    {
        const int Elements = 24, Bytes = 4 * Elements;
        PlanBuilder b = new();
        int x = b.Input("x", Elements), y = b.Output("y", Elements), factor = b.Weights(0, 4);
        b.Arena(640);
        b.Accelerator("SIM", 320);
        b.Accelerator("SIM2", 320);
        // Neighbours overlap by a third of their length.
        int[][] buffers = [.. Enumerable.Range(0, 3).Select(device => Enumerable.Range(0, device == 0 ? 8 : 4).Select(i => b.Arena(device, 64 * i, Bytes)).ToArray())];
        int scale = b.Kernel(TestKernels.Scale), add = b.Kernel(TestKernels.Add);
        b.Steps.Add(b.Step("fill", scale, [Elements], y, x, factor));
        foreach (int buffer in buffers[0]) b.Steps.Add(b.Step("fill", scale, [Elements], buffer, x, factor));
        for (int device = 1; device < 3; device++)
            foreach (int buffer in buffers[device]) b.Steps.Add(PlanBuilder.Transfer("fill", buffers[0][0], buffer, Bytes));
        for (int i = 0; i < steps; i++)
        {
            int device = random.Next(3), from = Any(device), to = Any(device), other = Any(device), accelerator = random.Next(1, 3);
            // A kernel neither reads what it writes nor a part of it.
            while (Math.Abs(Place(device, from) - Place(device, to)) == 1) from = Any(device);
            while (Math.Abs(Place(device, other) - Place(device, to)) == 1) other = Any(device);
            b.Steps.Add(random.Next(5) switch
            {
                0 => PlanBuilder.Transfer($"{i}", random.Next(8) == 0 ? x : Any(0), Any(accelerator), Bytes),
                1 => PlanBuilder.Transfer($"{i}", Any(accelerator), random.Next(4) == 0 ? y : Any(0), Bytes),
                2 => b.Step($"{i}", scale, [Elements], to, from, factor) with { Device = device },
                3 when random.Next(10) == 0 => new IfStep($"{i}", "If", Any(0), [b.Step($"{i}", add, [Elements], buffers[0][1], buffers[0][4], buffers[0][6])], []),
                _ => b.Step($"{i}", add, [Elements], to, from, other) with { Device = device },
            });
        }

        b.Steps.Add(b.Step("last", add, [Elements], y, y, buffers[0][random.Next(8)]));
        return b.Build() with { Device = "HETERO:SIM,SIM2,CPU" };

        int Any(int device) => buffers[device][random.Next(buffers[device].Length)];

        int Place(int device, int buffer) => Array.IndexOf(buffers[device], buffer);
    }

    public static float[] Infer(InferRequest request, float[] x, float[]? bias = null)
    {
        request.SetInput<float>("x", x);
        if (bias is not null) request.SetInput<float>("bias", bias);
        request.Infer();
        return request.Output<float>("y").ToArray();
    }
}
