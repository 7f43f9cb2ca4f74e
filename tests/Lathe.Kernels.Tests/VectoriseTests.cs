using System.Globalization;
using Lathe.Kernels.Loops;
using Lathe.Kernels.Loops.Interpretation;
using Lathe.Kernels.Passes;
using Lathe.Kernels.Targets;
using Lathe.Runtime;

namespace Lathe.Kernels.Tests;

/// <summary>Which lanes the sides of choices read, when a loop has become a vector.</summary>
public sealed class VectoriseTests
{
    private const int Lanes = 8;

    private static readonly IndexVar I = new("i", 0, Lanes - 1);
    private static readonly int[] Lengths = [2, 5, Lanes];

    [Test]
    public void SideThatReadsWhatTheConditionHasRead_ReadsItWithTheMaskOfTheCondition()
    {
        // Under a guard that holds for 5 lanes: the condition reads 5, either side the same 5.
        Load[] loads = [.. Loads(new Select(IsPositive(Read(1)), Read(1), new Unary(UnaryOp.Negate, Read(1))), 5)];
        Assert.That(loads, Has.Length.EqualTo(3).And.All.Matches<Load>(load => load.Mask is FirstLanes { Count: { IsConstant: true, Value: 5 } }));
    }

    [Test]
    public void SideThatReadsSomethingElse_ReadsOnlyTheLanesOfTheSide()
    {
        Load[] loads = [.. Loads(new Select(IsPositive(Read(2)), Read(1), Read(0)), Lanes)];
        Assert.That(loads.Where(load => load.Buffer != Name(2)).Select(load => load.Mask), Has.None.Null);
    }

    [Test]
    public void RandomChoices_ReadNothingOutside_AndGiveWhatScalarsGive([Range(1, 4)] int seed)
    {
        Random random = new(seed);
        Memory[] given = [.. Lengths.Select(length => Memory.Of<float>([.. Enumerable.Range(0, length).Select(_ => (float)random.Next(-4, 5))]))];
        int repeated = 0;
        for (int round = 0; round < 500; round++)
        {
            int count = random.Next(1, Lanes + 1);
            Expr value = Value(count, 4);
            Kernel vectors = Vectorise.Run(Program(value, count, LoopKind.Vector), Machine.Avx2);
            Assert.That(Run(vectors), Is.EqualTo(Run(Program(value, count, LoopKind.Serial))), $"seed {seed}, round {round}");
            // The interpreter reads only where a side is chosen; a processor wherever the mask says.
            foreach (Load load in ExprWalk.All(((Store)vectors.Body).Value).OfType<Load>())
                Assert.That(LanesOf(load)[Lengths[int.Parse(load.Buffer[1..], CultureInfo.InvariantCulture)]..], Is.All.Zero, $"seed {seed}, round {round}: {load}");
            if (ExprWalk.All(value).OfType<Select>().Any(s => ExprWalk.All(s.Condition).OfType<Load>().Intersect(ExprWalk.All(s.Then).OfType<Load>()).Any())) repeated++;
        }

        Assert.That(repeated, Is.GreaterThan(100), "sides read what their conditions have read");

        float[] LanesOf(Load load)
        {
            Expr one = Const.Of(new VectorType(ElementType.Float32, Lanes), 1), none = Const.Of(new VectorType(ElementType.Float32, Lanes), 0);
            return Run(Kernel(new Store("Y", 0, load.Mask is null ? one : new Select(load.Mask, one, none))));
        }

        // Of what may be read where i is less than a number.
        Expr Value(int below, int depth)
        {
            if (depth == 0 || random.Next(6) == 0) return Read(Array.FindIndex(Lengths, length => length >= below));
            switch (random.Next(4))
            {
                case 0:
                    return new Binary(BinaryOp.Add, Value(below, depth - 1), Value(below, depth - 1));
                case 1:
                    int limit = random.Next(1, 6);
                    return new Select(IsBelow(limit), Value(Math.Min(limit, below), depth - 1), Value(below, depth - 1));
                default:
                    return new Select(IsPositive(Value(below, depth - 1)), Value(below, depth - 1), Value(below, depth - 1));
            }
        }

        float[] Run(Kernel kernel)
        {
            Memory y = Memory.Zeros(ElementType.Float32, Lanes);
            Interpreter.Run(kernel, [.. given, y], []);
            return y.As<float>().ToArray();
        }
    }

    private static IEnumerable<Load> Loads(Expr value, int count)
    {
        Statement body = Vectorise.Run(Program(value, count, LoopKind.Vector), Machine.Avx2).Body;
        return Everything(((Store)body).Value).OfType<Load>();
    }

    /// <summary>Every place, masks apart: a record that stands in several is counted in each.</summary>
    private static IEnumerable<Expr> Everything(Expr expression) => expression is Load ? [expression] : ExprWalk.Operands(expression).SelectMany(Everything).Prepend(expression);

    private static Kernel Program(Expr value, int count, LoopKind kind)
    {
        Statement store = new Store("Y", I, value);
        return Kernel(new For(I, 0, Lanes, kind, count == Lanes ? store : new If(IsBelow(count), store)));
    }

    private static Kernel Kernel(Statement body) =>
        new("choices", "Choices.", [.. Lengths.Select((_, b) => new Parameter(Name(b), ElementType.Float32, false)), new Parameter("Y", ElementType.Float32, true)], [], body);

    private static string Name(int buffer) => $"X{buffer}";

    private static Load Read(int buffer) => new(Name(buffer), I, ElementType.Float32);

    private static Expr IsBelow(long limit) => new Binary(BinaryOp.Less, new IndexValue(I, ElementType.Int64), new IndexValue(limit, ElementType.Int64));

    private static Expr IsPositive(Expr value) => new Binary(BinaryOp.Less, Const.Of(ElementType.Float32, 0), value);
}
