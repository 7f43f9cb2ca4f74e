using Lathe.Runtime.Plans;

namespace Lathe.Runtime.Tests;

/// <summary>Writes plans for tests: float32 tensors of one dim and kernels with all three variants, unless said otherwise.</summary>
internal sealed class PlanBuilder
{
    private readonly List<PlanSymbol> _symbols = [];
    private readonly List<PlanTensor> _inputs = [];
    private readonly List<PlanTensor> _outputs = [];
    private readonly List<PlanBuffer> _buffers = [];
    private readonly List<PlanKernel> _kernels = [];
    private SizeExpression _arenaBytes = 0;

    public List<PlanStep> Steps { get; } = [];

    private readonly List<PlanAccelerator> _accelerators = [];

    public long WeightBytes { get; set; }

    public static SizeExpression Times(SizeExpression a, long b) =>
        new([.. a.Instructions, new(SizeExpression.Code.Constant, b), new(SizeExpression.Code.Multiply)]);

    public static SizeExpression Dim(int number) => new([new(SizeExpression.Code.Dim, number)]);

    public SizeExpression Symbol(string name, long min, long max, long value)
    {
        _symbols.Add(new(name, min, max, value));
        return Dim(_symbols.Count - 1);
    }

    public int Input(string name, params SizeExpression[] dims) => Input(name, ElementType.Float32, dims);

    public int Input(string name, ElementType type, params SizeExpression[] dims)
    {
        int buffer = Buffer(BufferKind.Input, _inputs.Count, 0, Bytes(type, dims));
        _inputs.Add(new(name, type, dims, buffer));
        return buffer;
    }

    public int Output(string name, params SizeExpression[] dims)
    {
        int buffer = Buffer(BufferKind.Output, _outputs.Count, 0, Bytes(ElementType.Float32, dims));
        _outputs.Add(new(name, ElementType.Float32, dims, buffer));
        return buffer;
    }

    /// <summary>The whole arena as one buffer.</summary>
    public int Arena(SizeExpression bytes)
    {
        _arenaBytes = bytes;
        return Buffer(BufferKind.Arena, 0, 0, bytes);
    }

    public int Weights(long offset, long bytes)
    {
        WeightBytes = Math.Max(WeightBytes, offset + bytes);
        return Buffer(BufferKind.Weights, 0, offset, bytes);
    }

    public int Buffer(BufferKind kind, int index, SizeExpression offset, SizeExpression bytes)
    {
        _buffers.Add(new(kind, index, offset, bytes));
        return _buffers.Count - 1;
    }

    public int Kernel(int function, SizeExpression? extent = null, SizeExpression? scratchBytes = null, params Isa[] isas)
    {
        if (isas.Length == 0) isas = [Isa.Vector128, Isa.Avx2, Isa.Avx512];
        _kernels.Add(new($"kernel_{function}", [.. isas.Select(isa => new PlanVariant(isa, function, scratchBytes ?? 0, extent ?? Dim(0)))]));
        return _kernels.Count - 1;
    }

    public KernelStep Step(string node, int kernel, SizeExpression[] dims, params int[] buffers) =>
        new(node, "Test", kernel, buffers, dims, "fp32", "row-major", 0, 0);

    /// <summary>An accelerator and its whole arena as one buffer.</summary>
    public int Accelerator(string device, SizeExpression bytes)
    {
        _accelerators.Add(new(device, bytes));
        return Arena(_accelerators.Count, 0, bytes);
    }

    /// <summary>A part of the arena of the host, 0, or of an accelerator.</summary>
    public int Arena(int device, SizeExpression offset, SizeExpression bytes)
    {
        _buffers.Add(new(BufferKind.Arena, 0, offset, bytes) { Device = device });
        return _buffers.Count - 1;
    }

    public static TransferStep Transfer(string node, int from, int to, SizeExpression bytes) => new(node, "Transfer", from, to, bytes);

    public Plan Build(string model = "test") => new(model, _symbols, _inputs, _outputs, _buffers, _kernels, Steps, _arenaBytes, WeightBytes) { Accelerators = _accelerators };

    /// <summary>y = x * weights[0] + bias over n elements: the product on an accelerator, the sum on the CPU.</summary>
    public static Plan Hetero(string device = "SIM", SizeExpression? n = null)
    {
        PlanBuilder b = new();
        n ??= b.Symbol("N", 1, 1 << 20, 5);
        SizeExpression bytes = Times(n, 4), aligned = Times(n, 64);
        int x = b.Input("x", n), bias = b.Input("bias", n), y = b.Output("y", n), product = b.Arena(bytes), factor = b.Weights(0, 4);
        int there = b.Accelerator(device, Times(n, 128)), result = b.Arena(1, aligned, bytes);
        b.Steps.Add(Transfer("x", x, there, bytes) with { Subgraph = 1 });
        b.Steps.Add(b.Step("scale", b.Kernel(TestKernels.Scale), [n], result, there, factor) with { Device = 1, Subgraph = 1, Macs = n });
        b.Steps.Add(Transfer("scale", result, product, bytes) with { Subgraph = 1 });
        b.Steps.Add(b.Step("add", b.Kernel(TestKernels.Add), [n], y, product, bias) with { Subgraph = 2 });
        return b.Build() with { Device = $"HETERO:{device},CPU" };
    }

    /// <summary>y = x + 2 * weights over four elements: the factor of two is put on when the model is loaded.</summary>
    public static Plan Prepared(int function = TestKernels.Add)
    {
        PlanBuilder b = new();
        int x = b.Input("x", 4), y = b.Output("y", 4), w = b.Weights(0, 16), prepared = b.Buffer(BufferKind.Prepared, 0, 64, 16);
        b.Steps.Add(b.Step("add", b.Kernel(TestKernels.Add), [4], y, x, prepared));
        KernelStep load = b.Step("double", b.Kernel(function, scratchBytes: 64), [4], prepared, w, w);
        return b.Build() with { Preparation = [load], PreparedBytes = 80 };
    }

    /// <summary>y = x * weights[0] + bias over n elements, through the arena.</summary>
    public static Plan ScaleAdd(SizeExpression? n = null, long macs = 0)
    {
        PlanBuilder b = new();
        n ??= b.Symbol("N", 1, 1 << 20, 5);
        int x = b.Input("x", n), bias = b.Input("bias", n), y = b.Output("y", n), t = b.Arena(Times(n, 4)), factor = b.Weights(0, 4);
        b.Steps.Add(b.Step("scale", b.Kernel(TestKernels.Scale), [n], t, x, factor) with { Macs = macs });
        b.Steps.Add(b.Step("add", b.Kernel(TestKernels.Add), [n], y, t, bias) with { Macs = macs });
        return b.Build();
    }

    /// <summary>The weights of <see cref="ScaleAdd"/>.</summary>
    public static byte[] Factor(float factor) => BitConverter.GetBytes(factor);

    private static SizeExpression Bytes(ElementType type, SizeExpression[] dims)
    {
        SizeExpression bytes = type.Size();
        foreach (SizeExpression dim in dims)
            bytes = new([.. bytes.Instructions, .. dim.Instructions, new(SizeExpression.Code.Multiply)]);
        return bytes;
    }
}
