using Lathe.Compiler.Graph;
using Lathe.Runtime.Plans;

namespace Lathe.Compiler.Tests.Passes;

[TestFixture]
internal sealed class ReadImagesTests
{
    /// <summary>Cases in a model, and models for each instruction set: together 2,100 cases.</summary>
    private const int Cases = 140, Models = 5;

    /// <summary>How many cases share a kernel, with other weights, means, scales and images.</summary>
    private const int Shared = 4;

    [Test]
    public void RandomImages_AreWhatConversionOutsideGives([Values(Isa.Vector128, Isa.Avx2, Isa.Avx512)] Isa isa, [Range(0, Models - 1)] int number)
    {
        if (!isa.IsAvailable()) Assert.Ignore($"this machine has no {isa}");
        ImageCase[] cases = [.. Enumerable.Range(0, Cases).Select(i => (((((int)isa * Models) + number) * Cases) + i)).Select(i => new ImageCase(i / Shared, i))];
        GraphBuilder g = new();
        (GraphPort Input, IReadOnlyList<GraphPort> Outputs)[] parts = [.. cases.Select(c => c.Add(g))];
        CompileOptions options = new()
        {
            InputFormats = cases.Where(c => c.Format is not null).ToDictionary(c => c.Name, c => c.Format!),
            Mean = cases.Where(c => c.Mean is not null).ToDictionary(c => c.Name, c => c.Mean!),
            Scale = cases.Where(c => c.Scale is not null).ToDictionary(c => c.Name, c => c.Scale!),
        };
        (TensorData Image, IReadOnlyList<TensorData> Expected, IReadOnlyList<TensorData> Magnitudes)[] runs = [.. cases.Select(c => c.Run())];
        using CompiledGraph compiled = new(g.Build("g", parts.Select(p => p.Input), parts.SelectMany(p => p.Outputs), []), isa: isa, threads: 2, options: options);
        TensorData[] results = compiled.Run([.. runs.Select(r => r.Image)]);
        int next = 0;
        for (int i = 0; i < cases.Length; i++)
        {
            for (int o = 0; o < runs[i].Expected.Count; o++, next++)
            {
                TensorData expected = runs[i].Expected[o], actual = results[next];
                Assert.That(actual.Dims, Is.EqualTo(expected.Dims), cases[i].ToString());
                // Each of n roundings is at most half a unit in the last place of a partial sum, which the sum of the terms' absolute values bounds.
                for (int e = 0; e < expected.Count; e++)
                {
                    double tolerance = cases[i].Roundings * Math.Pow(2, -24) * runs[i].Magnitudes[o].GetDouble(e);
                    if (!(Math.Abs(actual.GetDouble(e) - expected.GetDouble(e)) <= tolerance))
                        Assert.Fail($"{cases[i]}: output {o}, element {e} is {actual.GetDouble(e)}, not {expected.GetDouble(e)} within {tolerance}");
                }
            }
        }
    }
}
