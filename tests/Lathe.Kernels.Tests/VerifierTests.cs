using Lathe.Kernels.Loops;
using Lathe.Kernels.Loops.Text;
using Lathe.Kernels.Loops.Verification;
using Lathe.Runtime;
using Barrier = Lathe.Kernels.Loops.Barrier;

namespace Lathe.Kernels.Tests;

/// <summary>One violating program for every rule, and none for right ones.</summary>
public sealed class VerifierTests
{
    private static readonly IndexVar I = new("i", 0, 3), J = new("j", 0, 3), N = new("N", 1, 100);

    private static VectorType F32(int lanes = 1) => new(ElementType.Float32, lanes);

    private static Load X(IndexExpr index, int lanes = 1) => new("X", index, F32(lanes));

    private static Store Y(Expr value) => new("Y", 0, value);

    private static For Loop(LoopKind kind, Statement body, IndexVar? variable = null) => new(variable ?? I, 0, 4, kind, body);

    private static Sequence Block(params Statement[] statements) => new(statements);

    private static Kernel Program(Statement body) =>
        new("test", "", [new Parameter("X", ElementType.Float32, false), new Parameter("Y", ElementType.Float32, true), new Parameter("B", ElementType.UInt8, true)], [N], body);

    [Test]
    public void VerifyScheduled_RandomPrograms_FindsNothing()
    {
        for (int seed = 0; seed < 300; seed++)
        {
            Kernel kernel = new RandomPrograms(seed).Next();
            Assert.That(Verifier.VerifyScheduled(kernel), Is.Empty, () => Printer.Print(kernel));
        }
    }

