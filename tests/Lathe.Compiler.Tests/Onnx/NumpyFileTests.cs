using System.Text;
using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Graph;
using Lathe.Compiler.Onnx;
using Lathe.Runtime;

namespace Lathe.Compiler.Tests.Onnx;

[TestFixture]
internal sealed class NumpyFileTests
{
    private static byte[] File(string header, byte[] content, byte version = 1)
    {
        byte[] text = Encoding.ASCII.GetBytes(header + "\n");
        byte[] length = version == 1 ? [(byte)text.Length, (byte)(text.Length >> 8)] : [(byte)text.Length, (byte)(text.Length >> 8), 0, 0];
        return [0x93, .. "NUMPY"u8, version, 0, .. length, .. text, .. content];
    }

    private static TensorData Read(byte[] file)
    {
        using TemporaryDirectory directory = new();
        return NumpyFile.Read(directory.Write("a.npy", file));
    }

    [Test]
    public void WhatIsWritten_IsReadBack([Values] ElementType element)
    {
        if (element is ElementType.Undefined or ElementType.String or ElementType.BFloat16) return;
        using TemporaryDirectory directory = new();
        foreach (long[] dims in (long[][])[[], [3], [2, 3], [2, 0, 3]])
        {
            TensorData data = RandomTensor.Of(element, 1, dims);
            string path = Path.Combine(directory.Path, "a.npy");
            NumpyFile.Write(path, data);
            TensorData back = NumpyFile.Read(path);
            Assert.That((back.Element, back.Bytes), Is.EqualTo((element, data.Bytes)));
            Assert.That(back.Dims, Is.EqualTo(dims));
            Assert.That((new FileInfo(path).Length - data.Bytes.Length) % 64, Is.Zero);
        }
    }

    [Test]
    public void ColumnMajorAndBigEndian_AreTurned()
    {
        byte[] content = [0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6];
        TensorData data = Read(File("{'descr': '>i2', 'fortran_order': True, 'shape': (2, 3), }", content, version: 2));
        Assert.That(data.Span<short>().ToArray(), Is.EqualTo(new short[] { 1, 3, 5, 2, 4, 6 }));
    }

    [TestCase("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000, ), }")]
    [TestCase("{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775807, 9), }")]
    [TestCase("{'descr': '<f4', 'fortran_order': False, 'shape': (-1, ), }")]
    [TestCase("{'descr': '<c8', 'fortran_order': False, 'shape': (1, ), }")]
    [TestCase("{'descr': '|O', 'fortran_order': False, 'shape': (1, ), }")]
    [TestCase("{'descr': '<f4'}")]
    [TestCase("")]
    public void WrongHeader_IsRefused(string header) =>
        Assert.That(() => Read(File(header, new byte[4])), Throws.TypeOf<DiagnosticException>().With.Message.Contains("a.npy"));

    [Test]
    public void WhatIsNoNumpyFile_IsRefused()
    {
        Assert.That(() => Read([1, 2, 3]), Throws.TypeOf<DiagnosticException>());
        Assert.That(() => Read(new byte[100]), Throws.TypeOf<DiagnosticException>());
        Assert.That(() => NumpyFile.Read("no such file"), Throws.TypeOf<DiagnosticException>());
    }
}
