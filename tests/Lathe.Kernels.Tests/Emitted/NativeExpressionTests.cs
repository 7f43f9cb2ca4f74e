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

    [Test]
    public void Conversions_OfAllTypes_SaturateAndRound([Values(Isa.Avx2, Isa.Avx512)] Isa isa)
    {
        Machine machine = Supported(isa);
        List<ExpressionCase> cases = [];
        foreach (ElementType from in Types)
            foreach (ElementType to in Types.Append(ElementType.Bool).Where(t => t != from))
                foreach (bool round in from.IsFloat() ? new[] { false, true } : [false])
                    cases.Add(new ExpressionCase($"{from.Name()} to {to.Name()}, {round}", [from], to, x => new Cast(x[0], to, Saturate: true, round)));
        ExpressionCase.Check(machine, cases, kernels => new NativeKernels(machine, kernels));
    }

    [Test]
    public void Conversions_OfVectors_SaturateAndRound([Values(Isa.Avx2, Isa.Avx512)] Isa isa)
    {
        Machine machine = Supported(isa);
        ElementType[] narrow = [.. Types.Where(t => t.Size() <= 4)];
        List<ExpressionCase> cases = [];
        foreach (ElementType from in narrow)
            foreach (ElementType to in narrow.Where(t => t != from))
                foreach (bool round in from.IsFloat() ? new[] { false, true } : [false])
                    cases.Add(new ExpressionCase($"{from.Name()} to {to.Name()}, {round}", [from], to, x => new Cast(x[0], new VectorType(to, machine.Lanes), Saturate: true, round)) { Lanes = machine.Lanes });
        ExpressionCase.Check(machine, cases, kernels => new NativeKernels(machine, kernels));
    }

    [Test]
    public void Integers_OfAllTypes_WrapShiftAndCompare([Values(Isa.Avx2, Isa.Avx512)] Isa isa)
    {
        Machine machine = Supported(isa);
        List<ExpressionCase> cases = [];
        foreach (ElementType type in Types.Where(t => t.IsInteger()))
        {
            foreach (BinaryOp op in Enum.GetValues<BinaryOp>())
            {
                ElementType result = op >= BinaryOp.Less ? ElementType.Bool : type;
                // A quotient by zero has a test of its own.
                Expr Operand(Expr b) => op is BinaryOp.Divide or BinaryOp.Remainder ? new Select(new Binary(BinaryOp.Equal, b, Const.OfInteger(type, 0)), Const.OfInteger(type, 3), b) : b;
                cases.Add(new ExpressionCase($"{op} of {type.Name()}", [type, type], result, x => new Binary(op, x[0], Operand(x[1]))));
            }

            foreach (UnaryOp op in (UnaryOp[])[UnaryOp.Not, UnaryOp.Negate, UnaryOp.Abs]) cases.Add(new ExpressionCase($"{op} of {type.Name()}", [type], type, x => new Unary(op, x[0])));
            cases.Add(new ExpressionCase($"fma of {type.Name()}", [type, type], type, x => new Fma(x[0], x[1], x[0])));
        }

        ExpressionCase.Check(machine, cases, kernels => new NativeKernels(machine, kernels));
    }

    [Test]
    public void Floats_OfAllTypes_RoundOnceAndOrderNaN([Values(Isa.Avx2, Isa.Avx512)] Isa isa)
    {
        Machine machine = Supported(isa);
        List<ExpressionCase> cases = [];
        foreach (ElementType type in Types.Where(t => t.IsFloat()))
        {
            foreach (BinaryOp op in Enum.GetValues<BinaryOp>().Where(o => o is < BinaryOp.And or >= BinaryOp.Less))
                cases.Add(new ExpressionCase($"{op} of {type.Name()}", [type, type], op >= BinaryOp.Less ? ElementType.Bool : type, x => new Binary(op, x[0], x[1])));
            foreach (UnaryOp op in Enum.GetValues<UnaryOp>().Where(o => o != UnaryOp.Not))
                cases.Add(new ExpressionCase($"{op} of {type.Name()}", [type], op == UnaryOp.IsNaN ? ElementType.Bool : type, x => new Unary(op, x[0])));
        }

        cases.Add(new ExpressionCase("fma of float32", [ElementType.Float32, ElementType.Float32], ElementType.Float32, x => new Fma(x[0], x[1], x[1])));
        cases.Add(new ExpressionCase("fma of float64", [ElementType.Float64, ElementType.Float64], ElementType.Float64, x => new Fma(x[0], x[1], x[1])));
        ExpressionCase.Check(machine, cases, kernels => new NativeKernels(machine, kernels));
    }

    [Test]
    public void Vectors_ReduceShuffleAndMask([Values(Isa.Avx2, Isa.Avx512)] Isa isa)
    {
        Machine machine = Supported(isa);
        int lanes = machine.Lanes;
        List<ExpressionCase> cases = [];
        foreach (ElementType type in (ElementType[])[ElementType.Float32, ElementType.Int32])
        {
            foreach (BinaryOp op in (BinaryOp[])[BinaryOp.Add, BinaryOp.Multiply, BinaryOp.Min, BinaryOp.Max])
                cases.Add(new ExpressionCase($"all lanes, {op} of {type.Name()}", [type], type, x => new Splat(new Reduce(op, x[0]), lanes)) { Lanes = lanes });
            int[] pattern = [.. Enumerable.Range(0, lanes).Select(i => ((i * 5) + 3) % (2 * lanes))];
            cases.Add(new ExpressionCase($"shuffle of {type.Name()}", [type, type], type, x => new Shuffle(x[0], x[1], pattern)) { Lanes = lanes });
            cases.Add(new ExpressionCase($"select of {type.Name()}", [type, type], type, x => new Select(new Binary(BinaryOp.Less, x[0], x[1]), x[0], new Unary(UnaryOp.Negate, x[1]))) { Lanes = lanes });
        }

        foreach (int count in (int[])[0, 1, lanes - 1])
        {
            FirstLanes mask = new(count, lanes);
            foreach (ElementType type in Types.Where(t => t.Size() <= 4))
                cases.Add(new ExpressionCase($"first {count} of {type.Name()}", [type], type, x => ((Load)x[0]) with { Mask = mask }) { Lanes = lanes, Mask = mask });
            cases.Add(new ExpressionCase($"every third of the first {count}", [ElementType.Float32], ElementType.Float32, x => ((Load)x[0]) with { Mask = mask, Stride = 3 }) { Lanes = lanes });
        }

        foreach (ElementType type in (ElementType[])[ElementType.UInt8, ElementType.Int8, ElementType.Int16, ElementType.Float32, ElementType.Int32])
            foreach (int step in (int[])[2, 3, 4, 5])
                cases.Add(new ExpressionCase($"every {step} of {type.Name()}", [type], type, x => ((Load)x[0]) with { Stride = step }) { Lanes = lanes });
        cases.Add(new ExpressionCase("lanes below a value", [ElementType.Int32, ElementType.Int32], ElementType.Int32, x => x[0]) { Lanes = lanes, MaskOf = x => new Binary(BinaryOp.Less, x[0], x[1]) });
        ExpressionCase.Check(machine, cases, kernels => new NativeKernels(machine, kernels));
    }

    [Test]
    public void ClampedFloats_AsBytes_SaturateAtTheBoundsThatAreGiven([Values(Isa.Avx2, Isa.Avx512)] Isa isa)
    {
        Machine machine = Supported(isa);
        int lanes = machine.Lanes;
        List<ExpressionCase> cases = [];
        // The last bounds are those of no byte: nothing may be left out.
        foreach ((long low, long high, long zero) in ((long, long, long)[])[(0, 255, 0), (-1, 254, 1), (-128, 127, 128), (-255, 0, 255), (0, 200, 0), (3, 255, 0), (-128, 127, 100), (-100, 155, 128)])
        {
            foreach (Expr? mask in (Expr?[])[null, new FirstLanes(5, lanes)])
                cases.Add(new ExpressionCase($"[{low}, {high}] + {zero}", [ElementType.Float32], ElementType.UInt8, x => Byte(x[0], low, high, zero)) { Lanes = lanes, Mask = mask });
        }

        ExpressionCase.Check(machine, cases, kernels => new NativeKernels(machine, kernels));

        Expr Byte(Expr x, long low, long high, long zero)
        {
            Expr clamped = new Binary(BinaryOp.Min, new Binary(BinaryOp.Max, x, Const.Of(x.Type, low)), Const.Of(x.Type, high));
            Expr whole = new Cast(clamped, new VectorType(ElementType.Int32, lanes), Round: true);
            if (zero != 0) whole = new Binary(BinaryOp.Add, whole, Const.OfInteger(new VectorType(ElementType.Int32, lanes), zero));
            return new Cast(whole, new VectorType(ElementType.UInt8, lanes));
        }
    }

    [Test]
    public void Division_ByZero_EndsTheKernelWithAnError([Values(BinaryOp.Divide, BinaryOp.Remainder)] BinaryOp op)
    {
        Machine machine = Supported(Isa.Avx2);
        ScheduledKernel kernel = ExpressionCase.Kernel(new ExpressionCase("division", [ElementType.Int32, ElementType.Int32], ElementType.Int32, x => new Binary(op, x[0], x[1])), 0, 4, machine);
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
}
