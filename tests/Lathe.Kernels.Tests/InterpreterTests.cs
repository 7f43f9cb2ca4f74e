using System.Numerics;
using Lathe.Kernels.Loops;
using Lathe.Kernels.Loops.Interpretation;
using Lathe.Runtime;
using Barrier = Lathe.Kernels.Loops.Barrier;

namespace Lathe.Kernels.Tests;

/// <summary>What the records mean, one small program each.</summary>
public sealed class InterpreterTests
{
    private static readonly IndexVar I = new("i", 0, 1000), J = new("j", 0, 1000), N = new("N", 0, 1000);

    private static VectorType F32(int lanes = 1) => new(ElementType.Float32, lanes);

    private static VectorType I32(int lanes = 1) => new(ElementType.Int32, lanes);

    private static Load X(IndexExpr index, int lanes = 1, Expr? mask = null, long stride = 1) => new("X", index, F32(lanes), mask, stride);

    private static Kernel Program(Statement body, ElementType from = ElementType.Float32, ElementType to = ElementType.Float32) =>
        new("test", "A test.", [new Parameter("X", from, false), new Parameter("Y", to, true)], [N], body);

    private static Sequence Block(params Statement[] statements) => new(statements);

    /// <summary>Runs a program over X and gives Y.</summary>
    private static float[] Run(Statement body, float[] x, int length, long n = 0)
    {
        Memory y = Memory.Uninitialised(ElementType.Float32, length);
        Interpreter.Run(Program(body), [Memory.Of(x), y], [n]);
        Assert.That(Enumerable.Range(0, length).All(i => y.IsWritten(i)), "every element is written");
        return y.As<float>().ToArray();
    }

    private static string Error(Statement body, int inputs = 4, int outputs = 4, long n = 0) =>
        Assert.Throws<InterpreterException>(() => Interpreter.Run(
            Program(body), [Memory.Of(new float[inputs]), Memory.Uninitialised(ElementType.Float32, outputs)], [n]))!.Message;

    /// <summary>The value of an expression over a vector of X, each lane as a number.</summary>
    private static double[] Values(Func<Expr, Expr> expression, Memory x)
    {
        VectorType type = new(x.Element, (int)x.Count);
        Expr value = expression(new Load("X", 0, type));
        Memory y = Memory.Uninitialised(value.Type.Element, value.Type.Lanes);
        Interpreter.Run(Program(new Store("Y", 0, value), x.Element, value.Type.Element), [x, y], [0]);
        return [.. Enumerable.Range(0, value.Type.Lanes).Select(i => y.Element.IsFloat() ? y.GetFloat(i) : y.GetInteger(i))];
    }

    [Test]
    public void Loop_SumOfProducts_RoundsEveryStep()
    {
        Statement body = Block(
            new Local("s", F32()),
            new Assign("s", Const.Of(F32(), 0)),
            new For(I, 0, N, LoopKind.Serial, new Assign("s", new Binary(BinaryOp.Add, new Var("s", F32()), new Binary(BinaryOp.Multiply, X(I), X(I))))),
            new Store("Y", 0, new Var("s", F32())));
        float[] x = [1.1f, 2.2f, 3.3f, 1e-4f];
        float sum = 0;
        foreach (float v in x) sum += v * v;
        Assert.That(Run(body, x, 1, n: 4), Is.EqualTo(new[] { sum }));
    }

    [Test]
    public void Fma_Cancellation_RoundsOnce()
    {
        float a = 1 + MathF.Pow(2, -12);
        double[] once = Values(x => new Fma(x, x, new Unary(UnaryOp.Negate, new Binary(BinaryOp.Multiply, x, x))), Memory.Of(a));
        Assert.That(once[0], Is.EqualTo((a * (double)a) - (float)(a * a)).And.Not.Zero);
    }

