using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Compiler.Operators.Shapes;
using Lathe.Runtime;

namespace Lathe.Compiler.Tests;

/// <summary>Half of the least normal number is a denormal, or zero.</summary>
[TestFixture]
internal sealed class DenormalTests
{
    private const float Least = 1.17549435E-38f, Half = Least / 2;

    [Test]
    public void Denormals_AreZero_UnlessAskedFor([Values(1, 2)] int threads, [Values(false, true)] bool compiledToKeep, [Values(null, false, true)] bool? flush)
    {
        if (RuntimeInformation.ProcessArchitecture != Architecture.X64) Assert.Ignore("only tried on x64");
        GraphBuilder g = new();
        // Enough work for two threads.
        Value x = g.Add(new Input("x", TensorType.Of(ElementType.Float32, 1 << 20)));
        Value half = g.Constant(TensorData.OfFloats([0.5f]));
        Compiler.Graph.Graph graph = g.Build("g", [new GraphPort("x", x)], [new GraphPort("y", g.Add(new Mul(), x, half))], []);
        TensorData input = TensorData.Zeros(ElementType.Float32, [1 << 20]);
        input.Span<float>().Fill(Least);

        using CompiledGraph compiled = new(graph, threads: threads, keepDenormals: compiledToKeep, flushDenormals: flush);
        Assert.That(compiled.Model.Info.Warnings.Where(w => w.Contains("enormal")), Is.Empty);
        float expected = flush ?? !compiledToKeep ? 0 : Half;
        Assert.That(compiled.Run(input)[0].Span<float>().ToArray().Distinct(), Is.EqualTo(new[] { expected }));
        Assert.That(HalfOf(Least), Is.EqualTo(Half), "the calling thread computes as before");
    }

    /// <summary>What is a denormal number of 16 bits is none of 32.</summary>
    [Test]
    public void DenormalHalves_AreKept()
    {
        GraphBuilder g = new();
        Value x = g.Add(new Input("x", TensorType.Of(ElementType.Float16, 67)));
        Compiler.Graph.Graph graph = g.Build("g", [new GraphPort("x", x)], [new GraphPort("y", g.Add(new Cast(ElementType.Float32), x))], []);
        TensorData input = TensorData.Zeros(ElementType.Float16, [67]);
        for (int i = 0; i < input.Count; i++) input.SetDouble(i, (i % 2 == 0 ? 1 : -1) * Math.Pow(2, -24 + (i / 2)));
        using CompiledGraph compiled = new(graph);
        Assert.That(compiled.Run(input)[0].ToDoubles(), Is.EqualTo(input.ToDoubles()));
    }

    /// <summary>Computed when it is called, and not by the compiler.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static float HalfOf(float x) => x * 0.5f;
}
