using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Compiler.Operators.Shapes;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Movement;

/// <summary>ONNX's Slice where data determine its bounds, axes or steps: they are clamped as ONNX says when the model runs, and measured.</summary>
internal static class SliceOfData
{
    /// <summary>True if <see cref="Slice"/> can state what is taken: all inputs are known, and of no bound it is open whether it counts from the end.</summary>
    public static bool IsStatic(OnnxNode node)
    {
        for (int input = 1; input < 5; input++)
            if (!node.IsKnown(input)) return false;
        return Enumerable.Range(1, 2).All(input => !node.Has(input) || OnnxInputs.Known(node, input, "bounds").All(b => b.Range.Min >= 0 || b.Range.Max < 0));
    }

    /// <summary>The slice.</summary>
    public static Value Import(OnnxNode node, GraphBuilder g)
    {
        Value x = node.Inputs[0], starts = Input(1, "its starts"), ends = Input(2, "its ends");
        int rank = x.Type.Rank, count = (int)starts.Type.Count.Value;
        if (ends.Type.Count != count || count > rank || count == 0) throw node.Bad($"{starts.Type} starts and {ends.Type} ends do not fit {x.Type}");
        Value? axes = node.Has(3) ? Input(3, "its axes") : null, steps = node.Has(4) ? Input(4, "its steps") : null;
        if (axes is { } a && a.Type.Count != count) throw node.Bad($"{a.Type} axes do not fit {count} starts");
        if (steps is { } s && s.Type.Count != count) throw node.Bad($"{s.Type} steps do not fit {count} starts");
        if (steps is { } t && KnownContents.Constants(t.Contents)?.Contains(0) == true) throw node.Bad("a step is 0");

        int[] sliced = [.. Enumerable.Range(0, axes is null ? count : rank)];
        Value dims = RuntimeShapes.Dims(g, x), zeros = RuntimeShapes.Vector(g, 0), isValid = g.Constant(TensorData.Of(ElementType.Bool, (ReadOnlySpan<bool>)[true]));
        if (axes is { } given && KnownContents.Constants(given.Contents) is { } known)
        {
            sliced = [.. known.Select(axis => node.Axis(axis, rank))];
            if (sliced.Distinct().Count() != count) throw node.Bad($"axes {string.Join(", ", known)} name one twice");
        }
        else if (axes is { } open)
        {
            // Axes that are not given are taken as they are: from the start to the end, in steps of one.
            Value matches = RuntimeShapes.Matches(g, open, rank);
            isValid = RuntimeShapes.AreDistinct(g, matches);
            starts = RuntimeShapes.Spread(g, matches, starts, zeros);
            ends = RuntimeShapes.Spread(g, matches, ends, dims);
            if (steps is { } some) steps = RuntimeShapes.Spread(g, matches, some, RuntimeShapes.Vector(g, 1));
        }

        if (sliced.Length < rank || !sliced.SequenceEqual(Enumerable.Range(0, rank))) dims = g.Add(new Gather(), dims, RuntimeShapes.Vector(g, [.. sliced.Select(i => (long)i)]));
        return Take(g, x, sliced, dims, starts, ends, steps, isValid);

        Value Input(int input, string what) => node.IsKnown(input)
            ? RuntimeShapes.AsVector(g, node.Inputs[input])
            : OnnxInputs.Vector(node, g, input, what);
    }

    private static Value Take(GraphBuilder g, Value x, int[] sliced, Value dims, Value starts, Value ends, Value? steps, Value isValid)
    {
        Value zero = RuntimeShapes.Vector(g, 0), one = RuntimeShapes.Vector(g, 1), last = g.Add(new Sub(), dims, one);
        Value from, length;
        long[]? fixedSteps = steps is { } given ? KnownContents.Constants(given.Contents) : [.. sliced.Select(_ => 1L)];
        if (steps is { } step)
        {
            // From the length of the axis on, steps do not differ; they are kept small, so that products of them are.
            Value longest = g.Add(new Max(), dims, one), forward = g.Add(new Less(), zero, step);
            step = g.Add(new Max(), g.Add(new Neg(), longest), g.Add(new Min(), longest, step));
            steps = step;
            // Going backwards, the places are those before the first element up to the last one.
            Value low = g.Add(new Where(), forward, zero, RuntimeShapes.Vector(g, -1)), high = g.Add(new Where(), forward, dims, last);
            from = Clamp(starts, low, high);
            Value to = Clamp(ends, low, high), distance = g.Add(new Where(), forward, g.Add(new Sub(), to, from), g.Add(new Sub(), from, to)), size = g.Add(new Abs(), step);
            length = g.Add(new Div(), g.Add(new Add(), g.Add(new Max(), distance, zero), g.Add(new Sub(), size, one)), size);
            isValid = g.Add(new And(), isValid, RuntimeShapes.All(g, g.Add(new Less(), zero, size)));
        }
        else
        {
            from = Clamp(starts, zero, dims);
            length = g.Add(new Max(), g.Add(new Sub(), Clamp(ends, zero, dims), from), zero);
        }

        // Where nothing is taken the start may lie outside.
        from = g.Add(new Max(), zero, g.Add(new Min(), last, from));
        int n = sliced.Length;
        Value all = RuntimeShapes.Checked(g, isValid, g.Add(new Concat(0), from, length));
        IEnumerable<IndexRange> ranges = Enumerable.Repeat(new IndexRange(0, RuntimeShapes.Max), 2 * n);
        if (fixedSteps is null)
        {
            all = g.Add(new Concat(0), all, steps!.Value);
            ranges = ranges.Concat(Enumerable.Repeat(new IndexRange(-RuntimeShapes.Max, RuntimeShapes.Max), n));
        }

        Value measured = Measure.Of(g, all, [.. ranges], Inside);
        IReadOnlyList<IndexExpr> known = measured.Contents!.Value;
        IndexExpr[] first = new IndexExpr[x.Type.Rank], apart = new IndexExpr[x.Type.Rank], taken = [.. x.Type.Dims];
        Array.Fill(first, IndexExpr.Zero);
        Array.Fill(apart, IndexExpr.One);
        for (int i = 0; i < n; i++) (first[sliced[i]], taken[sliced[i]], apart[sliced[i]]) = (known[i], known[n + i], Step(known, i));
        return g.Add(new StridedSlice(first, apart, taken), View.After(g, x, measured));

        IndexExpr Step(IReadOnlyList<IndexExpr> values, int i) => fixedSteps is null ? values[(2 * n) + i] : Math.Clamp(fixedSteps[i], -RuntimeShapes.Max, RuntimeShapes.Max);

        // The first and the last place that are read lie inside the axis, if any do.
        IEnumerable<IndexExpr> Inside(IReadOnlyList<IndexExpr> values)
        {
            for (int i = 0; i < n; i++)
            {
                IndexExpr start = values[i], count = values[n + i], end = start + ((count - 1) * Step(values, i)), top = x.Type.Dims[sliced[i]] - 1;
                yield return count * (top - start);
                yield return count * end;
                yield return count * (top - end);
            }
        }

        Value Clamp(Value bound, Value low, Value high) =>
            g.Add(new Max(), low, g.Add(new Min(), high, g.Add(new Where(), g.Add(new Less(), bound, zero), g.Add(new Add(), bound, dims), bound)));
    }
}