    [TestCase(ElementType.Float16)]
    [TestCase(ElementType.BFloat16)]
    public void Fma_HalfPrecision_RoundsOnce(ElementType type)
    {
        Random random = new(5);
        for (int n = 0; n < 2000; n++)
        {
            Memory memory = Memory.Uninitialised(type, 3);
            for (int i = 0; i < 3; i++) memory.SetFloat(i, (random.NextDouble() - 0.5) * Math.Pow(2, random.Next(-6, 6)));
            double got = Values(v => new Fma(Lane(v, 0), Lane(v, 1), Lane(v, 2)), memory)[0];
            Memory near = Memory.Uninitialised(type, 1);
            near.SetFloat(0, got);
            BigInteger exact = (Exactly(memory.GetFloat(0), 100) * Exactly(memory.GetFloat(1), 100)) + Exactly(memory.GetFloat(2), 200);
            BigInteger off = BigInteger.Abs(exact - Exactly(got, 200));
            foreach (int step in new[] { -1, 2 })
            {
                near.As<short>()[0] += (short)step;
                BigInteger other = BigInteger.Abs(exact - Exactly(near.GetFloat(0), 200));
                Assert.That(off < other || (off == other && (near.As<short>()[0] & 1) != 0), $"{memory.GetFloat(0)} * {memory.GetFloat(1)} + {memory.GetFloat(2)}");
            }
        }

        static Expr Lane(Expr vector, int lane) => new Shuffle(vector, vector, [lane]);
        static BigInteger Exactly(double value, int scale) => new(Math.ScaleB(value, scale));
    }

    [Test]
    public void MinMax_NaN_GiveTheSecondOperand()
    {
        Memory x = Memory.Of(float.NaN, 1f);
        Expr Swapped(Expr v) => new Shuffle(v, v, [1, 0]);
        Assert.Multiple(() =>
        {
            Assert.That(Values(v => new Binary(BinaryOp.Min, v, Swapped(v)), x), Is.EqualTo(new[] { 1, double.NaN }));
            Assert.That(Values(v => new Binary(BinaryOp.Max, v, Swapped(v)), x), Is.EqualTo(new[] { 1, double.NaN }));
            Assert.That(Values(v => new Binary(BinaryOp.Min, v, Swapped(v)), Memory.Of(-0f, 0f)).Select(double.IsNegative), Is.EqualTo(new[] { false, true }));
        });
    }

    [Test]
    public void Integers_Overflow_Wrap()
    {
        Assert.Multiple(() =>
        {
            Assert.That(Values(v => new Binary(BinaryOp.Add, v, v), Memory.Of<byte>(200, 1)), Is.EqualTo(new double[] { 144, 2 }));
            Assert.That(Values(v => new Binary(BinaryOp.Multiply, v, v), Memory.Of<sbyte>(100, -128)), Is.EqualTo(new double[] { 16, 0 }));
            Assert.That(Values(v => new Unary(UnaryOp.Negate, v), Memory.Of(int.MinValue)), Is.EqualTo(new double[] { int.MinValue }));
            Assert.That(Values(v => new Binary(BinaryOp.Divide, v, Const.Of(I32(2), -1)), Memory.Of(int.MinValue, 7)), Is.EqualTo(new double[] { int.MinValue, -7 }));
            Assert.That(Values(v => new Binary(BinaryOp.ShiftRight, v, Const.Of(I32(2), 40)), Memory.Of(-5, 5)), Is.EqualTo(new double[] { -1, 0 }));
            Assert.That(Values(v => new Binary(BinaryOp.ShiftLeft, v, Const.Of(I32(2), 31)), Memory.Of(1, 2)), Is.EqualTo(new double[] { int.MinValue, 0 }));
            Assert.That(Values(v => new Binary(BinaryOp.Less, v, new Shuffle(v, v, [1, 0])), Memory.Of(ulong.MaxValue, 1UL)), Is.EqualTo(new double[] { 0, 1 }));
        });
    }

    [Test]
    public void Cast_FloatToInteger_RoundsAndSaturates()
    {
        Memory x = Memory.Of(2.5f, -1.5f, 300f, float.NaN);
        Assert.Multiple(() =>
        {
            Assert.That(Values(v => new Cast(v, new VectorType(ElementType.UInt8, 4), Saturate: true, Round: true), x), Is.EqualTo(new double[] { 2, 0, 255, 0 }));
            Assert.That(Values(v => new Cast(v, new VectorType(ElementType.Int8, 4), Saturate: true), x), Is.EqualTo(new double[] { 2, -1, 127, 0 }));
            Assert.That(Values(v => new Cast(v, F32(1)), Memory.Of(16777217L)), Is.EqualTo(new double[] { 16777216 }));
            Assert.That(Values(v => new Cast(v, F32(1)), Memory.Of((1L << 62) + (1L << 38) + 1)), Is.EqualTo(new double[] { (1L << 62) + (1L << 39) }));
            Assert.That(() => Values(v => new Cast(v, I32(1)), Memory.Of(3e9f)), Throws.TypeOf<InterpreterException>().With.Message.Contains("without saturation"));
        });
    }

