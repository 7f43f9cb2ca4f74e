using Google.Protobuf;
using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Graph;
using Lathe.Compiler.Onnx;
using Lathe.Runtime;

namespace Lathe.Compiler.Tests.Onnx;

[TestFixture]
internal sealed class TensorReaderTests
{
    private static readonly TensorReader Reader = new(".");

    private static TensorProto Proto(ElementType element, params long[] dims)
    {
        TensorProto tensor = new() { Name = "t", DataType = (int)element };
        tensor.Dims.AddRange(dims);
        return tensor;
    }

    private static string Refusal(TensorProto tensor)
    {
        Diagnostic diagnostic = Assert.Throws<DiagnosticException>(() => Reader.Read(tensor))!.Diagnostic;
        Assert.That(diagnostic.Message, Does.Contain("'t'"));
        return diagnostic.Descriptor.Id;
    }

    [Test]
    public void RawData_OfEveryType_IsTakenAsItIs([Values] ElementType element)
    {
        if (element is ElementType.Undefined or ElementType.String) return;
        byte[] bytes = [.. Enumerable.Range(0, 3 * element.Size()).Select(i => (byte)(element == ElementType.Bool ? i % 2 : i * 7))];
        TensorProto tensor = Proto(element, 3);
        tensor.RawData = ByteString.CopyFrom(bytes);
        TensorData data = Reader.Read(tensor);
        Assert.That((data.Element, data.Bytes), Is.EqualTo((element, bytes)));
    }

    [Test]
    public void TypedFields_OfEveryType_HoldTheElements([Values] ElementType element)
    {
        if (element is ElementType.Undefined or ElementType.String) return;
        TensorProto tensor = Proto(element, 2);
        switch (element)
        {
            case ElementType.Float32: tensor.FloatData.AddRange([1, 0]); break;
            case ElementType.Float64: tensor.DoubleData.AddRange([1, 0]); break;
            case ElementType.Int64: tensor.Int64Data.AddRange([1, 0]); break;
            case ElementType.UInt32 or ElementType.UInt64: tensor.Uint64Data.AddRange([1, 0]); break;
            case ElementType.Float16: tensor.Int32Data.AddRange([0x3C00, 0]); break;
            case ElementType.BFloat16: tensor.Int32Data.AddRange([0x3F80, 0]); break;
            default: tensor.Int32Data.AddRange([1, 0]); break;
        }

        TensorData data = Reader.Read(tensor);
        Assert.That((data.GetDouble(0), data.GetDouble(1)), Is.EqualTo((1.0, 0.0)));
    }

    [Test]
    public void NegativeIntegers_InInt32Data_KeepTheirSign()
    {
        TensorProto tensor = Proto(ElementType.Int8, 2);
        tensor.Int32Data.AddRange([-128, -1]);
        Assert.That(Reader.Read(tensor).Span<sbyte>().ToArray(), Is.EqualTo(new sbyte[] { -128, -1 }));
    }

    [Test]
    public void Strings_AreUtf8()
    {
        TensorProto tensor = Proto(ElementType.String, 2);
        tensor.StringData.Add(ByteString.CopyFromUtf8("größe"));
        tensor.StringData.Add(ByteString.CopyFromUtf8(""));
        Assert.That(Reader.Read(tensor).Strings, Is.EqualTo(new[] { "größe", "" }));
    }

    [Test]
    public void Bool_OtherThanOne_BecomesOne()
    {
        TensorProto tensor = Proto(ElementType.Bool, 3);
        tensor.RawData = ByteString.CopyFrom(0, 255, 2);
        Assert.That(Reader.Read(tensor).Bytes, Is.EqualTo(new byte[] { 0, 1, 1 }));
    }

    [Test]
    public void Scalar_AndEmptyTensor_AreRead()
    {
        TensorProto scalar = Proto(ElementType.Float32), empty = Proto(ElementType.Float32, 0, 3);
        scalar.FloatData.Add(5);
        Assert.That((Reader.Read(scalar).Count, Reader.Read(empty).Count), Is.EqualTo((1, 0)));
    }

    [Test]
    public void TooFewOrTooManyElements_AreRefused()
    {
        TensorProto few = Proto(ElementType.Float32, 3), many = Proto(ElementType.Float32, 1);
        TensorProto raw = Proto(ElementType.Float32, 2), text = Proto(ElementType.String, 2);
        few.FloatData.Add(1);
        many.FloatData.AddRange([1, 2]);
        raw.RawData = ByteString.CopyFrom(1, 2, 3);
        Assert.That(new[] { Refusal(few), Refusal(many), Refusal(raw), Refusal(text) }, Is.All.EqualTo("LATHE0003"));
    }

    [Test]
    public void HostileDims_AreRefused_WithoutAllocating()
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.That(Refusal(Proto(ElementType.Float32, long.MaxValue, 2)), Is.EqualTo("LATHE0003"));
        Assert.That(Refusal(Proto(ElementType.Float32, long.MaxValue, 2, 0)), Is.EqualTo("LATHE0003"));
        Assert.That(Refusal(Proto(ElementType.Float32, -1)), Is.EqualTo("LATHE0003"));
        Assert.That(Refusal(Proto(ElementType.UInt8, int.MaxValue)), Is.EqualTo("LATHE0003"));
        Assert.That(Refusal(Proto(ElementType.Float32, [.. Enumerable.Repeat(1L, 1000)])), Is.EqualTo("LATHE0003"));
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(10_000_000));
    }

    [TestCase(17, "float8e4m3fn")]
    [TestCase(22, "int4")]
    [TestCase(14, "complex64")]
    [TestCase(1234, "1234")]
    public void OtherTypes_AreNotSupported(int type, string name)
    {
        TensorProto tensor = new() { Name = "t", DataType = type };
        Diagnostic diagnostic = Assert.Throws<DiagnosticException>(() => Reader.Read(tensor))!.Diagnostic;
        Assert.That(diagnostic.Descriptor.Id, Is.EqualTo("LATHE0008"));
        Assert.That(diagnostic.Message, Does.Contain(name));
    }

    [Test]
    public void MissingType_IsRefused() => Assert.That(Refusal(new TensorProto { Name = "t" }), Is.EqualTo("LATHE0003"));

    [Test]
    public void Sparse_BecomesDense([Values] bool linear)
    {
        SparseTensorProto sparse = new() { Values = Proto(ElementType.Float32, 2), Indices = Proto(ElementType.Int64, linear ? [2] : [2, 2]) };
        sparse.Dims.AddRange([2, 3]);
        sparse.Values.FloatData.AddRange([7, 8]);
        sparse.Indices.Int64Data.AddRange(linear ? [1, 5] : [0, 1, 1, 2]);
        Assert.That(Reader.Read(sparse).Span<float>().ToArray(), Is.EqualTo(new float[] { 0, 7, 0, 0, 0, 8 }));
    }

    [Test]
    public void Sparse_OutsideOrTooLarge_IsRefused()
    {
        SparseTensorProto sparse = new() { Values = Proto(ElementType.Float32, 1), Indices = Proto(ElementType.Int64, 1) };
        sparse.Dims.Add(4);
        sparse.Values.FloatData.Add(1);
        sparse.Indices.Int64Data.Add(4);
        Assert.That(Assert.Throws<DiagnosticException>(() => Reader.Read(sparse))!.Diagnostic.Message, Does.Contain("outside"));
        sparse.Dims[0] = 1 << 30;
        Assert.That(Assert.Throws<DiagnosticException>(() => Reader.Read(sparse))!.Diagnostic.Message, Does.Contain("dense"));
    }
}