    private static IEnumerable<TestCaseData> Scheduled()
    {
        static TestCaseData Case(Statement body, string problem) => new TestCaseData(body, problem).SetArgDisplayNames(problem);
        Tensor tensor = new("X", ElementType.Float32, [4], Layout.RowMajor(1));

        // Names.
        yield return Case(Y(X(J)), "Y[0] = X[j]: 'j' is not defined");
        yield return Case(Y(new Var("s", F32())), "'s' is not defined");
        yield return Case(Y(new Load("Z", 0, F32())), "'Z' is not defined");
        yield return Case(Block(Block(new Let("s", X(0))), Y(new Var("s", F32()))), "'s' is not defined");
        yield return Case(Loop(LoopKind.Serial, Loop(LoopKind.Serial, new Note("x"))), "'i' is defined twice");
        yield return Case(new Let("N", X(0)), "'N' is defined twice");
        yield return Case(new LetIndex(Kernel.From, 0), "'from' is defined twice");
        yield return Case(new Pointer("p", "Z", 0), "'Z' is not defined");
        yield return Case(new Prefetch("Z", 0), "'Z' is not defined");
        yield return Case(new TransposeBlock("Y", 0, 8, "Z", 0, 8, 4, 4), "'Z' is not defined");
        yield return Case(new TransposeBlock("X", 0, 8, "X", 0, 8, 4, 4), "'X' is not written by this kernel");
        yield return Case(new TransposeBlock("Y", 0, 8, "X", 0, 8, 0, 4), "the block is empty");
        yield return Case(new Assign("Y", X(0)), "'Y' is a buffer, where a value is wanted");

        // Types and lanes.
        yield return Case(Y(new Binary(BinaryOp.Add, X(0, 4), X(0))), "Add of float32x4 and float32");
        yield return Case(new Store("B", 0, X(0)), "'B' holds uint8, the value is a float32");
        yield return Case(new Store("Y", 0, X(0, 4), new FirstLanes(1, 2)), "the mask of 4 lanes is a boolx2");
        yield return Case(new If(X(0), new Note("x")), "the condition is a float32");
        yield return Case(Block(new Local("s", F32(4)), new Assign("s", X(0))), "'s' is a float32x4, its value a float32");
        yield return Case(new Store("Y", 0, X(0, 4), Stride: 0), "all lanes are stored to one element");
        yield return Case(new Table("t", ElementType.UInt8, [300]), "300, which is no uint8");

        // What is written.
        yield return Case(new Store("X", 0, X(0)), "'X' is not written by this kernel");
        yield return Case(Block(new Table("t", ElementType.Float32, [1]), new Store("t", 0, X(0))), "'t' is not written by this kernel");
        yield return Case(Block(new Pointer("p", "X", 0), new Store("p", 0, X(0))), "'p' is not written by this kernel");
        yield return Case(Block(new Let("s", X(0)), new Assign("s", X(0))), "'s' is no local");

        // Computations end with lowering.
        yield return Case(Y(tensor.At(0)), "an access to X, which belongs to computations");

        // Loops.
        yield return Case(Block(Loop(LoopKind.Parallel, new Note("x")), Loop(LoopKind.Parallel, new Note("x"))), "more than one parallel loop");
        yield return Case(Loop(LoopKind.Serial, Loop(LoopKind.Parallel, new Note("x"), J)), "the parallel loop is not outermost");
        yield return Case(new If(Const.OfInteger(ElementType.Bool, 1), Loop(LoopKind.Parallel, new Note("x"))), "the parallel loop is not outermost");
        yield return Case(Loop(LoopKind.Lane, Loop(LoopKind.Group, new Note("x"), J)), "a loop over groups is not outermost");
        yield return Case(Loop(LoopKind.Unroll, Loop(LoopKind.Lane, new Note("x"), J)), "work-items are inside an unrolled loop");
        yield return Case(new For(I, 0, N, LoopKind.Unroll, new Note("x")), "the number of iterations is not constant");
        yield return Case(new For(I, 0, N, LoopKind.Vector, new Note("x")), "the number of iterations is not constant");
        yield return Case(new For(I, 0, 3, LoopKind.Dot, new Note("x")), "a dot has two or four parts");
        yield return Case(new For(I, 0, 5, LoopKind.Serial, new Note("x")), "serial i{0..3} in 0..5: the variable's range does not hold the loop's values");
        yield return Case(new LetIndex(I, 4), "4 lies outside the variable's range");
        yield return Case(Block(new Local("s", F32()), Loop(LoopKind.Parallel, new Assign("s", X(0)))), "'s' belongs outside the loop over i, whose iterations are concurrent");

        // Memory and the rest.
        yield return Case(new Alloc("t", ElementType.Float32, N, MemoryScope.Register, new Note("x")), "the size of a register array is not constant");
        yield return Case(new Alloc("t", ElementType.Float32, -1, MemoryScope.Thread, new Note("x")), "the size is negative");
        yield return Case(Loop(LoopKind.Lane, new Alloc("t", ElementType.Float32, 4, MemoryScope.Group, new Note("x"))), "a group's memory is made in a work-item");
        yield return Case(new Barrier(), "a barrier is outside the work-items");
        yield return Case(new Fail(0), "0 is no error code");
    }

    [TestCaseSource(nameof(Scheduled))]
    public void VerifyScheduled_Violation_IsTheOnlyOne(Statement body, string problem)
    {
        IReadOnlyList<string> violations = Verifier.VerifyScheduled(Program(body));
        Assert.That(violations, Has.Count.EqualTo(1));
        Assert.That(violations[0], Does.StartWith("test: ").And.Contain(problem));
        Assert.That(() => Verifier.ThrowIfAny(violations, "unrolling"), Throws.InvalidOperationException.With.Message.Contains("After unrolling:\ntest: "));
    }

    private const string Final = """
        kernel final(X: float32, B: uint8, S: int8, out Y: float32)
        dims H{1..100}
          index rows = (H + 3) div 4
          parallel p in 0..rows
            pointer x = X[32*H*p]
            pointer y = Y[16*p]
            serial k in 0..min(H, 4)
              local acc: float32x16
              local dots: int32x16
              acc = float32x16(0)
              dots = int32x16(0)
              dots = dot4us(dots, bits(B[0 : 64], int32x16), splat(bits(S[0 : 4], int32), 16))
              acc = fma(splat(x[3], 16), x[16 : 16 if first(H, 16)], acc)
              acc = acc + cast(cast(B[64 : 16], int32x16) + dots, float32x16)
              y[0 : 16] = select(acc < float32x16(0), float32x16(0), acc)

        """;

