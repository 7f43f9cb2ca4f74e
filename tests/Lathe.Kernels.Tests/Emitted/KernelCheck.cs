using Lathe.Kernels.Loops;
using Lathe.Kernels.Loops.Interpretation;
using Lathe.Kernels.Loops.Verification;
using Lathe.Kernels.Passes;
using Lathe.Kernels.Schedules;
using Lathe.Kernels.Targets;
using Lathe.Runtime;

namespace Lathe.Kernels.Tests.Emitted;

/// <summary>Runs a computation in every form that it takes on its way to a machine and compares them.</summary>
public static class KernelCheck
{
    /// <summary>Buffers for a computation: inputs of values that no lane can be mistaken for another in, halos of zero, outputs unwritten.</summary>
    public static Memory[] Buffers(Computation computation, IReadOnlyList<long> dims, int seed = 1, Func<Random, double>? value = null)
    {
        Random random = new(seed);
        IndexExpr Known(IndexExpr e) => e.Substitute(v => At(computation, dims, v));
        List<Memory> buffers = [];
        foreach (Tensor tensor in computation.Inputs)
        {
            long[] shape = [.. tensor.Dims.Items.Select(d => Known(d).Value)];
            long length = Known(tensor.Length).Value;
            // What is neither an element nor halo is the rest of a block: a value that spoils what it gets into.
            Memory memory = Memory.Zeros(tensor.Element, length);
            for (long i = 0; i < length; i++) Set(memory, i, tensor.Element.IsFloat() ? 1e9 : 77);
            foreach (long[] index in Indices([.. shape.Select((d, a) => d + tensor.Layout.PadLow(a) + tensor.Layout.PadHigh(a))]))
            {
                long[] logical = [.. index.Select((x, a) => x - tensor.Layout.PadLow(a))];
                bool inside = logical.Select((x, a) => x >= 0 && x < shape[a]).All(x => x);
                long at = tensor.Layout.Offset([.. shape.Select(d => (IndexExpr)d)], [.. logical.Select(x => (IndexExpr)x)]).Value;
                Set(memory, at, !inside ? 0 : value?.Invoke(random) ?? (tensor.Element.IsFloat() ? (random.Next(-64, 65) / 32.0) + (random.NextDouble() * 0.01) : tensor.Element == ElementType.Bool ? random.Next(2) : random.Next(0, 100)));
            }

            buffers.Add(memory);
        }

        buffers.AddRange(computation.Outputs.Items.Select(t => Memory.Uninitialised(t.Element, Known(t.Length).Value)));
        return [.. buffers];
    }

    /// <summary>Compares the computation, its lowered form, the form after each pass and the emitted code, whole and sliced.</summary>
    /// <param name="kernel">The compiled kernel.</param>
    /// <param name="emitted">The file it was emitted to.</param>
    /// <param name="computation">The computation.</param>
    /// <param name="dims">The values of its dims.</param>
    /// <param name="tolerance">How far reordered sums and polynomials may be from the reference, relative to the largest element.</param>
    public static void Check(ScheduledKernel kernel, EmittedKernels emitted, Computation computation, IReadOnlyList<long> dims, double tolerance = 2e-5, Func<Random, double>? value = null)
    {
        Memory[] given = Buffers(computation, dims, value: value);
        Memory[] reference = [.. given.Select(b => b.Copy())];
        ComputationInterpreter.Run(computation, reference, dims);

        // 1. Every form before the final one: each pass keeps the bits, but for the one that replaces functions by polynomials.
        (Kernel form, _) = KernelCompiler.Lower(computation, kernel.Machine);
        Memory[] before = Interpret(form, given, dims);
        AreClose(before, reference, computation, dims, tolerance, "lowered");
        Assert.That(Verifier.VerifyScheduled(form), Is.Empty, "the lowered form");
        // A large case runs only at the end: the small ones of its family have shown every pass.
        bool everyPass = Points(computation, dims) <= 40_000;
        foreach ((string name, Func<Kernel, Machine, Kernel> pass) in Pipeline.Passes)
        {
            form = pass(form, kernel.Machine);
            if (!everyPass && name != Pipeline.ExpandMathName && name != Pipeline.Passes[^1].Name) continue;
            Memory[] after = Interpret(form, given, dims);
            if (name == Pipeline.ExpandMathName) AreClose(after, reference, computation, dims, tolerance, name);
            else AreEqual(after, before, computation, name);
            before = after;
        }

        Assert.That(Verifier.VerifyFinal(form, kernel.Machine.VectorBytes), Is.Empty, "the final form");
        Assert.That(form, Is.EqualTo(kernel.Kernel), "compilation is these passes in this order");

        // 2. The emitted code, bit by bit.
        CheckRun(kernel, emitted, given, before, computation, dims);
    }

