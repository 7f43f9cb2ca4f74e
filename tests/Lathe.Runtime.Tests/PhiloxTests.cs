using Lathe.Runtime.Routines;

namespace Lathe.Runtime.Tests;

/// <summary>The generator of random numbers.</summary>
internal sealed class PhiloxTests
{
    [Test]
    public void Blocks_AreThosePublished()
    {
        // The known answers that its authors publish with Random123.
        Assert.That(Philox.Block(0UL, 0, 0), Is.EqualTo((0xe169c58d_6627e8d5UL, 0x9b00dbd8_bc57ac4cUL)));
        Assert.That(Philox.Block(ulong.MaxValue, ulong.MaxValue, ulong.MaxValue), Is.EqualTo((0x41c83b0e_408f276dUL, 0x6d5451fd_a20bc7c6UL)));
        Assert.That(
            Philox.Block(0x299f31d0_a4093822, 0x85a308d3_243f6a88, 0x03707344_13198a2e), Is.EqualTo((0x94fdcceb_d16cfe09UL, 0x24126ea1_5001e420UL)));
    }

    [Test]
    public void Numbers_StayInTheirRanges()
    {
        foreach (ElementType type in (ElementType[])[ElementType.Float16, ElementType.BFloat16, ElementType.Float32, ElementType.Float64])
            for (int i = 0; i < 10_000; i++) Assert.That(Philox.Uniform(Philox.Key(7), i, Philox.Bits(type)), Is.InRange(0, 1 - Math.Pow(2, -Philox.Bits(type))));
        for (int i = 0; i < 10_000; i++) Assert.That(Philox.Normal(Philox.Key(7), i), Is.InRange(-9, 9), "what 53 bits can give");
        Assert.That(Philox.NextKey(), Is.Not.EqualTo(Philox.NextKey()));
    }
}