    [Test]
    public void Dot4_MixedSigns_ReadsBytesAsTold()
    {
        Memory x = Memory.Of<byte>(255, 1, 2, 3, 255, 128, 0, 0);
        Expr Words(Expr v) => new Bits(v, I32(2));
        Expr zero = Const.Of(I32(2), 10);
        Assert.Multiple(() =>
        {
            Assert.That(Values(v => new Dot4(zero, Words(v), Words(v), false, false), x), Is.EqualTo(new double[] { 10 + 65025 + 14, 10 + 65025 + 16384 }));
            Assert.That(Values(v => new Dot4(zero, Words(v), Words(v), false, true), x), Is.EqualTo(new double[] { 10 - 255 + 14, 10 - 255 - 16384 }));
            Assert.That(Values(v => new Dot4(zero, Words(v), Words(v), true, true), x), Is.EqualTo(new double[] { 10 + 1 + 14, 10 + 1 + 16384 }));
        });
    }

    [Test]
    public void Dot2_BothKinds_MultiplyHalves()
    {
        Memory shorts = Memory.Of<short>(3, -4, 100, 200);
        Assert.That(Values(v => new Dot2(Const.Of(I32(2), 1), new Bits(v, I32(2)), new Bits(v, I32(2)), ElementType.Int16), shorts), Is.EqualTo(new double[] { 26, 50001 }));
        Memory bfloats = Memory.Uninitialised(ElementType.BFloat16, 2);
        bfloats.SetFloat(0, 1.5);
        bfloats.SetFloat(1, -2);
        Assert.That(Values(v => new Dot2(Const.Of(F32(1), 1), new Bits(v, I32(1)), new Bits(v, I32(1)), ElementType.BFloat16), bfloats), Is.EqualTo(new[] { 7.25 }));

        // 1 is lost beside 2^26: only if the upper half cancels that first does the lower one survive.
        bfloats.SetFloat(0, 1);
        bfloats.SetFloat(1, 8192);
        Assert.That(
            Values(v => new Dot2(Const.Of(F32(1), -67108864), new Bits(v, I32(1)), new Bits(v, I32(1)), ElementType.BFloat16), bfloats),
            Is.EqualTo(new double[] { 1 }));
    }

    [Test]
    public void Bits_WiderAndNarrower_AreLittleEndian()
    {
        Memory bytes = Memory.Of<byte>(1, 2, 3, 4, 0, 0, 128, 63);
        Assert.Multiple(() =>
        {
            Assert.That(Values(v => new Bits(v, I32(2)), bytes), Is.EqualTo(new double[] { 0x04030201, 0x3F800000 }));
            Assert.That(Values(v => new Bits(v, F32(2)), bytes)[1], Is.EqualTo(1));
            Assert.That(Values(v => new Bits(v, new VectorType(ElementType.Int8, 4)), Memory.Of(1f)), Is.EqualTo(new double[] { 0, 0, -128, 63 }));
        });
    }

    [Test]
    public void Reduce_Floats_CombinesHalvesWithHalves()
    {
        float[] x = [1e8f, 1, -1e8f, 2];
        Assert.That(Values(v => new Reduce(BinaryOp.Add, v), Memory.Of(x)), Is.EqualTo(new double[] { (1e8f + -1e8f) + (1f + 2f) }));
        Assert.That(Values(v => new Reduce(BinaryOp.Max, v), Memory.Of(x)), Is.EqualTo(new double[] { 1e8f }));
    }

