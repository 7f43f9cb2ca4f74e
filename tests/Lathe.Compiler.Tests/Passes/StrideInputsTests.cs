using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Compiler.Operators.Linear;
using Lathe.Compiler.Operators.Pooling;
using Lathe.Kernels.Loops;
using Lathe.Runtime;
using Lathe.Runtime.Plans;

namespace Lathe.Compiler.Tests.Passes;

[TestFixture]
internal sealed class StrideInputsTests
{
    private const int High = 19, Wide = 37;

    [Test]
    public unsafe void Strides_AreReadAsDenseMemoryIs(
        [Values(Isa.Vector128, Isa.Avx2, Isa.Avx512)] Isa isa, [Values("u8,NHWC,BGRA", "u8,NHWC,BGR", "u8,RGBP", "f32,NCHW", "u16,NHWC,GRAY")] string format,
        [Values("convolution", "pool", "both")] string reader, [Values(1, 2)] int images)
    {
        if (!isa.IsAvailable()) Assert.Ignore($"this machine has no {isa}");
        using CompiledGraph compiled = new(Model(reader, images), isa: isa, threads: 2, options: Options(format));
        InferRequest request = compiled.Request;
        new Random(5).NextBytes(request.InputBytes(0)[..^1]);
        if (format.StartsWith("f32", StringComparison.Ordinal))
        {
            Random random = new(5);
            foreach (ref float value in request.Input<float>(0)) value = random.NextSingle();
        }

        request.Infer();
        byte[] expected = request.OutputBytes(0).ToArray();

        long[] shape = request.InputShape(0).ToArray();
        bool isPlanar = format.Contains("NCHW", StringComparison.Ordinal) || format.Contains("RGBP", StringComparison.Ordinal);
        long row = isPlanar ? shape[3] + 5 : (shape[2] * shape[3]) + 7, plane = (row * High) + 3, image = (isPlanar ? plane * shape[1] : plane) + 11;
        long[] strides = isPlanar ? [image, plane, row, 1] : [image, row, shape[3], 1];
        int size = request.InputBytes(0).Length / (int)shape.Aggregate(1L, (a, b) => a * b);
        byte[] memory = new byte[((images * image) + 64) * size];
        Array.Fill(memory, (byte)0xFF);
        Span<byte> dense = request.InputBytes(0);
        fixed (byte* start = memory)
        {
            byte* aligned = start + (-(nint)start & 63);
            int from = 0;
            foreach (long[] at in RowMajor.Indices(shape))
            {
                long offset = at.Zip(strides, (i, s) => i * s).Sum();
                dense.Slice(from, size).CopyTo(new Span<byte>(aligned + (offset * size), size));
                from += size;
            }

            dense.Clear();
            request.BindInput("x", (nint)aligned, strides);
            request.Infer();
            Assert.That(request.OutputBytes(0).ToArray(), Is.EqualTo(expected));
            Assert.That(() => request.InputBytes(0), Throws.InvalidOperationException);
            request.UnbindInput("x");
        }

        request.Infer();
        Assert.That(request.OutputBytes(0).ToArray(), Is.Not.EqualTo(expected));
    }

    [Test]
    public unsafe void BindingAndInference_AllocateNothing()
    {
        using CompiledGraph compiled = new(Model("convolution", 1), options: Options("u8,NHWC,BGRA"));
        InferRequest request = compiled.Request;
        byte[] memory = GC.AllocateArray<byte>(High * 200, pinned: true);
        fixed (byte* pixels = memory)
        {
            long[][] strides = [[High * 160, 160, 4, 1], [High * 200, 200, 4, 1]];
            for (int i = 0; i < 20; i++) Once(i);
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 20; i++) Once(i);
            Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.Zero);

