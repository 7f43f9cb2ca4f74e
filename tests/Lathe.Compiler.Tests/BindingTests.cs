using System.Runtime.InteropServices;
using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Compiler.Operators.Linear;
using Lathe.Compiler.Operators.Movement;
using Lathe.Runtime;
using Lathe.Runtime.Plans;
using ModelGraph = Lathe.Compiler.Graph.Graph;

namespace Lathe.Compiler.Tests;

/// <summary>Compiled models whose inputs and outputs lie in the caller's memory, aligned to no more than an element.</summary>
public sealed class BindingTests
{
    [Test]
    public unsafe void Bound_GivesTheSameBits([Values(Isa.Vector128, Isa.Avx2, Isa.Avx512)] Isa isa, [Values(0, 4, 60)] int shift)
    {
        if (!isa.IsAvailable()) Assert.Ignore($"this machine has no {isa}");
        // An output that is read on, one that is a concatenation whose parts are written in place, one that is the input itself.
        GraphBuilder g = new();
        Value x = g.Add(new Input("x", TensorType.Of(ElementType.Float32, 1, 3, 9, 11)));
        Value a = Convolve(g, x, 16, 1), b = g.Add(new Relu(), Convolve(g, a, 32, 2));
        Value whole = g.Add(new Concat(1), a, b), last = g.Add(new Sigmoid(), Convolve(g, whole, 5, 3));
        ModelGraph graph = g.Build(
            "g", [new GraphPort("x", x)], [new GraphPort("whole", whole), new GraphPort("last", last), new GraphPort("same", x), new GraphPort("flat", g.Add(new Flatten(), last))], []);
        using CompiledGraph compiled = new(graph, isa: isa);
        TensorData input = RandomTensor.Of(ElementType.Float32, 5, 1, 3, 9, 11);
        TensorData[] expected = compiled.Run(input);
        compiled.Request.InputBytes(0).Clear();

        const int Room = 1 << 16;
        byte[] mine = GC.AllocateArray<byte>(6 * Room, pinned: true);
        mine.AsSpan().Fill(0xCC);
        fixed (byte* block = mine)
        {
            byte* start = block + (64 - ((nint)block % 64)) + shift;
            input.Bytes.CopyTo(new Span<byte>(start, input.Bytes.Length));
            compiled.Request.BindInput("x", (nint)start);
            for (int i = 0; i < expected.Length; i++)
                compiled.Request.BindOutput(graph.Outputs[i].Name, (nint)(start + ((i + 1) * Room)), expected[i].Bytes.Length);
            compiled.Request.Infer();
            for (int i = 0; i < expected.Length; i++)
            {
                ReadOnlySpan<byte> written = new(start + ((i + 1) * Room), expected[i].Bytes.Length);
                Assert.That(written.SequenceEqual(expected[i].Bytes), Is.True, graph.Outputs[i].Name);
                Assert.That(new ReadOnlySpan<byte>(written.Length + start + ((i + 1) * Room), 64).IndexOfAnyExcept((byte)0xCC), Is.EqualTo(-1), "nothing behind it is touched");
            }

            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 20; i++) compiled.Request.Infer();
            Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.Zero);
        }
    }

    [Test]
    public void BoundMemory_WithStrides_HasToHoldAllThatTheySpan()
    {
        ModelGraph graph = GraphParser.Parse("graph \"g\" %x = input \"x\" : float32[1, 3, 2, 4] %1 = Relu(%x) return \"y\" = %1");
        CompileOptions options = new() { InputFormats = new Dictionary<string, InputFormat> { [""] = InputFormat.Parse("u8,NHWC,RGB") } };
        using CompiledGraph compiled = new(graph, options: options);
        byte[] padded = [.. Enumerable.Range(0, 32).Select(i => (byte)i)];
        long[] strides = [0, 20, 3, 1];
        compiled.Request.BindInput<byte>("x", padded, strides);
        compiled.Request.Infer();
        Assert.That(compiled.Request.Output<float>("y").ToArray(), Is.EqualTo(Enumerable.Range(0, 24).Select(i => (float)((i / 4 % 2 * 20) + (i % 4 * 3) + (i / 8)))));
        Assert.That(() => compiled.Request.BindInput<byte>("x", padded.AsMemory(1), strides), Throws.TypeOf<ArgumentException>().With.Message.Contain("32 elements, the memory 31"));
        Assert.That(() => compiled.Request.BindInput<byte>("x", padded, [0, 11, 3, 1]), Throws.TypeOf<ArgumentException>(), "rows that overlap");
        Assert.That(() => compiled.Request.BindInput<byte>("x", padded), Throws.TypeOf<ArgumentException>().With.Message.Contain("24 elements, the memory 32"), "without strides, that is a mistake");

        // An output between the rows of an input is refused, too: what lies there belongs to neither for sure.
        byte[] shared = GC.AllocateArray<byte>(400, pinned: true);
        compiled.Request.BindInput<byte>("x", shared, [0, 300, 3, 1]);
        Assert.That(() => compiled.Request.BindOutput("y", Marshal.UnsafeAddrOfPinnedArrayElement(shared, 64), 96), Throws.TypeOf<ArgumentException>().With.Message.Contain("'x'"));
    }

    [Test]
    public void BoundOutput_WhoseShapeDataDetermine_HoldsWhatFits()
    {
        ModelGraph graph = DataDependentShapeTests.Build([("x", ElementType.Float32, [8])], (g, v) => DataDependentShapeTests.Import(g, "NonZero", 13, v[0]));
        using CompiledGraph compiled = new(graph);
        InferRequest request = compiled.Request;
        long[] mine = new long[4];
        request.BindOutput<long>("y", mine);
        Assert.That(Infer(1, 0, 0, 2, 0, 0, 0, 3), Is.EqualTo(new long[] { 0, 3, 7 }));
        Assert.That(mine[..3], Is.EqualTo(new long[] { 0, 3, 7 }));

        LatheException? tooLarge = Assert.Throws<LatheException>(() => Infer(1, 1, 1, 1, 1, 0, 0, 0));
        Assert.That(tooLarge!.Id, Is.EqualTo("LATHE0509"));
        Assert.That(tooLarge.Message, Does.Contain("'y'").And.Contain("40 bytes").And.Contain("32"));
        Assert.That(() => Infer(1, 1, 1, 1, 1, 0, 0, 0), Throws.TypeOf<LatheException>(), "again");
        Assert.That(Infer(0, 1, 0, 0, 0, 0, 0, 0), Is.EqualTo(new long[] { 1 }));

        // The same data again, with less memory than before: what was sized for the old memory is sized anew.
        Assert.That(Infer(1, 1, 1, 0, 0, 0, 0, 0), Is.EqualTo(new long[] { 0, 1, 2 }));
        request.BindOutput("y", mine.AsMemory(2, 2));
        Assert.That(request.OutputShape("y").ToArray(), Is.EqualTo(new long[] { 0, 0 }));
        Assert.That(request.Output<long>("y").Length, Is.Zero);
        mine.AsSpan().Fill(-1);
        Assert.That(() => Infer(1, 1, 1, 0, 0, 0, 0, 0), Throws.TypeOf<LatheException>());
        Assert.That(mine, Is.All.EqualTo(-1));
        request.UnbindOutput("y");
        Assert.That(request.Output<long>("y").Length, Is.Zero);
        Assert.That(Infer(1, 1, 1, 0, 0, 0, 0, 0), Is.EqualTo(new long[] { 0, 1, 2 }));
        Assert.That(Infer(1, 1, 1, 1, 1, 1, 1, 1), Has.Length.EqualTo(8));
        request.BindOutput<long>("y", new long[8]);
        Assert.That(Infer(1, 1, 1, 1, 1, 1, 1, 1), Has.Length.EqualTo(8));

        long[] Infer(params float[] values)
        {
            request.SetInput<float>("x", values);
            request.Infer();
            return request.Output<long>("y").ToArray();
        }
    }

    private static Value Convolve(GraphBuilder g, Value x, long channels, int seed) =>
        g.Add(new Conv(KernelShape: (long[])[3, 3], Pads: (long[])[1, 1, 1, 1]), x, g.Constant(RandomTensor.Of(ElementType.Float32, seed, channels, x.Type.Dims[1].Value, 3, 3)));
}
