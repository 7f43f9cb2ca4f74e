using Lathe.Kernels.Loops;
using Lathe.Kernels.Targets;
using Lathe.Runtime;
using Lathe.Runtime.Plans;

namespace Lathe.Kernels.Tests.Emitted;

/// <summary>
/// Single expressions on an OpenCL device against the interpreter, on the values at which they differ. Functions such as sines are left to the families: OpenCL leaves their last bits open.
/// </summary>
public sealed class OpenClExpressionTests
{
    private static readonly ElementType[] Types =
    [
        ElementType.Float32, ElementType.Float64, ElementType.Float16, ElementType.BFloat16, ElementType.Int8, ElementType.UInt8, ElementType.Int16, ElementType.UInt16,
        ElementType.Int32, ElementType.UInt32, ElementType.Int64, ElementType.UInt64,
    ];

    private static readonly Machine Machine = Machine.Avx512;

    [OneTimeSetUp]
    public void NeedsADevice()
    {
        if (OpenClKernels.Unsupported is { } reason) Assert.Ignore(reason);
    }

    [Test]
    public void Conversions_OfAllTypes_SaturateAndRound() => Check(
        from source in Types
        from to in Types.Append(ElementType.Bool)
        where to != source
        from round in source.IsFloat() ? new[] { false, true } : [false]
        select new ExpressionCase($"{source.Name()} to {to.Name()}, {round}", [source], to, x => new Cast(x[0], to, Saturate: true, round)));

    [Test]
    public void Conversions_OfVectors_SaturateAndRound()
    {
        // Those that kernels have: of and to lanes of 32 bits.
        ElementType[] narrow = [.. Types.Where(t => t.Size() <= 4 && t != ElementType.UInt32)];
        Check(
            from source in narrow
            from to in narrow
            where to != source && (source is ElementType.Float32 or ElementType.Int32 || to is ElementType.Float32 or ElementType.Int32) && !(source == ElementType.Int32 && to is ElementType.Float16 or ElementType.BFloat16)
            from round in source.IsFloat() ? new[] { false, true } : [false]
            select new ExpressionCase($"{source.Name()} to {to.Name()}, {round}", [source], to, x => new Cast(x[0], new VectorType(to, Machine.Lanes), Saturate: true, round)) { Lanes = Machine.Lanes });
    }

    [Test]
    public void Integers_OfAllTypes_WrapShiftAndCompare()
    {
        List<ExpressionCase> cases = [];
        foreach (ElementType type in Types.Where(t => t.IsInteger()))
        {
            foreach (BinaryOp op in Enum.GetValues<BinaryOp>())
            {
                // Division by zero is excluded by who computes it.
                Expr Operand(Expr b) => op is BinaryOp.Divide or BinaryOp.Remainder ? new Select(new Binary(BinaryOp.Equal, b, Const.OfInteger(type, 0)), Const.OfInteger(type, 3), b) : b;
                cases.Add(new ExpressionCase($"{op} of {type.Name()}", [type, type], op >= BinaryOp.Less ? ElementType.Bool : type, x => new Binary(op, x[0], Operand(x[1]))));
            }

            foreach (UnaryOp op in (UnaryOp[])[UnaryOp.Not, UnaryOp.Negate, UnaryOp.Abs]) cases.Add(new ExpressionCase($"{op} of {type.Name()}", [type], type, x => new Unary(op, x[0])));
        }

        Check(cases);
    }

    [Test]
    public void Floats_OfAllTypes_RoundOnceAndOrderNaN()
    {
        List<ExpressionCase> cases = [];
        foreach (ElementType type in Types.Where(t => t.IsFloat()))
        {
            foreach (BinaryOp op in Enum.GetValues<BinaryOp>().Where(o => o is < BinaryOp.Power or >= BinaryOp.Less))
                cases.Add(new ExpressionCase($"{op} of {type.Name()}", [type, type], op >= BinaryOp.Less ? ElementType.Bool : type, x => new Binary(op, x[0], x[1])));
            foreach (UnaryOp op in (UnaryOp[])[UnaryOp.Negate, UnaryOp.Abs, UnaryOp.Sqrt, UnaryOp.Floor, UnaryOp.Ceiling, UnaryOp.Round, UnaryOp.Truncate, UnaryOp.IsNaN])
                cases.Add(new ExpressionCase($"{op} of {type.Name()}", [type], op == UnaryOp.IsNaN ? ElementType.Bool : type, x => new Unary(op, x[0])));
            cases.Add(new ExpressionCase($"fma of {type.Name()}", [type, type], type, x => new Fma(x[0], x[1], x[1])));
        }

        // The sum that rounds twice is that of bfloat16 in C# too.
        Check(cases.Where(c => c.Name != "fma of bfloat16"));
    }

    [Test]
    public void Vectors_ReduceSelectAndMask()
    {
        int lanes = Machine.Lanes;
        List<ExpressionCase> cases = [];
        foreach (ElementType type in (ElementType[])[ElementType.Float32, ElementType.Int32])
        {
            foreach (BinaryOp op in (BinaryOp[])[BinaryOp.Add, BinaryOp.Multiply, BinaryOp.Min, BinaryOp.Max])
                cases.Add(new ExpressionCase($"all lanes, {op} of {type.Name()}", [type], type, x => new Splat(new Reduce(op, x[0]), lanes)) { Lanes = lanes });
            foreach (BinaryOp op in (BinaryOp[])[BinaryOp.Add, BinaryOp.Subtract, BinaryOp.Multiply, BinaryOp.Min, BinaryOp.Max])
                cases.Add(new ExpressionCase($"{op} of {type.Name()}", [type, type], type, x => new Binary(op, x[0], x[1])) { Lanes = lanes });
            cases.Add(new ExpressionCase($"select of {type.Name()}", [type, type], type, x => new Select(new Binary(BinaryOp.Less, x[0], x[1]), x[0], new Unary(UnaryOp.Negate, x[1]))) { Lanes = lanes });
        }

        foreach (int count in (int[])[0, 1, 7, lanes - 1])
        {
            FirstLanes mask = new(count, lanes);
            foreach (ElementType type in Types.Where(t => t.Size() <= 4 && t != ElementType.UInt32))
                cases.Add(new ExpressionCase($"first {count} of {type.Name()}", [type], type, x => ((Load)x[0]) with { Mask = mask }) { Lanes = lanes, Mask = mask });
            cases.Add(new ExpressionCase($"every third of the first {count}", [ElementType.Float32], ElementType.Float32, x => ((Load)x[0]) with { Mask = mask, Stride = 3 }) { Lanes = lanes });
        }

        cases.Add(new ExpressionCase("lanes below a value", [ElementType.Int32, ElementType.Int32], ElementType.Int32, x => x[0]) { Lanes = lanes, MaskOf = x => new Binary(BinaryOp.Less, x[0], x[1]) });
        Check(cases);
    }

    private static void Check(IEnumerable<ExpressionCase> cases) => ExpressionCase.Check(Machine, [.. cases], kernels => new OpenClKernels(Machine, kernels));
}
