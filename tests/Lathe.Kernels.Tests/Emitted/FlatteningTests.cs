using Lathe.Kernels.Loops;
using Lathe.Kernels.Loops.Interpretation;
using Lathe.Kernels.Schedules;
using Lathe.Kernels.Targets;
using Lathe.Runtime;
using Lathe.Runtime.Plans;

namespace Lathe.Kernels.Tests.Emitted;

/// <summary>
/// Elements read through reshapes of random, odd shapes: their indices are quotients and remainders, which a schedule may take for linear only where every
/// vector that it makes finds them so.
/// </summary>
public sealed class FlatteningTests
{
    private const int Count = 400, MostPoints = 500;

    [Test]
    public void Maps_OfReshapes_ComeOutRight([Values] Isa isa)
    {
        Random random = new(1);
        for (int n = 0; n < Count; n++)
        {
            (long[] inner, long[] outer) = Shapes(random);
            Tensor x = Input(inner);
            if (inner.Length == 4 && random.Next(2) == 0) x = x with { Layout = Layout.Blocked(4, 16) };
            // A part of what the reshape gives.
            long[] starts = [.. outer.Select(d => random.Next(3) == 0 ? random.NextInt64(d) : 0)], part = [.. outer.Zip(starts, (d, start) => d - start)];
            Tensor y = T("y", part);
            if (outer.Length == 4 && random.Next(2) == 0) y = y with { Layout = Layout.Blocked(4, 16) };
            Check(Sample.Map(y, [x], i => x.At(Reshape([.. i.Zip(starts, (v, start) => v + start)], outer, inner))), isa, inner, outer);
        }
    }

    [Test]
    public void Reductions_OfReshapes_ComeOutRight([Values] Isa isa)
    {
        Random random = new(2);
        for (int n = 0; n < Count; n++)
        {
            (long[] inner, long[] outer) = Shapes(random);
            int[] along = [.. Enumerable.Range(0, outer.Length).Where(_ => random.Next(2) == 0)];
            if (along.Length == 0) along = [outer.Length - 1];
            Tensor x = Input(inner);
            long[] shape = [.. outer.Select((d, a) => along.Contains(a) ? 1 : d)];
            Axis[] pure = Sample.Axes([.. shape.Select(d => (IndexExpr)d)]), reduce = [.. along.Select((a, i) => Axis.Of($"r{i}", outer[a]))];
            IndexExpr[] index = [.. outer.Select((_, a) => along.Contains(a) ? (IndexExpr)reduce[Array.IndexOf(along, a)].Variable : pure[a].Variable)];
            Accumulator total = new("total", x.Element, Const.Of(x.Element, 0), new Var("total", x.Element));
            total = total with { Update = new Binary(BinaryOp.Add, total.Value, x.At(Reshape(index, outer, inner))) };
            Tensor y = T("y", shape);
            Check(new Computation("reduce", KernelFamily.Reduction, [new Stage("reduce", y, pure, reduce, [total], total.Value)], [x], [y], []), isa, inner, outer);
        }
    }

    private static void Check(Computation computation, Isa isa, long[] inner, long[] outer)
    {
        string what = $"[{string.Join(", ", inner)}] as [{string.Join(", ", outer)}]";
        try
        {
            Kernel kernel = KernelCompiler.Compile(computation, Machine.Of(isa)).Kernel;
            if (KernelCheck.Points(computation, []) > MostPoints) return;
            Memory[] actual = KernelCheck.Buffers(computation, []), expected = [.. actual.Select(b => b.Copy())];
            Interpreter.Run(kernel, actual, []);
            ComputationInterpreter.Run(computation, expected, []);
            // Sums of at most this many numbers, in another order.
            KernelCheck.AreClose(actual, expected, computation, [], 1e-5, what);
        }
        catch (InvalidOperationException failure)
        {
            Assert.Fail($"{what}: {failure.Message}");
        }
    }

    /// <summary>Two shapes of the same number of elements: the same factors, grouped in two ways.</summary>
    private static (long[] Inner, long[] Outer) Shapes(Random random)
    {
        long[] factors = [.. Enumerable.Range(0, random.Next(2, 6)).Select(_ => (long)(random.Next(3) == 0 ? random.Next(1, 30) : random.Next(1, 8)))];
        return (Group(random, factors), Group(random, random.Next(2) == 0 ? factors : [.. factors.Order()]));
    }

    private static long[] Group(Random random, long[] factors)
    {
        List<long> dims = [factors[0]];
        foreach (long factor in factors[1..])
        {
            if (random.Next(2) == 0) dims[^1] *= factor;
            else dims.Add(factor);
        }

        return [.. dims];
    }

    private static Tensor Input(long[] dims) => T("x0", dims);

    private static Tensor T(string name, long[] dims) => new(name, ElementType.Float32, [.. dims.Select(d => (IndexExpr)d)], Layout.RowMajor(dims.Length));

    /// <summary>The index of an element in one shape from that in another.</summary>
    private static IndexExpr[] Reshape(IndexExpr[] index, long[] from, long[] to)
    {
        IndexExpr offset = 0;
        for (int i = 0; i < from.Length; i++) offset = (offset * from[i]) + index[i];
        IndexExpr[] result = new IndexExpr[to.Length];
        for (int i = to.Length - 1; i >= 0; i--) (offset, result[i]) = (offset / to[i], i == 0 ? offset : offset % to[i]);
        return result;
    }
}
