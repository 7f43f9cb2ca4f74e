using Lathe.Kernels.Loops;
using Lathe.Kernels.Loops.Interpretation;
using Lathe.Kernels.Schedules;
using Lathe.Kernels.Targets;
using Lathe.Runtime;

namespace Lathe.Kernels.Tests.Emitted;

/// <summary>An expression of loaded values, stored: as one kernel against the interpreter, on the values at which conversions and operators differ.</summary>
internal sealed record ExpressionCase(string Name, ElementType[] Inputs, ElementType Output, Func<Expr[], Expr> Value)
{
    private static readonly double[] Floats =
    [
        0, -0.0, 0.5, -0.5, 1.5, 2.5, -2.5, 0.49999997, 126.5, 127.5, -128.5, 255.5, 256, 32767.5, 65504, 65520, 1e6, -1e6, 2147483520, 2147483648, -2147483648, 4294967040, 1e10, 9.2e18, 1.9e19, 1e38,
        -1e38, 1e-7, 1e-40, 1.00048828125, 1.001953125001, 1.00000005960464478, double.PositiveInfinity, double.NegativeInfinity, double.NaN, 3.4028235677973366e38,
    ];

    private static readonly long[] Integers = [0, 1, 2, 7, 8, 15, 16, 31, 32, 63, 64, 100, 127, 128, 255, 256, 32767, 65535, int.MaxValue, uint.MaxValue, long.MaxValue, -1, -2, -7, -128, -129, -32768, int.MinValue, long.MinValue, 16777217, 9007199254740993];

    /// <summary>How many lanes there are.</summary>
    public int Lanes { get; init; } = 1;

    /// <summary>Which lanes are stored; null for all.</summary>
    public Expr? Mask { get; init; }

    /// <summary>Which lanes are stored, by the inputs.</summary>
    public Func<Expr[], Expr>? MaskOf { get; init; }

    /// <summary>All pairs of the values that a type can hold.</summary>
    private static double[][] Values(ElementType[] types)
    {
        double[][] one = [.. types.Select(type => type.IsFloat() ? Floats : [.. Integers.Select(i => (double)i)])];
        if (types.Length == 1) return one;
        return [[.. one[0].SelectMany(a => one[1].Select(_ => a))], [.. one[0].SelectMany(_ => one[1])]];
    }

    /// <summary>Compares what a target makes of expressions with the interpreter, bit for bit.</summary>
    public static void Check(Machine machine, IReadOnlyList<ExpressionCase> cases, Func<IReadOnlyList<ScheduledKernel>, CompiledKernels> compile)
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

        CompiledKernels compiled = compile([.. made.Select(m => m.Kernel)]);
        using IDisposable? held = compiled as IDisposable;
        Assert.Multiple(() =>
        {
            for (int n = 0; n < cases.Count; n++)
            {
                (ScheduledKernel kernel, Memory[] buffers) = made[n];
                Memory[] expected = [.. buffers.Select(b => b.Copy())], actual = [.. buffers.Select(b => b.Copy())];
                Interpreter.Run(kernel.Kernel, expected, []);
                compiled.Run(kernel, actual, [], (0, 1));
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

    /// <summary>A loop over all values, a vector at a time.</summary>
    public static ScheduledKernel Kernel(ExpressionCase test, int number, long count, Machine machine)
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
}
