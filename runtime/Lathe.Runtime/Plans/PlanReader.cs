using System.Text;

namespace Lathe.Runtime.Plans;

/// <summary>
/// Reads what <see cref="PlanWriter"/> writes, from bytes that may be anything: every count is held against the bytes that are left before
/// memory is taken, nesting is bounded, and what does not fit is LATHE0503.
/// </summary>
internal ref struct PlanReader
{
    /// <summary>The deepest nesting of <see cref="IfStep"/>s that is read and executed.</summary>
    internal const int MaximumDepth = 64;

    private static readonly UTF8Encoding Utf8 = new(false, throwOnInvalidBytes: true);

    private readonly ReadOnlySpan<byte> _bytes;
    private int _position;

    private PlanReader(ReadOnlySpan<byte> bytes) => _bytes = bytes;

    public static Plan Read(ReadOnlySpan<byte> bytes)
    {
        PlanReader reader = new(bytes);
        Plan plan = reader.Plan();
        if (reader._position != bytes.Length) throw PlanFormat.Corrupt("it goes on after its end");
        return plan;
    }

    private Plan Plan()
    {
        string model = Text();
        PlanSymbol[] symbols = new PlanSymbol[Count(5)];
        for (int i = 0; i < symbols.Length; i++) symbols[i] = new(Text(), Number(), Number(), Number(), Byte() != 0);
        PlanTensor[] inputs = Tensors(), outputs = Tensors();
        PlanBuffer[] buffers = new PlanBuffer[Count(9)];
        for (int i = 0; i < buffers.Length; i++) buffers[i] = new((BufferKind)Index(), Index(), Expression(), Expression()) { Device = Index() };
        PlanKernel[] kernels = new PlanKernel[Count(2)];
        for (int i = 0; i < kernels.Length; i++) kernels[i] = new(Text(), Variants());
        return new(model, symbols, inputs, outputs, buffers, kernels, Steps(0), Expression(), Number())
        {
            KeepsDenormals = Number() != 0,
            PrefersNative = Number() != 0,
            NativeCode = NativeCode(),
            Device = Text(),
            Preparation = Preparation(),
            PreparedBytes = Number(),
            Accelerators = Accelerators(),
            CarriesFallback = Number() != 0,
            RequiresDevice = Number() != 0,
        };
    }

    private PlanTensor[] Tensors()
    {
        PlanTensor[] tensors = new PlanTensor[Count(7)];
        for (int i = 0; i < tensors.Length; i++)
            tensors[i] = new(Text(), (ElementType)Index(), Expressions(), Index()) { Strides = Symbols(), Preprocessing = Text(), Labels = Texts() };
        return tensors;
    }

    private string[] Texts()
    {
        string[] texts = new string[Count(1)];
        for (int i = 0; i < texts.Length; i++) texts[i] = Text();
        return texts;
    }

    private PlanAccelerator[] Accelerators()
    {
        PlanAccelerator[] accelerators = new PlanAccelerator[Count(4)];
        for (int i = 0; i < accelerators.Length; i++) accelerators[i] = new(Text(), Expression());
        return accelerators;
    }

    private int[] Symbols()
    {
        int[] symbols = new int[Count(1)];
        for (int i = 0; i < symbols.Length; i++) symbols[i] = (int)Math.Clamp(Number(), -1, int.MaxValue);
        return symbols;
    }

    private PlanVariant[] Variants()
    {
        PlanVariant[] variants = new PlanVariant[Count(11)];
        for (int i = 0; i < variants.Length; i++) variants[i] = new((Isa)Index(), Index(), Expression(), Expression()) { NativeEntry = Entry(), VnniEntry = Entry(), NarrowIsFaster = Number() != 0 };
        return variants;
    }

    private int Entry() => (int)Math.Clamp(Number(), -1, int.MaxValue);

    private PlanNativeCode[] NativeCode()
    {
        PlanNativeCode[] code = new PlanNativeCode[Count(4)];
        for (int i = 0; i < code.Length; i++) code[i] = new((Isa)Index(), Index(), Text(), Indices());
        return code;
    }

    private PlanStep[] Steps(int depth)
    {
        if (depth > MaximumDepth) throw PlanFormat.Corrupt("its branches are nested too deeply");
        PlanStep[] steps = new PlanStep[Count(7)];
        for (int i = 0; i < steps.Length; i++)
        {
            PlanStep step = Byte() switch
            {
                PlanWriter.KernelTag => new KernelStep(Text(), Text(), Index(), Indices(), Expressions(), Text(), Text(), Expression(), Expression()) { Device = Index() },
                PlanWriter.IfTag => new IfStep(Text(), Text(), Index(), Steps(depth + 1), Steps(depth + 1)),
                PlanWriter.MeasureTag => new MeasureStep(Text(), Text(), Index(), (ElementType)Index(), Indices(), Expressions()),
                PlanWriter.LoopTag => new LoopStep(Text(), Text(), Index(), Expression(), Carries(), Steps(depth + 1)),
                PlanWriter.RoutineTag => new RoutineStep(Text(), Text(), Text(), Operands(), Integers(), Floats(), Expression()),
                PlanWriter.TransferTag => new TransferStep(Text(), Text(), Index(), Index(), Expression()),
                _ => throw PlanFormat.Corrupt("it has a step of an unknown kind"),
            };
            int subgraph = Index();
            steps[i] = subgraph == 0 ? step : step with { Subgraph = subgraph };
        }

        return steps;
    }

    private KernelStep[] Preparation()
    {
        PlanStep[] steps = Steps(0);
        KernelStep[] kernels = new KernelStep[steps.Length];
        for (int i = 0; i < steps.Length; i++) kernels[i] = steps[i] as KernelStep ?? throw PlanFormat.Corrupt($"'{steps[i].Node}' cannot be done when a model is loaded");
        return kernels;
    }

    private LoopCarry[] Carries()
    {
        LoopCarry[] carries = new LoopCarry[Count(3)];
        for (int i = 0; i < carries.Length; i++) carries[i] = new(Index(), Index(), Index());
        return carries;
    }

    private PlanOperand[] Operands()
    {
        PlanOperand[] operands = new PlanOperand[Count(3)];
        for (int i = 0; i < operands.Length; i++) operands[i] = new(Byte() == 0 ? -1 : Index(), (ElementType)Index(), Expressions());
        return operands;
    }

    private long[] Integers()
    {
        long[] integers = new long[Count(1)];
        for (int i = 0; i < integers.Length; i++) integers[i] = Number();
        return integers;
    }

    private double[] Floats()
    {
        double[] floats = new double[Count(1)];
        for (int i = 0; i < floats.Length; i++) floats[i] = BitConverter.Int64BitsToDouble(Number());
        return floats;
    }

    private int[] Indices()
    {
        int[] indices = new int[Count(1)];
        for (int i = 0; i < indices.Length; i++) indices[i] = Index();
        return indices;
    }

    private SizeExpression[] Expressions()
    {
        SizeExpression[] expressions = new SizeExpression[Count(3)];
        for (int i = 0; i < expressions.Length; i++) expressions[i] = Expression();
        return expressions;
    }

    private SizeExpression Expression()
    {
        SizeExpression.Instruction[] code = new SizeExpression.Instruction[Count(1)];
        for (int i = 0; i < code.Length; i++)
        {
            SizeExpression.Code operation = (SizeExpression.Code)Byte();
            code[i] = new(operation, operation <= SizeExpression.Code.Dim ? Number() : 0);
        }

        try
        {
            return new(code);
        }
        catch (FormatException e)
        {
            throw PlanFormat.Corrupt("it has a size that cannot be computed", e);
        }
    }

    private string Text()
    {
        int length = Count(1);
        try
        {
            string text = Utf8.GetString(_bytes.Slice(_position, length));
            _position += length;
            return text;
        }
        catch (DecoderFallbackException e)
        {
            throw PlanFormat.Corrupt("it has a name that is not UTF-8", e);
        }
    }

    /// <summary>The number of items, each of at least so many bytes, that follow.</summary>
    private int Count(int itemBytes)
    {
        long count = Number();
        if (count < 0 || count > (_bytes.Length - _position) / itemBytes) throw PlanFormat.Corrupt("it is cut off or a count is wrong");
        return (int)count;
    }

    private int Index()
    {
        long index = Number();
        if (index is < 0 or > int.MaxValue) throw PlanFormat.Corrupt("a number is out of range");
        return (int)index;
    }

    private byte Byte()
    {
        if (_position >= _bytes.Length) throw PlanFormat.Corrupt("it is cut off");
        return _bytes[_position++];
    }

    private long Number()
    {
        ulong value = 0;
        for (int shift = 0; ; shift += 7)
        {
            byte b = Byte();
            if (shift == 63 && b > 1) throw PlanFormat.Corrupt("a number has more than 64 bits");
            value |= (ulong)(b & 0x7f) << shift;
            if (b < 0x80) return unchecked((long)(value >> 1) ^ -(long)(value & 1));
        }
    }
}
