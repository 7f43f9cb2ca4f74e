using Lathe.Kernels.Llvm;
using Lathe.Kernels.Loops;
using Lathe.Kernels.Loops.Interpretation;
using Lathe.Kernels.Schedules;
using Lathe.Kernels.Targets;
using Lathe.Runtime;
using Lathe.Runtime.Plans;

namespace Lathe.Kernels.Tests.Emitted;

/// <summary>Single expressions as machine code against the interpreter, on the values at which they differ: what no kernel of a family asks for may still be printed.</summary>
public sealed class NativeExpressionTests
{
    private static readonly ElementType[] Types =
    [
        ElementType.Float32, ElementType.Float64, ElementType.Float16, ElementType.BFloat16, ElementType.Int8, ElementType.UInt8, ElementType.Int16, ElementType.UInt16,
        ElementType.Int32, ElementType.UInt32, ElementType.Int64, ElementType.UInt64,
    ];

    private static readonly double[] Floats =
    [
        0, -0.0, 0.5, -0.5, 1.5, 2.5, -2.5, 0.49999997, 126.5, 127.5, -128.5, 255.5, 256, 32767.5, 65504, 65520, 1e6, -1e6, 2147483520, 2147483648, -2147483648, 4294967040, 1e10, 9.2e18, 1.9e19, 1e38,
        -1e38, 1e-7, 1e-40, 1.00048828125, 1.001953125001, 1.00000005960464478, double.PositiveInfinity, double.NegativeInfinity, double.NaN, 3.4028235677973366e38,
    ];

    private static readonly long[] Integers = [0, 1, 2, 7, 8, 15, 16, 31, 32, 63, 64, 100, 127, 128, 255, 256, 32767, 65535, int.MaxValue, uint.MaxValue, long.MaxValue, -1, -2, -7, -128, -129, -32768, int.MinValue, long.MinValue, 16777217, 9007199254740993];

    [Test]
    public void Conversions_OfAllTypes_SaturateAndRound([Values(Isa.Avx2, Isa.Avx512)] Isa isa)
    {
        Machine machine = Supported(isa);
        List<Case> cases = [];
        foreach (ElementType from in Types)
            foreach (ElementType to in Types.Append(ElementType.Bool).Where(t => t != from))
                foreach (bool round in from.IsFloat() ? new[] { false, true } : [false])
                    cases.Add(new Case($"{from.Name()} to {to.Name()}, {round}", [from], to, x => new Cast(x[0], to, Saturate: true, round)));
        Check(machine, cases);
    }

    [Test]
    public void Conversions_OfVectors_SaturateAndRound([Values(Isa.Avx2, Isa.Avx512)] Isa isa)
    {
        Machine machine = Supported(isa);
        ElementType[] narrow = [.. Types.Where(t => t.Size() <= 4)];
        List<Case> cases = [];
        foreach (ElementType from in narrow)
            foreach (ElementType to in narrow.Where(t => t != from))
                foreach (bool round in from.IsFloat() ? new[] { false, true } : [false])
                    cases.Add(new Case($"{from.Name()} to {to.Name()}, {round}", [from], to, x => new Cast(x[0], new VectorType(to, machine.Lanes), Saturate: true, round)) { Lanes = machine.Lanes });
        Check(machine, cases);
    }

    [Test]
    public void Integers_OfAllTypes_WrapShiftAndCompare([Values(Isa.Avx2, Isa.Avx512)] Isa isa)
    {
        Machine machine = Supported(isa);
        List<Case> cases = [];
        foreach (ElementType type in Types.Where(t => t.IsInteger()))
        {
            foreach (BinaryOp op in Enum.GetValues<BinaryOp>())
            {
                ElementType result = op >= BinaryOp.Less ? ElementType.Bool : type;
                // A quotient by zero has a test of its own.
                Expr Operand(Expr b) => op is BinaryOp.Divide or BinaryOp.Remainder ? new Select(new Binary(BinaryOp.Equal, b, Const.OfInteger(type, 0)), Const.OfInteger(type, 3), b) : b;
                cases.Add(new Case($"{op} of {type.Name()}", [type, type], result, x => new Binary(op, x[0], Operand(x[1]))));
            }

            foreach (UnaryOp op in (UnaryOp[])[UnaryOp.Not, UnaryOp.Negate, UnaryOp.Abs]) cases.Add(new Case($"{op} of {type.Name()}", [type], type, x => new Unary(op, x[0])));
            cases.Add(new Case($"fma of {type.Name()}", [type, type], type, x => new Fma(x[0], x[1], x[0])));
        }

        Check(machine, cases);
    }