    [Test]
    public void Unary_Transcendentals_AreRoundedFromDouble()
    {
        Memory x = Memory.Of(0.3f, 0.9f);
        (UnaryOp, Func<double, double>)[] all =
        [
            (UnaryOp.Exp, Math.Exp), (UnaryOp.Log, Math.Log), (UnaryOp.Tanh, Math.Tanh), (UnaryOp.Sqrt, Math.Sqrt), (UnaryOp.Atanh, Math.Atanh),
            (UnaryOp.Sigmoid, v => 1 / (1 + Math.Exp(-v))),
        ];
        foreach ((UnaryOp op, Func<double, double> exact) in all)
            Assert.That(Values(v => new Unary(op, v), x), Is.EqualTo(new double[] { (float)exact(0.3f), (float)exact(0.9f) }), op.ToString());
    }

    [TestCase(0.5, 0.5204998778130465)]
    [TestCase(-1.0, -0.8427007929497149)]
    [TestCase(2.5, 0.9995930479825550)]
    [TestCase(5.5, 0.9999999999999926)]
    [TestCase(9.0, 1)]
    public void Unary_Erf_MatchesTables(double x, double expected) =>
        Assert.That(Values(v => new Unary(UnaryOp.Erf, v), Memory.Of(x))[0], Is.EqualTo(expected).Within(2e-15));

    [Test]
    public void Mask_ExcludedLanes_AreNeitherReadNorWritten()
    {
        FirstLanes mask = new(N, 4);
        Statement body = Block(new Store("Y", 0, Const.Of(F32(4), 9)), new Store("Y", 0, X(0, 4, mask), mask));
        Assert.That(Run(body, [1, 2], 4, n: 2), Is.EqualTo(new float[] { 1, 2, 9, 9 }));
        Assert.That(Error(new Store("Y", 0, X(0, 4, mask), mask), inputs: 2, n: 3), Does.Contain("reads element 2 of X, which has 2"));
    }

    [Test]
    public void Select_OtherSide_IsNotRead()
    {
        Expr lanes = new IndexValue(0, I32(4), 1);
        Expr value = new Select(new Binary(BinaryOp.Less, lanes, Const.Of(I32(4), 2)), X(0, 4), Const.Of(F32(4), -1));
        Assert.That(Run(new Store("Y", 0, value), [5, 6], 4), Is.EqualTo(new float[] { 5, 6, -1, -1 }));
    }

    [Test]
    public void SharedExpressions_LongChain_AreComputedOnceEach()
    {
        Expr value = X(0, 4);
        for (int n = 0; n < 64; n++) value = new Binary(n % 2 == 0 ? BinaryOp.Add : BinaryOp.Subtract, value, n % 2 == 0 ? value : new Binary(BinaryOp.Multiply, value, Const.Of(F32(4), 0.5)));
        Assert.That(Run(Block(new Store("Y", 0, value), new Store("Y", 4, value)), [1, 2, 3, 4], 8), Is.EqualTo(new float[] { 1, 2, 3, 4, 1, 2, 3, 4 }));
        Expr doubled = X(I);
        for (int n = 0; n < 40; n++) doubled = new Binary(BinaryOp.Add, doubled, doubled);
        Assert.That(Run(new For(I, 0, 2, LoopKind.Serial, new Store("Y", I, doubled)), [1, 3], 2), Is.EqualTo(new[] { MathF.Pow(2, 40), 3 * MathF.Pow(2, 40) }));
    }

    [Test]
    public void Gather_ComputedIndices_ReadsThem()
    {
        Expr index = new Cast(X(0, 3), I32(3));
        Assert.That(Run(new Store("Y", 0, new Gather("X", index, F32(3))), [2, 0, 1], 3), Is.EqualTo(new float[] { 1, 2, 0 }));
    }

    [Test]
    public void Store_OverlappingItsSource_ReadsFirst()
    {
        Statement body = Block(
            new Store("Y", 0, X(0, 4)),
            new Store("Y", 1, new Load("Y", 0, F32(3))),
            new Store("Y", 4, new Load("Y", 0, F32(2), Stride: 2), Stride: 2),
            new Store("Y", 5, Const.Of(F32(), 0)));
        Assert.That(Run(body, [1, 2, 3, 4], 7), Is.EqualTo(new float[] { 1, 1, 2, 3, 1, 0, 2 }));
    }