    [Test]
    public void VerifyFinal_ProgramForItsMachine_FindsNothing()
    {
        Kernel kernel = Parser.ParseKernel(Final);
        Assert.That(Verifier.VerifyFinal(kernel, 64), Is.Empty);
        Assert.That(Verifier.VerifyFinal(kernel, 32), Is.Not.Empty, "its vectors are not those of a smaller machine");
    }

    private static IEnumerable<TestCaseData> OnlyScheduled()
    {
        static TestCaseData Case(Statement body, string problem) => new TestCaseData(body, problem).SetArgDisplayNames(problem);
        yield return Case(Loop(LoopKind.Unroll, new Note("x")), "the final dialect has no unroll loops");
        yield return Case(Loop(LoopKind.Vector, new Note("x")), "the final dialect has no vector loops");
        yield return Case(Loop(LoopKind.Dot, new Note("x")), "the final dialect has no dot loops");
        yield return Case(new Alloc("t", ElementType.Float32, 4, MemoryScope.Register, new Note("x")), "the final dialect has no register arrays");
        yield return Case(new Table("t", ElementType.Float32, [1]), "the final dialect has no tables");
        yield return Case(Y(X(0, 8)), "a float32x8 is no vector of 64 bytes");
        yield return Case(new Local("s", new VectorType(ElementType.Float64, 16)), "a float64x16 is no vector of 64 bytes");
        yield return Case(new Let("s", new Splat(Const.Of(new VectorType(ElementType.UInt8), 1), 32)), "a uint8x32 is no vector of 64 bytes");
        yield return Case(Loop(LoopKind.Serial, Y(X(I))), "the address X[i] is no pointer plus a constant");
        yield return Case(Loop(LoopKind.Serial, new Store("Y", I + 1, X(0))), "the address Y[i + 1] is no pointer plus a constant");
        yield return Case(new TransposeBlock("Y", 0, 8, "X", 0, 8, 4, 17), "a block of 4 by 17 exceeds vectors of 64 bytes");
        yield return Case(Loop(LoopKind.Serial, new TransposeBlock("Y", 0, 8, "X", I, 8, 4, 4)), "the address X[i] is no pointer plus a constant");
        yield return Case(Loop(LoopKind.Serial, new Prefetch("X", I)), "the address X[i] is no pointer plus a constant");
        yield return Case(new Pointer("p", "X", N / 2), "'(N div 2)' has quotients");
        yield return Case(new Let("m", new FirstLanes(IndexExpr.Min(N, 16), 16)), "'min(16, N)' has quotients");
        yield return Case(new Let("m", new IndexValue(N % 3, ElementType.Int32)), "'(N mod 3)' has quotients");
        yield return Case(new Alloc("t", ElementType.Float32, N / 2, MemoryScope.Thread, new Note("x")), "'(N div 2)' has quotients");
    }

    [TestCaseSource(nameof(OnlyScheduled))]
    public void VerifyFinal_Violation_IsTheOnlyOne(Statement body, string problem)
    {
        Assert.That(Verifier.VerifyScheduled(Program(body)), Is.Empty);
        IReadOnlyList<string> violations = Verifier.VerifyFinal(Program(body), 64);
        Assert.That(violations, Has.Count.EqualTo(1));
        Assert.That(violations[0], Does.Contain(problem));
    }

    private const string Sum = """
        computation sum: Reduction
        dims N{1..100}
        input X: float32[N, 24] layout 0,1/16,1%16
        output Y: float32[N]
        constant two: float32[1] = {2}
        temporary T: float32[N]
        stage rows writes T over n in N reducing k in 24
          acc: float32 = float32(0) then acc + X(n, k)
          result = acc * two(0)
        stage out writes Y over n in N
          result = sqrt(T(n))

        """;

