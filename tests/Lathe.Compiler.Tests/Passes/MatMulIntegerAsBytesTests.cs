using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Quantization;
using Lathe.Compiler.Passes;
using Lathe.Runtime;
using Lathe.Runtime.Plans;

namespace Lathe.Compiler.Tests.Passes;

/// <summary>Products of bytes of random shapes and zero points, which are exact.</summary>
[TestFixture]
internal sealed class MatMulIntegerAsBytesTests
{
    [Test]
    public void Product_IsExact([Values(Isa.Vector128, Isa.Avx2, Isa.Avx512)] Isa isa, [Range(1, 40)] int seed)
    {
        if (!isa.IsAvailable()) Assert.Ignore($"this machine has no {isa}");
        Random random = new(seed);
        Compiler.Graph.Graph graph = Product(random);
        TensorData[] inputs = [.. graph.Inputs.Select(i => Bytes(random, i.Value.Type.Element, [.. i.Value.Type.StaticDims]))];
        CompileOptions options = new() { Kernels = isa != Isa.Vector128 && seed % 2 == 0 ? "native" : "csharp" };
        using CompiledGraph compiled = new(graph, isa: isa, threads: random.Next(1, 3), options: options);
        Assert.That(compiled.Steps, Has.Some.Contains(nameof(MatMulOfBytes)));
        Assert.That(compiled.Run(inputs)[0].ToInt64s(), Is.EqualTo(GraphEvaluator.Run(graph, inputs)[0].ToInt64s()));
    }

    [Test]
    public void Operand_OfTheRun_IsLeft()
    {
        GraphBuilder g = new();
        Value a = g.Add(new Input("a", TensorType.Of(ElementType.UInt8, 3, 8))), b = g.Add(new Input("b", TensorType.Of(ElementType.UInt8, 8, 5)));
        Compiler.Graph.Graph graph = g.Build("product", [new GraphPort("a", a), new GraphPort("b", b)], [new GraphPort("y", g.Add(new MatMulInteger(), a, b))], []);
        TensorData[] inputs = [Bytes(new Random(1), ElementType.UInt8, 3, 8), Bytes(new Random(2), ElementType.UInt8, 8, 5)];
        using CompiledGraph compiled = new(graph);
        Assert.That(compiled.Steps, Has.None.Contains(nameof(MatMulOfBytes)));
        Assert.That(compiled.Run(inputs)[0].ToInt64s(), Is.EqualTo(GraphEvaluator.Run(graph, inputs)[0].ToInt64s()));
    }

    /// <summary>A product with a constant, with zero points of each form: none, one, one for each row or column, one that is an input.</summary>
    private static Compiler.Graph.Graph Product(Random random)
    {
        GraphBuilder g = new();
        ElementType aType = random.Next(2) == 0 ? ElementType.UInt8 : ElementType.Int8, bType = random.Next(2) == 0 ? ElementType.UInt8 : ElementType.Int8;
        long m = random.Next(1, 40), k = random.Next(1, 90), n = random.Next(1, 70);
        long[] dims = random.Next(3) == 0 ? [random.Next(1, 4), m, k] : [m, k];
        Value a = g.Add(new Input("a", TensorType.Of(aType, dims))), b = g.Constant(Bytes(random, bType, k, n));
        List<GraphPort> inputs = [new GraphPort("a", a)];
        Value aZero = Value.None;
        switch (random.Next(4))
        {
            case 1:
                aZero = g.Constant(Bytes(random, aType));
                break;
            case 2:
                aZero = g.Constant(Bytes(random, aType, m, 1));
                break;
            case 3:
                aZero = g.Add(new Input("zero", TensorType.Of(aType)));
                inputs.Add(new GraphPort("zero", aZero));
                break;
        }

        Value bZero = random.Next(3) switch { 0 => Value.None, 1 => g.Constant(Bytes(random, bType)), _ => g.Constant(Bytes(random, bType, n)) };
        TensorData steps = TensorData.Of<int>(ElementType.Int32, [.. Enumerable.Range(0, (int)n).Select(_ => random.Next(-100_000, 100_000))], n);
        Value bias = random.Next(2) == 0 ? Value.None : g.Constant(steps);
        return g.Build("product", inputs, [new GraphPort("y", g.Add(new MatMulInteger(), a, b, aZero, bZero, bias))], []);
    }

    private static TensorData Bytes(Random random, ElementType element, params long[] dims)
    {
        TensorData data = TensorData.Zeros(element, dims);
        for (int i = 0; i < data.Count; i++) data.SetInt64(i, element == ElementType.UInt8 ? random.Next(256) : random.Next(-128, 128));
        return data;
    }
}