    [Test]
    public void Parallel_Slices_SeeTheirStart()
    {
        Statement body = new For(I, 0, N, LoopKind.Parallel, new Store("Y", I, new Cast(new IndexValue(Kernel.From, I32()), F32())));
        Memory y = Memory.Uninitialised(ElementType.Float32, 5);
        Interpreter interpreter = new(Program(body));
        interpreter.Run([Memory.Of(0f), y], [5], 0, 2);
        interpreter.Run([Memory.Of(0f), y], [5], 2, 5);
        Assert.That(y.As<float>().ToArray(), Is.EqualTo(new float[] { 0, 0, 2, 2, 2 }));
        Assert.That(() => interpreter.Run([Memory.Of(0f), y], [5], 4, 6), Throws.TypeOf<InterpreterException>().With.Message.Contains("slice [4, 6)"));
    }

    [Test]
    public void ParallelExtent_BehindLets_IsEvaluated()
    {
        IndexVar rows = new("rows", 0, 1000);
        Statement body = Block(new LetIndex(rows, (N + 3) / 4), new For(I, 0, rows * 2, LoopKind.Parallel, new Note("work")));
        Assert.That(Interpreter.ParallelExtent(Program(body), [9]), Is.EqualTo(6));
    }

    [Test]
    public void Fail_InsideALoop_EndsWithItsCode()
    {
        Statement body = new For(I, 0, 3, LoopKind.Serial, new If(new Binary(BinaryOp.Less, X(I), Const.Of(F32(), 0)), new Fail(7)));
        Assert.That(Interpreter.Run(Program(body), [Memory.Of(1f, -1f, 1f), Memory.Of(0f)], [0]), Is.EqualTo(7));
    }

    [Test]
    public void Pointer_OfAPointer_AddsOffsets()
    {
        Statement body = Block(new Pointer("p", "X", 3), new Pointer("q", "p", -2), new Store("Y", 0, new Load("q", 1, F32())));
        Assert.That(Run(body, [1, 2, 3], 1), Is.EqualTo(new float[] { 3 }));
    }

    [Test]
    public void Group_ItemsExchangeAcrossABarrier()
    {
        IndexVar group = new("g", 0, 9), lane = new("l", 0, 3), other = new("m", 0, 3);
        Statement items = new For(lane, 0, 4, LoopKind.Lane, new For(other, 0, 2, LoopKind.Serial, Block(
            new Store("t", lane, X((group * 4) + lane)),
            new Barrier(),
            new Store("Y", (group * 4) + lane, new Load("t", 3 - (IndexExpr)lane, F32())),
            new Barrier())));
        Statement body = new For(group, 0, 2, LoopKind.Group, new Alloc("t", ElementType.Float32, 4, MemoryScope.Group, items));
        Assert.That(Run(body, [1, 2, 3, 4, 5, 6, 7, 8], 8), Is.EqualTo(new float[] { 4, 3, 2, 1, 8, 7, 6, 5 }));
    }

    [Test]
    public void Group_MissingBarrier_IsARace()
    {
        IndexVar lane = new("l", 0, 3);
        Statement items = new For(lane, 0, 4, LoopKind.Lane, Block(
            new Store("t", lane, X(lane)),
            new If(new Binary(BinaryOp.Less, Const.Of(I32(), 0), new IndexValue(lane, I32())), new Store("Y", lane, new Load("t", (IndexExpr)lane - 1, F32())))));
        Assert.That(Error(new Alloc("t", ElementType.Float32, 4, MemoryScope.Group, items)), Does.Contain("another work-item wrote since the last barrier"));
    }

    [Test]
    public void Group_BarrierThatSomeMiss_IsAnError()
    {
        IndexVar lane = new("l", 0, 3);
        Statement items = new For(lane, 0, 4, LoopKind.Lane, new If(new Binary(BinaryOp.Less, new IndexValue(lane, I32()), Const.Of(I32(), 2)), new Barrier()));
        Assert.That(Error(items), Does.Contain("different barriers"));
    }

    [Test]
    public void Run_OutOfBounds_NamesStatementAndVariables() => Assert.That(
        Error(new For(I, 0, 5, LoopKind.Serial, new Store("Y", I, X(0)))),
        Is.EqualTo("test: Y[i] = X[0] at from=0, to=1, N=0, i=4: writes element 4 of Y, which has 4."));

