using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Compiler.Operators.Linear;
using Lathe.Compiler.Operators.Quantization;
using Lathe.Compiler.Passes;
using Lathe.Runtime;

namespace Lathe.Compiler.Tests.Passes;

[TestFixture]
internal sealed class FuseGroupsTests
{
    [Test]
    public void DequantisedSummand_IsReadWhereItIsAdded([Values(1, 20)] int lengthBefore)
    {
        GraphBuilder g = new();
        Value x = g.Add(new Input("x", TensorType.Of(ElementType.Float32, 1, 4, 8, 8))), before = x;
        // However much was computed before it became bytes: what is read are the bytes.
        for (int i = 0; i < lengthBefore; i++) before = g.Add(new Sin(), before);
        Value bytes = g.Add(new QuantizeLinear(), before, Scalar(0.01f), g.Constant(TensorData.FromBytes(ElementType.UInt8, [], [128])));
        Value floats = g.Add(new DequantizeLinear(), bytes, Scalar(0.01f), g.Constant(TensorData.FromBytes(ElementType.UInt8, [], [128])));
        Value weights = g.Constant(TensorData.OfFloats([.. Enumerable.Range(0, 16).Select(i => i / 16f)], 4, 4, 1, 1));
        Value y = g.Add(new Add(), g.Add(new Conv(), x, weights), floats);
        Compiler.Graph.Graph fused = new FuseGroups().Run(g.Build("sum", [new GraphPort("x", x)], [new GraphPort("y", y), new GraphPort("bytes", bytes)], []), new PassContext(new CompileOptions()));
        string[][] groups = [.. fused.TopologicalOrder().Select(n => n.Op).OfType<Fused>().Select(f => f.Operators.Select(o => o.Name).ToArray())];
        Assert.That(groups, Has.Length.EqualTo(2));
        Assert.That(groups.Single(o => o.Contains("Conv")), Is.EquivalentTo(new[] { "Conv", "Add", "DequantizeLinear" }));

        Value Scalar(float value) => g.Constant(TensorData.OfFloats([value]));
    }
}