            void Once(int i)
            {
                request.BindInput("x", (nint)System.Runtime.CompilerServices.Unsafe.AsPointer(ref memory[0]), strides[i % 2]);
                request.Infer();
            }
        }
    }

    [TestCase(new long[] { 9999, 160, 4 }, "dense")]
    [TestCase(new long[] { 9999, 160, 5, 1 }, "lie together")]
    [TestCase(new long[] { 9999, 160, 4, 2 }, "lie together")]
    [TestCase(new long[] { 9999, 147, 4, 1 }, "overlap")]
    [TestCase(new long[] { 2811, 160, 4, 1 }, "overlap")]
    [TestCase(new long[] { 160, 160, 4, 1 }, "overlap")]
    [TestCase(new long[] { 9999, -160, 4, 1 }, "forwards")]
    [TestCase(new long[] { 9999, 0, 4, 1 }, "forwards")]
    [TestCase(new long[] { long.MaxValue, 160, 4, 1 }, "beyond any memory")]
    [TestCase(new long[] { 9999, long.MaxValue / 2, 4, 1 }, "beyond any memory")]
    public void WrongStrides_AreRefused(long[] strides, string reason)
    {
        using CompiledGraph compiled = new(Model("convolution", 2), options: Options("u8,NHWC,BGRA"));
        nint memory = 64;
        Assert.That(() => compiled.Request.BindInput("x", memory, strides), Throws.ArgumentException.With.Message.Contains(reason));
        compiled.Request.Infer();
    }

    [Test]
    public void Info_SaysWhichDimsAreStrided()
    {
        Assert.That(Strided("u8,NHWC,BGRA", 2), Is.EqualTo(new[] { 0, 1 }));
        Assert.That(Strided("u8,NHWC,BGRA", 1), Is.EqualTo(new[] { 1 }));
        Assert.That(Strided("u8,RGBP", 2), Is.EqualTo(new[] { 0, 1, 2 }));
        Assert.That(Strided(null, 2), Is.Empty);

        static IReadOnlyList<int> Strided(string? format, int images)
        {
            using CompiledGraph compiled = new(Model("convolution", images), options: format is null ? new CompileOptions() : Options(format));
            return compiled.Model.Info.Inputs[0].Strided;
        }
    }

    [Test]
    public unsafe void NamedDims_AndStrides_GoTogether()
    {
        GraphBuilder g = new();
        IndexVar n = new("N", 1, 8), h = new("H", 4, 64);
        Value x = g.Add(new Input("x", new TensorType(ElementType.Float32, (Lathe.Kernels.EquatableArray<IndexExpr>)[n, 3, h, Wide])));
        Value y = g.Add(new Conv(Pads: [1, 1, 1, 1]), x, g.Constant(RandomTensor.Of(ElementType.Float32, 1, 5, 3, 3, 3)));
        Compiler.Graph.Graph graph = g.Build("g", [new GraphPort("x", x)], [new GraphPort("y", y)], [n, h]);
        using CompiledGraph compiled = new(graph, threads: 2, dims: new Dictionary<string, long> { ["N"] = 2, ["H"] = 9 }, options: Options("u8,NHWC,BGR") with { Mean = new Dictionary<string, float[]> { [""] = [7, 7, 7] } });
        InferRequest request = compiled.Request;
        new Random(5).NextBytes(request.InputBytes(0));
        request.Infer();
        float[] expected = request.Output<float>(0).ToArray();
        byte[] memory = new byte[2 * 2000];
        for (int row = 0; row < 18; row++) request.InputBytes(0).Slice(row * Wide * 3, Wide * 3).CopyTo(memory.AsSpan((row / 9 * 2000) + (row % 9 * 128)));
        fixed (byte* start = memory)
        {
            request.BindInput("x", (nint)start, [2000, 128, 3, 1]);
            request.Infer();
            Assert.That(request.Output<float>(0).ToArray(), Is.EqualTo(expected));
        }
    }

    private static CompileOptions Options(string format) => new() { InputFormats = new Dictionary<string, InputFormat> { [""] = InputFormat.Parse(format) } };

    private static Compiler.Graph.Graph Model(string reader, int images)
    {
        GraphBuilder g = new();
        Value x = g.Add(new Input("x", TensorType.Of(ElementType.Float32, images, 3, High, Wide)));
        Value y = reader == "pool"
            ? g.Add(new MaxPool(KernelShape: [3, 3], Pads: [1, 1, 1, 1]), x)
            : g.Add(new Conv(Pads: [1, 1, 1, 1]), x, g.Constant(RandomTensor.Of(ElementType.Float32, 1, 3, 3, 3, 3)));
        if (reader == "both") y = g.Add(new Add(), y, g.Add(new Relu(), x));
        return g.Build("g", [new GraphPort("x", x)], [new GraphPort("y", y)], []);
    }
}
