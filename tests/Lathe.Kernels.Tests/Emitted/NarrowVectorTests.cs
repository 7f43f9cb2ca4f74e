using Lathe.Kernels.Loops;
using Lathe.Kernels.Schedules;
using Lathe.Kernels.Targets;
using Lathe.Runtime;
using Lathe.Runtime.Plans;

namespace Lathe.Kernels.Tests.Emitted;

/// <summary>Vectors of integers of 8 and 16 bits in emitted code against the interpreter.</summary>
public sealed class NarrowVectorTests
{
    private static readonly ElementType[] Narrow = [ElementType.UInt8, ElementType.Int8, ElementType.UInt16, ElementType.Int16], Wide = [ElementType.Float32, ElementType.Int32];

    [Test]
    public void Conversions_SaturateRoundAndWrap([Values] Isa isa)
    {
        Machine machine = Supported(isa);
        List<ExpressionCase> cases = [];
        foreach (ElementType from in Narrow.Concat(Wide))
        {
            foreach (ElementType to in Narrow.Concat(Wide).Where(t => t != from))
            {
                VectorType type = new(to, machine.Lanes);
                foreach (bool round in from.IsFloat() && to.IsInteger() ? new[] { false, true } : [false])
                    Add($"{from.Name()} to {to.Name()}, saturated, {round}", from, to, x => new Cast(x[0], type, Saturate: true, round));
                if (from.IsInteger()) Add($"{from.Name()} to {to.Name()}", from, to, x => new Cast(x[0], type));
            }
        }

        ExpressionCase.Check(machine, cases, kernels => new EmittedKernels(machine, kernels));

        void Add(string name, ElementType from, ElementType to, Func<Expr[], Expr> value) => cases.Add(new ExpressionCase(name, [from], to, value) { Lanes = machine.Lanes });
    }

    [Test]
    public void Operators_OfNarrowIntegers_NeedNoMoreBits([Values] Isa isa)
    {
        Machine machine = Supported(isa);
        int lanes = machine.Lanes;
        List<ExpressionCase> cases = [];
        foreach (ElementType type in Narrow)
        {
            foreach (BinaryOp op in (BinaryOp[])[BinaryOp.Min, BinaryOp.Max, BinaryOp.And, BinaryOp.Or, BinaryOp.Xor])
                cases.Add(new ExpressionCase($"{op} of {type.Name()}", [type, type], type, x => new Binary(op, x[0], x[1])) { Lanes = lanes });
            foreach (BinaryOp op in (BinaryOp[])[BinaryOp.Less, BinaryOp.LessOrEqual, BinaryOp.Equal, BinaryOp.NotEqual])
                cases.Add(new ExpressionCase($"{op} of {type.Name()}", [type, type], type, x => new Select(new Binary(op, x[0], x[1]), x[1], Const.Of(new VectorType(type, lanes), 7))) { Lanes = lanes });
            foreach (BinaryOp op in (BinaryOp[])[BinaryOp.Min, BinaryOp.Max])
                cases.Add(new ExpressionCase($"all lanes, {op} of {type.Name()}", [type], type, x => new Splat(new Reduce(op, x[0]), lanes)) { Lanes = lanes });
        }

        ExpressionCase.Check(machine, cases, kernels => new EmittedKernels(machine, kernels));
    }

    [Test]
    public void Memory_OfNarrowIntegers_IsNotTouchedOutsideOfAMask([Values] Isa isa)
    {
        Machine machine = Supported(isa);
        int lanes = machine.Lanes;
        List<ExpressionCase> cases = [];
        foreach (ElementType type in Narrow)
        {
            for (int count = 1; count <= lanes; count++)
            {
                FirstLanes mask = new(count, lanes);
                cases.Add(new ExpressionCase($"first {count} of {type.Name()}", [type], type, x => ((Load)x[0]) with { Mask = mask }) { Lanes = lanes, Mask = mask });
            }

            foreach (int step in type.Size() == 1 ? new[] { 2, 3, 4 } : [])
            {
                FirstLanes mask = new(3, lanes);
                cases.Add(new ExpressionCase($"every {step} of {type.Name()}", [type], type, x => ((Load)x[0]) with { Stride = step }) { Lanes = lanes });
                cases.Add(new ExpressionCase($"every {step} of the first of {type.Name()}", [type], type, x => ((Load)x[0]) with { Stride = step, Mask = mask }) { Lanes = lanes });
            }

            cases.Add(new ExpressionCase($"lanes of {type.Name()} below a value", [type, type], type, x => x[0]) { Lanes = lanes, MaskOf = x => new Binary(BinaryOp.Less, x[0], x[1]) });
        }

        ExpressionCase.Check(machine, cases, kernels => new EmittedKernels(machine, kernels));
    }

    [Test]
    public void QuantisedMaps_AreVectors([Values] Isa isa)
    {
        Machine machine = Supported(isa);
        foreach (ElementType type in Narrow)
        {
            Tensor x = new("x", type, [37], Layout.RowMajor(1)), y = new("y", type, [37], Layout.RowMajor(1));
            Computation computation = Sample.Map(y, [x], i => new Cast(new Binary(BinaryOp.Multiply, new Cast(x.At(i), ElementType.Float32), Const.Of(ElementType.Float32, 1.5)), type, Saturate: true, Round: true));
            string source = new EmittedKernels(machine, [KernelCompiler.Compile(computation, machine)]).Source;
            Assert.That(source, Does.Contain($"Simd.Store{type}(").And.Contains($"Simd.RoundTo{type}(").And.Contains($"Simd.Widen{type}("));
        }
    }

    private static Machine Supported(Isa isa)
    {
        Machine machine = Machine.Of(isa);
        if (EmittedKernels.Unsupported(machine) is { } reason) Assert.Ignore(reason);
        return machine;
    }
}