    [Test]
    public void Floats_OfAllTypes_RoundOnceAndOrderNaN([Values(Isa.Avx2, Isa.Avx512)] Isa isa)
    {
        Machine machine = Supported(isa);
        List<Case> cases = [];
        foreach (ElementType type in Types.Where(t => t.IsFloat()))
        {
            foreach (BinaryOp op in Enum.GetValues<BinaryOp>().Where(o => o is < BinaryOp.And or >= BinaryOp.Less))
                cases.Add(new Case($"{op} of {type.Name()}", [type, type], op >= BinaryOp.Less ? ElementType.Bool : type, x => new Binary(op, x[0], x[1])));
            foreach (UnaryOp op in Enum.GetValues<UnaryOp>().Where(o => o != UnaryOp.Not))
                cases.Add(new Case($"{op} of {type.Name()}", [type], op == UnaryOp.IsNaN ? ElementType.Bool : type, x => new Unary(op, x[0])));
        }

        cases.Add(new Case("fma of float32", [ElementType.Float32, ElementType.Float32], ElementType.Float32, x => new Fma(x[0], x[1], x[1])));
        cases.Add(new Case("fma of float64", [ElementType.Float64, ElementType.Float64], ElementType.Float64, x => new Fma(x[0], x[1], x[1])));
        Check(machine, cases);
    }

    [Test]
    public void Vectors_ReduceShuffleAndMask([Values(Isa.Avx2, Isa.Avx512)] Isa isa)
    {
        Machine machine = Supported(isa);
        int lanes = machine.Lanes;
        List<Case> cases = [];
        foreach (ElementType type in (ElementType[])[ElementType.Float32, ElementType.Int32])
        {
            foreach (BinaryOp op in (BinaryOp[])[BinaryOp.Add, BinaryOp.Multiply, BinaryOp.Min, BinaryOp.Max])
                cases.Add(new Case($"all lanes, {op} of {type.Name()}", [type], type, x => new Splat(new Reduce(op, x[0]), lanes)) { Lanes = lanes });
            int[] pattern = [.. Enumerable.Range(0, lanes).Select(i => ((i * 5) + 3) % (2 * lanes))];
            cases.Add(new Case($"shuffle of {type.Name()}", [type, type], type, x => new Shuffle(x[0], x[1], pattern)) { Lanes = lanes });
            cases.Add(new Case($"select of {type.Name()}", [type, type], type, x => new Select(new Binary(BinaryOp.Less, x[0], x[1]), x[0], new Unary(UnaryOp.Negate, x[1]))) { Lanes = lanes });
        }

        foreach (int count in (int[])[0, 1, lanes - 1])
        {
            FirstLanes mask = new(count, lanes);
            foreach (ElementType type in Types.Where(t => t.Size() <= 4))
                cases.Add(new Case($"first {count} of {type.Name()}", [type], type, x => ((Load)x[0]) with { Mask = mask }) { Lanes = lanes, Mask = mask });
            cases.Add(new Case($"every third of the first {count}", [ElementType.Float32], ElementType.Float32, x => ((Load)x[0]) with { Mask = mask, Stride = 3 }) { Lanes = lanes });
        }

        cases.Add(new Case("lanes below a value", [ElementType.Int32, ElementType.Int32], ElementType.Int32, x => x[0]) { Lanes = lanes, MaskOf = x => new Binary(BinaryOp.Less, x[0], x[1]) });
        Check(machine, cases);
    }

    [Test]
    public void Division_ByZero_EndsTheKernelWithAnError([Values(BinaryOp.Divide, BinaryOp.Remainder)] BinaryOp op)
    {
        Machine machine = Supported(Isa.Avx2);
        ScheduledKernel kernel = Kernel(new Case("division", [ElementType.Int32, ElementType.Int32], ElementType.Int32, x => new Binary(op, x[0], x[1])), 0, 4, machine);
        using NativeKernels native = new(machine, [kernel]);
        Memory[] buffers = [Memory.Of(ElementType.Int32, [5, 6, 7, 8]), Memory.Of(ElementType.Int32, [1, 2, 0, 4]), Memory.Zeros(ElementType.Int32, 4)];
        Assert.That(native.Run(kernel, buffers, [], (0, 1)), Is.Not.Zero);
        Assert.That(native.Run(kernel, buffers, [], (0, 0)), Is.Not.Zero, "there is no parallel loop in it");
    }

