using Lathe.Compiler.Prediction;
using Lathe.Runtime.Plans;

namespace Lathe.Compiler.Tests.Prediction;

/// <summary>Predictions have the direction of what was measured: 0016 and performance.md.</summary>
[TestFixture]
internal sealed class RooflineTests
{
    private static readonly CpuProfile Large = CpuProfile.Of(Isa.Avx512), Middle = CpuProfile.Of(Isa.Avx2), Small = CpuProfile.Of(Isa.Vector128);

    [Test]
    public void Bytes_AreFasterWhereThereAreDotProducts()
    {
        CompileReport floats = Report(Convolution("Conv", "fp32", 4)), bytes = Report(Convolution("ConvOfBytes+Mul+QuantizeLinear", "int8", 1));
        Assert.That(Roofline.Milliseconds(bytes, Large), Is.LessThan(Roofline.Milliseconds(floats, Large) / 2));
        Assert.That(Roofline.Milliseconds(bytes, Large with { HasDotProducts = false }), Is.GreaterThan(Roofline.Milliseconds(floats, Large)));
        Assert.That(Roofline.Milliseconds(bytes, Middle with { HasDotProducts = true }), Is.LessThan(Roofline.Milliseconds(floats, Middle)));
    }

    [Test]
    public void Row_OfHalves_IsFasterFromMemory_AndSlowerOn128Bits()
    {
        Assert.That(Rows(Large, "bf16", 64 << 20), Is.LessThan(0.7));
        Assert.That(Rows(Large, "fp16", 64 << 20), Is.LessThan(0.7));
        Assert.That(Rows(Large, "bf16", 4 << 20), Is.LessThan(0.8));
        Assert.That(Rows(Small, "bf16", 4 << 20), Is.GreaterThan(1));
        Assert.That(Rows(Small, "fp16", 4 << 20), Is.GreaterThan(1.5));
        Assert.That(Rows(Middle, "fp16", 4 << 20), Is.GreaterThan(1));
    }

    [Test]
    public void Profile_Counts()
    {
        CompileReport floats = Report(Convolution("Conv", "fp32", 4));
        Assert.That(Roofline.Milliseconds(floats, Large with { Gflops = Large.Gflops / 2 }), Is.GreaterThan(Roofline.Milliseconds(floats, Large) * 1.8));
        CompileReport stream = Report(new CompileGroup("g", "Add", "Add", "CPU", "fp32", "", "1000x1000", 0, 256 << 20, []));
        Assert.That(Roofline.Milliseconds(stream with { ArenaBytes = 256 << 20 }, Large with { MemoryGbs = 1 }), Is.EqualTo(268).Within(1));
    }

    /// <summary>How a product of a row with weights of 16 bits compares to one of so many bytes of floats.</summary>
    private static double Rows(CpuProfile cpu, string precision, long bytes)
    {
        long count = bytes / 4;
        CompileGroup floats = new("g", "MatMul", "MatMul", "CPU", "fp32", "", "1x1024", count, bytes, []), halves = new("g", "MatMulOfHalves", "MatMulOfHalves", "CPU", precision, "", "1x1024", count, bytes / 2, []);
        return Roofline.Milliseconds(Report(halves) with { WeightBytes = bytes / 2 }, cpu) / Roofline.Milliseconds(Report(floats) with { WeightBytes = bytes }, cpu);
    }

    private static CompileGroup Convolution(string op, string precision, int size) => new("g", op, op, "CPU", precision, "", "1x64x56x56", 64L * 576 * 56 * 56, size * 2L * 64 * 56 * 56, []);

    private static CompileReport Report(params CompileGroup[] groups) => new(0, 0, 1 << 20, 0, 0, 0, 0, groups, []);
}
