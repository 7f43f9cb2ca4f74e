namespace Lathe.Runtime.Tests;

public sealed class PseudoRandomFillTests
{
    // The first four elements of a tensor "x" with seed 1, computed by another program from the type's description.
    [TestCase(ElementType.Float32, "68D7AD3EB0CD863E0E5E733FB412133F")]
    [TestCase(ElementType.Float64, "00000000EDBAD53F00000000B6D9D03F000000C0C16BEE3F000000805662E23F")]
    [TestCase(ElementType.Float16, "6F3536349B3B9938")]
    [TestCase(ElementType.BFloat16, "AE3E873E733F133F")]
    [TestCase(ElementType.UInt8, "ABA1F9C9")]
    [TestCase(ElementType.Int8, "ABA1F9C9")]
    [TestCase(ElementType.UInt16, "75ABB3A1AFF989C9")]
    [TestCase(ElementType.Int16, "75ABB3A1AFF989C9")]
    [TestCase(ElementType.UInt32, "00000000010000000100000000000000")]
    [TestCase(ElementType.Int32, "00000000010000000100000000000000")]
    [TestCase(ElementType.UInt64, "0000000000000000010000000000000001000000000000000000000000000000")]
    [TestCase(ElementType.Int64, "0000000000000000010000000000000001000000000000000000000000000000")]
    [TestCase(ElementType.Bool, "01010101")]
    public void Fill_IsAsDescribed(ElementType type, string expected)
    {
        byte[] data = new byte[4 * type.Size()];
        PseudoRandomFill.Fill(data, type, "x");
        Assert.That(Convert.ToHexString(data), Is.EqualTo(expected));
    }

    [Test]
    public void Fill_OtherSeedOrName_GivesOtherData()
    {
        byte[] first = new byte[64], otherSeed = new byte[64], otherName = new byte[64];
        PseudoRandomFill.Fill(first, ElementType.Float32, "x");
        PseudoRandomFill.Fill(otherSeed, ElementType.Float32, "x", 2);
        PseudoRandomFill.Fill(otherName, ElementType.Float32, "y");
        Assert.That(first, Is.Not.EqualTo(otherSeed).And.Not.EqualTo(otherName));
    }
}