    private static Machine Supported(Isa isa)
    {
        Machine machine = Machine.Of(isa);
        if (NativeKernels.Unsupported(machine) is { } reason) Assert.Ignore(reason);
        return machine;
    }

    /// <summary>All pairs of the values that a type can hold.</summary>
    private static double[][] Values(ElementType[] types)
    {
        double[][] one = [.. types.Select(type => type.IsFloat() ? Floats : [.. Integers.Select(i => (double)i)])];
        if (types.Length == 1) return one;
        return [[.. one[0].SelectMany(a => one[1].Select(_ => a))], [.. one[0].SelectMany(_ => one[1])]];
    }

    private static void Check(Machine machine, List<Case> cases)
    {
        List<(ScheduledKernel Kernel, Memory[] Buffers)> made = [];
        for (int n = 0; n < cases.Count; n++)
        {
            double[][] values = Values(cases[n].Inputs);
            long count = values[0].Length / cases[n].Lanes * cases[n].Lanes;
            Memory[] inputs =
            [
                .. cases[n].Inputs.Select((type, i) =>
                {
                    // Room for strides of 3 behind.
                    Memory memory = Memory.Zeros(type, (count * 3) + 64);
                    for (int k = 0; k < count; k++)
                    {
                        if (type.IsFloat()) memory.SetFloat(k, Const.Of(type, values[i][k]).Float);
                        else memory.SetInteger(k, Integers[Array.IndexOf([.. Integers.Select(x => (double)x)], values[i][k])]);
                    }

                    return memory;
                }),
            ];
            made.Add((Kernel(cases[n], n, count, machine), [.. inputs, Memory.Zeros(cases[n].Output, count)]));
        }

        using NativeKernels native = new(machine, [.. made.Select(m => m.Kernel)]);
        Assert.Multiple(() =>
        {
            for (int n = 0; n < cases.Count; n++)
            {
                (ScheduledKernel kernel, Memory[] buffers) = made[n];
                Memory[] expected = [.. buffers.Select(b => b.Copy())], actual = [.. buffers.Select(b => b.Copy())];
                Interpreter.Run(kernel.Kernel, expected, []);
                native.Run(kernel, actual, [], (0, 1));
                for (long k = 0; k < expected[^1].Count; k++)
                {
                    (string got, string wanted) = (Text(actual[^1], k), Text(expected[^1], k));
                    if (got == wanted) continue;
                    Assert.Fail($"{cases[n].Name} of {string.Join(", ", expected[..^1].Select(b => Text(b, k)))}: {got}, not {wanted}");
                    break;
                }
            }
        });
    }

    private static string Text(Memory memory, long at) => memory.Element.IsFloat() ? memory.GetFloat(at).ToString("R") : memory.GetInteger(at).ToString();

    private static ScheduledKernel Kernel(Case test, int number, long count, Machine machine)
    {
        IndexVar step = new("i", 0, (count / test.Lanes) - 1);
        Parameter[] parameters = [.. test.Inputs.Select((type, i) => new Parameter($"x{i}", type, false)), new Parameter("y", test.Output, true)];
        Expr[] inputs = [.. test.Inputs.Select((type, i) => new Load($"x{i}At", 0, new VectorType(type, test.Lanes)))];
        Statement[] body =
        [
            .. parameters.Select(p => new Pointer($"{p.Name}At", p.Name, step * (long)test.Lanes)),
            new Store("yAt", 0, test.Value(inputs), test.MaskOf?.Invoke(inputs) ?? test.Mask),
        ];
        Kernel kernel = new($"kernel{number}", test.Name, parameters, [], new For(step, 0, count / test.Lanes, LoopKind.Serial, new Sequence(body)));
        return new ScheduledKernel(kernel, machine, 1, 0);
    }

    private sealed record Case(string Name, ElementType[] Inputs, ElementType Output, Func<Expr[], Expr> Value)
    {
        public int Lanes { get; init; } = 1;

        public Expr? Mask { get; init; }

        public Func<Expr[], Expr>? MaskOf { get; init; }
    }
}