    [Test]
    public void Run_UnwrittenMemory_IsAnError()
    {
        Statement body = new Alloc("t", ElementType.Float32, 4, MemoryScope.Thread, Block(
            new Store("t", 0, X(0, 2)), new Store("Y", 0, new Load("t", 0, F32(4)))));
        Assert.That(Error(body), Does.Contain("reads element 2 of t, which was never written"));
    }

    [Test]
    public void Run_MemoryOfALastIteration_IsUnset()
    {
        Statement inner = Block(
            new If(new Binary(BinaryOp.Less, new IndexValue(I, I32()), Const.Of(I32(), 1)), new Store("t", 0, X(0))),
            new Store("Y", I, new Load("t", 0, F32())));
        Assert.That(Error(new For(I, 0, 2, LoopKind.Serial, new Alloc("t", ElementType.Float32, 1, MemoryScope.Register, inner))), Does.Contain("never written"));
    }

    [Test]
    public void Run_UnassignedLocal_IsAnError()
    {
        Statement body = new For(I, 0, 2, LoopKind.Serial, Block(
            new Local("s", F32()),
            new If(new Binary(BinaryOp.Less, new IndexValue(I, I32()), Const.Of(I32(), 1)), new Assign("s", X(0))),
            new Store("Y", I, new Var("s", F32()))));
        Assert.That(Error(body), Does.Contain("reads 's', which was never assigned").And.Contain("i=1"));
    }

    [Test]
    public void Run_NegativeQuotient_IsAnError() =>
        Assert.That(Error(new Store("Y", (N - 3) / (N + 1), X(0)), n: 1), Does.Contain("divides the negative -2"));

    [Test]
    public void Run_VariableOutsideItsRange_IsAnError() =>
        Assert.That(Error(new For(new IndexVar("k", 0, 2), 0, 4, LoopKind.Serial, new Note("nothing"))), Does.Contain("'k' is 3, outside [0, 2]"));

    [TestCaseSource(nameof(IllTyped))]
    public void Compile_IllTyped_IsAnError(Statement body, string problem) => Assert.That(Error(body), Does.Contain(problem));

    private static IEnumerable<TestCaseData> IllTyped()
    {
        static TestCaseData Case(Statement body, string problem) => new TestCaseData(body, problem).SetArgDisplayNames(problem);
        yield return Case(new Store("Y", 0, new Binary(BinaryOp.Add, X(0, 4), X(0))), "Add of float32x4 and float32");
        yield return Case(new Store("Y", 0, X(0), new FirstLanes(1, 2)), "mask of type boolx2 for 1 lanes");
        yield return Case(new Store("Y", 0, new Load("X", 0, I32())), "loads int32 from X, which holds float32");
        yield return Case(new Store("X", 0, X(0)), "writes X, which is an input");
        yield return Case(new Store("Y", 0, new IndexValue(0, I32())), "stores a int32 to Y");
        yield return Case(new Store("Y", J, X(0)), "'j' is not defined");
        yield return Case(new Store("Y", 0, new Var("N", F32())), "'N' is a index, where a value is wanted");
        yield return Case(new For(N, 0, 2, LoopKind.Serial, new Note("x")), "'N' is defined twice");
        yield return Case(new If(X(0), new Note("x")), "branches on a float32");
        yield return Case(new Barrier(), "outside the work-items");
        yield return Case(Block(new Local("s", F32()), new For(I, 0, 2, LoopKind.Parallel, new Assign("s", X(0)))), "belongs outside the Parallel loop over i");
        yield return Case(Block(new Let("s", X(0)), new Assign("s", X(0))), "'s', which is no local");
        yield return Case(new Store("Y", 0, new Reduce(BinaryOp.Add, X(0, 3))), "3 lanes, no power of two");
        yield return Case(new Store("Y", 0, new Bits(X(0), I32(2))), "takes the bits of float32 as int32x2");
        yield return Case(new Store("Y", 0, new Splat(X(0, 2), 4)), "splats a float32x2");
        yield return Case(new Store("Y", 0, new Tensor("X", ElementType.Float32, [4], Layout.RowMajor(1)).At(0)), "belongs to computations");
        yield return Case(Block(new Sequence([new Let("s", X(0))]), new Store("Y", 0, new Var("s", F32()))), "'s' is not defined");
    }
}