    [Test]
    public void Verify_RightComputation_FindsNothing() => Assert.That(Verifier.Verify(Parser.ParseComputation(Sum)), Is.Empty);

    [TestCase("over n in N\n  result = sqrt", "over n in N, m in 3\n  result = sqrt", "out: 2 pure axes write 'Y', which has 1 dims")]
    [TestCase("writes Y over n in N", "writes Y over n in 2*N", "axis n of extent 2*N writes a dim of N")]
    [TestCase("  acc: float32 = float32(0) then acc + X(n, k)\n  result = acc * two(0)", "  result = two(0)", "a reduction without a running value")]
    [TestCase("float32(0) then", "X(n, k) then", "'k' is not defined")]
    [TestCase("result = acc * two(0)", "result = acc * X(n, k)", "'k' is not defined")]
    [TestCase("float32(0) then", "int32(0) then", "the start of 'acc' is a int32, not a float32")]
    [TestCase("acc + X(n, k)", "cast(acc, int32)", "the update of 'acc' is a int32, not a float32")]
    [TestCase("result = sqrt(T(n))", "result = int32[n]", "the result is a int32, not a float32")]
    [TestCase("acc * two(0)", "acc * int32(1)", "Multiply of float32 and int32")]
    [TestCase("acc * two(0)", "acc * two(0, 0)", "uses 2 indices for 'two', which has 1")]
    [TestCase("acc * two(0)", "acc * T(n)", "reads 'T', which no earlier stage writes")]
    [TestCase("stage out writes Y over n in N\n  result = sqrt(T(n))\n", "", "no stage writes 'Y'")]
    [TestCase("stage out", "stage rows", "there are two stages of this name")]
    [TestCase("1/16,1%16", "1/16", "do not make up its index")]
    [TestCase("0,1/16,1%16", "1/16,1%16", "leaves out axis 0")]
    [TestCase("0,1/16,1%16", "0,1/16,1%8", "do not make up its index")]
    [TestCase("0,1/16,1%16", "0,1+1+1/16,1%16", "do not make up its index")]
    [TestCase("0,1/16,1%16", "0,1,2", "has an axis that the tensor has not")]
    [TestCase("{2}", "{2, 3}", "it has 2 values for 1 elements")]
    [TestCase("two: float32[1] = {2}", "two: float32[N] = {2}", "its shape is not constant")]
    public void Verify_Violation_IsNamed(string right, string wrong, string problem)
    {
        string text = Sum.Replace(right, wrong, StringComparison.Ordinal);
        Assert.That(text, Is.Not.EqualTo(Sum));
        Assert.That(Verifier.Verify(Parser.ParseComputation(text)), Has.Some.StartsWith("sum: ").And.Some.Contains(problem));
    }

    [Test]
    public void Verify_ViolationsThatTextCannotSay_AreNamed()
    {
        Computation sum = Parser.ParseComputation(Sum);
        Stage rows = sum.Stages[0], last = sum.Stages[1];
        Tensor other = sum.Inputs[0] with { Layout = Layout.RowMajor(2) };
        Computation With(params Stage[] stages) => sum with { Stages = stages };
        Assert.Multiple(() =>
        {
            Assert.That(Verifier.Verify(With(rows, last with { Result = new Load("T", 0, F32()) })), Has.Some.Contains("'T[0]' is a load, which belongs to kernels"));
            Assert.That(Verifier.Verify(With(rows, last with { Result = other.At(0, 0) })), Has.Some.Contains("reads 'X' as another tensor than is declared"));
            Assert.That(Verifier.Verify(With(rows, last with { Output = rows.Output }, last with { Name = "y" })), Has.Some.Contains("'T' is written already or given"));
            Assert.That(Verifier.Verify(sum with { Dims = [N, N] }), Has.Some.Contains("'N' is defined twice"));
            Assert.That(Verifier.Verify(sum with { Dims = [] }), Has.Some.Contains("'N' is not defined"));
        });
    }
}