    /// <summary>Compares what a target made of a kernel with the interpreter, bit for bit, whole and sliced.</summary>
    /// <param name="doubleTolerance">How far a float of 64 bits may be off, relative to itself: OpenCL leaves the last bits of functions open, which rounding to 32 bits takes away.</param>
    public static void CheckRun(
        ScheduledKernel kernel, CompiledKernels compiled, Computation computation, IReadOnlyList<long> dims, Func<Random, double>? value = null, double doubleTolerance = 0)
    {
        Memory[] given = Buffers(computation, dims, value: value);
        CheckRun(kernel, compiled, given, Interpret(kernel.Kernel, given, dims), computation, dims, doubleTolerance);
    }

    private static void CheckRun(
        ScheduledKernel kernel, CompiledKernels compiled, Memory[] given, Memory[] expected, Computation computation, IReadOnlyList<long> dims, double doubleTolerance = 0)
    {
        // A slice at a time, the last first, gives what the whole does.
        long extent = Interpreter.ParallelExtent(kernel.Kernel, dims);
        Dictionary<string, long> values = new(StringComparer.Ordinal);
        for (int i = 0; i < dims.Count; i++) values[kernel.Kernel.Dims[i].Name] = dims[i];
        Assert.That(kernel.Extent.Evaluate(v => values[v.Name]), Is.EqualTo(extent), "the extent of the parallel axis");
        (long, long)[] slices = extent < 2 ? [(0, extent)] : [.. new[] { (extent / 2, extent), (1, extent / 2), (0, 1) }.Where(s => s.Item1 < s.Item2)];

        Memory[] whole = [.. given.Select(b => b.Copy())], sliced = [.. given.Select(b => b.Copy())];
        Assert.That(compiled.Run(kernel, whole, dims, (0, extent)), Is.Zero, "the error code");
        AreEqual(whole, expected, computation, "emitted", doubleTolerance);
        compiled.Run(kernel, sliced, dims, slices);
        AreEqual(sliced, expected, computation, "emitted, in slices", doubleTolerance);
    }

    /// <summary>How often the innermost statements run.</summary>
    public static long Points(Computation computation, IReadOnlyList<long> dims) => computation.Stages.Items.Sum(
        s => IndexExpr.Product(s.Pure.Items.Concat(s.Reduction.Items).Select(a => a.Extent)).Substitute(v => At(computation, dims, v)).Value);

    private static Memory[] Interpret(Kernel kernel, Memory[] given, IReadOnlyList<long> dims)
    {
        Memory[] buffers = [.. given.Select(b => b.Copy())];
        Interpreter.Run(kernel, buffers, dims);
        return buffers;
    }

