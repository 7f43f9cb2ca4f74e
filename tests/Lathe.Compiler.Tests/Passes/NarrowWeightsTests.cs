using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Linear;
using Lathe.Compiler.Passes;
using Lathe.Compiler.Rules;
using Lathe.Runtime;
using Cast = Lathe.Compiler.Operators.Shapes.Cast;

namespace Lathe.Compiler.Tests.Passes;

[TestFixture]
internal sealed class NarrowWeightsTests
{
    private static readonly CompileOptions Fp16 = new() { Precision = "fp16" }, Bf16 = new() { Precision = "bf16" };

    [TestCase("fp32")]
    [TestCase("fp16")]
    [TestCase("bf16")]
    public void WeightsOfProducts_AreCasts(string precision)
    {
        Compiler.Graph.Graph graph = GraphParser.Parse(
            """
            graph "g"
            %x = input "x" : float32[1, 16, 5, 5]
            %w = float32[16, 16, 3, 3] random(1)
            %b = float32[16] random(2)
            %1 = Conv(%x, %w, %b)
            return "y" = %1
            """);
        Compiler.Graph.Graph result = new NarrowWeights().Run(graph, new PassContext(new CompileOptions { Precision = precision }));
        Node conv = result.TopologicalOrder().Single(n => n.Op is Conv);
        Assert.That(Patterns.StoredHalf(conv.Inputs[1])?.Type.Element, Is.EqualTo(precision switch { "fp16" => ElementType.Float16, "bf16" => ElementType.BFloat16, _ => (ElementType?)null }));
        Assert.That(conv.Inputs[2].Constant!.Element, Is.EqualTo(ElementType.Float32), "what is added stays");
        // Relative to the largest of 144 products: a bfloat16 errs by 2^-9 at most.
        PassAssert.AssertSame(graph, result, precision == "fp32" ? 0 : precision == "fp16" ? 5e-4 : 4e-3);
    }

    [TestCase("%1 = MatMul(%x, %w)", "16, 15", Description = "few")]
    [TestCase("%2 = Relu(%w)\n%3 = MatMul(%x, %w)\n%1 = Add(%3, %2)", "16, 16", Description = "read by something else too")]
    [TestCase("%1 = Add(%x, %w)", "16, 16", Description = "added")]
    public void Others_Stay(string lines, string dims) => PassAssert.Keeps(
        new NarrowWeights(),
        $"""
        graph "g"
        %x = input "x" : float32[16, 16]
        %w = float32[{dims}] random(1)
        {lines}
        return "y" = %1
        """,
        Fp16);

    [Test]
    public void ASingleRow_ReadsThemAsTheyAre([Values] bool isLarge, [Values("fp16", "bf16")] string precision)
    {
        Compiler.Graph.Graph graph = GraphParser.Parse(
            $$"""
            graph "g"
            %x = input "x" : float32[1, {{(isLarge ? 600 : 30)}}]
            %w = float32[600, {{(isLarge ? 600 : 30)}}] random(1)
            %b = float32[600] random(2)
            %1 = Gemm(%x, %w, %b) {TransB=true}
            return "y" = %1
            """);
        Compiler.Graph.Graph result = new NarrowWeights().Run(graph, new PassContext(new CompileOptions { Precision = precision }));
        Assert.That(result.TopologicalOrder().Any(n => n.Op is MatMulOfHalves), Is.EqualTo(isLarge || precision == "bf16"));
        PassAssert.AssertSame(graph, result, 4e-3);
    }

    [Test]
    public void WhatDoesNotFit_StaysAndIsTold([Values(1e-7, 1e6)] double factor)
    {
        TensorData weights = RandomTensor.Of(ElementType.Float32, 1, 32, 32);
        for (int i = 0; i < weights.Count; i++) weights.SetDouble(i, weights.GetDouble(i) * factor);
        GraphBuilder g = new();
        Value x = g.Add(new Compiler.Operators.Input("x", TensorType.Of(ElementType.Float32, 2, 32)));
        g.CurrentName = "fc";
        Compiler.Graph.Graph graph = g.Build("g", [new GraphPort("x", x)], [new GraphPort("y", g.Add(new MatMul(), x, g.Constant(weights)))], []);
        PassContext context = new(Fp16);
        Assert.That(new NarrowWeights().Run(graph, context).TopologicalOrder().Any(n => n.Op is Cast), Is.False);
        Diagnostic told = context.Diagnostics.Single();
        Assert.That((told.Descriptor.Id, told.Node), Is.EqualTo(("LATHE0209", "fc")));
        PassContext wide = new(Bf16);
        Assert.That(new NarrowWeights().Run(graph, wide).TopologicalOrder().Any(n => n.Op is Cast));
        Assert.That(wide.Diagnostics, Is.Empty);
    }

    /// <summary>A factor that brought them into the range of float16 would be denormal itself, and count as zero where the model runs.</summary>
    [Test]
    public void ASingleRow_WhatDoesNotFit_StaysAndIsTold([Values(1e-30, 1e-36)] double factor)
    {
        TensorData weights = RandomTensor.Of(ElementType.Float32, 1, 512, 512);
        for (int i = 0; i < weights.Count; i++) weights.SetDouble(i, weights.GetDouble(i) * factor);
        GraphBuilder g = new();
        Value x = g.Add(new Compiler.Operators.Input("x", TensorType.Of(ElementType.Float32, 1, 512)));
        Compiler.Graph.Graph graph = g.Build("g", [new GraphPort("x", x)], [new GraphPort("y", g.Add(new MatMul(), x, g.Constant(weights)))], []);
        PassContext context = new(Fp16);
        Op product = new NarrowWeights().Run(graph, context).TopologicalOrder().Single(n => n.Op.Role == OpRole.Contraction).Op;
        if (factor < 1e-34)
        {
            Assert.That(product, Is.TypeOf<MatMul>());
            Assert.That(context.Diagnostics.Single().Descriptor.Id, Is.EqualTo("LATHE0209"));
        }
        else
        {
            Assert.That(product, Is.TypeOf<MatMulOfHalves>());
            Assert.That(context.Diagnostics, Is.Empty);
        }
    }

    [Test]
    public void SharedWeights_StayShared()
    {
        Compiler.Graph.Graph graph = GraphParser.Parse(
            """
            graph "g"
            %x = input "x" : float32[2, 32]
            %w = float32[32, 32] random(1)
            %1 = MatMul(%x, %w)
            %2 = MatMul(%1, %w)
            return "y" = %2
            """);
        Node[] products = [.. new NarrowWeights().Run(graph, new PassContext(Fp16)).TopologicalOrder().Where(n => n.Op is MatMul)];
        Assert.That(products[0].Inputs[1], Is.EqualTo(products[1].Inputs[1]));
    }
}