    private static void AreEqual(Memory[] actual, Memory[] expected, Computation computation, string what, double doubleTolerance = 0)
    {
        for (int i = computation.Inputs.Length; i < actual.Length; i++)
        {
            for (long k = 0; k < actual[i].Count; k++)
            {
                if (!expected[i].IsWritten(k)) continue;
                bool equal = actual[i].Element.IsFloat()
                    ? actual[i].GetFloat(k).Equals(expected[i].GetFloat(k))
                        || (actual[i].Element == ElementType.Float64 && Math.Abs(actual[i].GetFloat(k) - expected[i].GetFloat(k)) <= doubleTolerance * Math.Abs(expected[i].GetFloat(k)))
                    : actual[i].GetInteger(k) == expected[i].GetInteger(k);
                if (!equal) Assert.Fail($"{what}: element {k} of output {i - computation.Inputs.Length} is {Text(actual[i], k)}, not {Text(expected[i], k)}");
            }
        }
    }

    /// <summary>Compares the elements of outputs.</summary>
    public static void AreClose(Memory[] actual, Memory[] expected, Computation computation, IReadOnlyList<long> dims, double tolerance, string what)
    {
        for (int i = 0; i < computation.Outputs.Length; i++)
        {
            Tensor tensor = computation.Outputs[i];
            Memory a = actual[computation.Inputs.Length + i], e = expected[computation.Inputs.Length + i];
            IndexExpr[] shape = [.. tensor.Dims.Items.Select(d => d.Substitute(v => At(computation, dims, v)))];
            double largest = 1e-3;
            foreach (long[] index in Indices([.. shape.Select(d => d.Value)]))
            {
                long at = tensor.Layout.Offset(shape, [.. index.Select(x => (IndexExpr)x)]).Value;
                if (a.Element.IsFloat() && double.IsFinite(e.GetFloat(at))) largest = Math.Max(largest, Math.Abs(e.GetFloat(at)));
            }

            foreach (long[] index in Indices([.. shape.Select((d, x) => d.Value + tensor.Layout.PadLow(x) + tensor.Layout.PadHigh(x))]))
            {
                long[] logical = [.. index.Select((x, n) => x - tensor.Layout.PadLow(n))];
                long at = tensor.Layout.Offset(shape, [.. logical.Select(x => (IndexExpr)x)]).Value;
                bool inside = logical.Select((x, n) => x >= 0 && x < shape[n].Value).All(x => x);
                if (!a.IsWritten(at)) Assert.Fail($"{what}: [{string.Join(", ", logical)}] of {tensor.Name} is not written");
                if (!inside)
                {
                    if (a.Element.IsFloat() ? a.GetFloat(at) != 0 : a.GetInteger(at) != 0) Assert.Fail($"{what}: the halo [{string.Join(", ", logical)}] of {tensor.Name} is {Text(a, at)}");
                    continue;
                }

                bool close = !a.Element.IsFloat() ? a.GetInteger(at) == e.GetInteger(at)
                    : a.GetFloat(at).Equals(e.GetFloat(at)) || Math.Abs(a.GetFloat(at) - e.GetFloat(at)) <= tolerance * largest;
                if (!close) Assert.Fail($"{what}: [{string.Join(", ", logical)}] of {tensor.Name} is {Text(a, at)}, not {Text(e, at)}");
            }
        }
    }

    private static string Text(Memory memory, long at) => memory.Element.IsFloat() ? memory.GetFloat(at).ToString("R") : memory.GetInteger(at).ToString();

    private static void Set(Memory memory, long at, double value)
    {
        if (memory.Element.IsFloat()) memory.SetFloat(at, value);
        else memory.SetInteger(at, memory.Element == ElementType.Bool ? (long)value & 1 : (long)value);
    }

    private static IndexExpr? At(Computation computation, IReadOnlyList<long> dims, IndexVar variable)
    {
        int at = computation.Dims.Items.IndexOf(variable);
        return at < 0 ? null : (IndexExpr)dims[at];
    }

    private static IEnumerable<long[]> Indices(long[] shape)
    {
        long count = shape.Aggregate(1L, (n, d) => n * d);
        long[] index = new long[shape.Length];
        for (long i = 0; i < count; i++)
        {
            long rest = i;
            for (int a = shape.Length - 1; a >= 0; a--) (rest, index[a]) = (rest / shape[a], rest % shape[a]);
            yield return index;
        }
    }
}
