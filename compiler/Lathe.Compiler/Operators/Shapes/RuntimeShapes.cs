using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Compiler.Operators.Movement;
using Lathe.Compiler.Operators.Reductions;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Shapes;

/// <summary>
/// The arithmetic of shapes as nodes, for shapes that data determine: vectors of int64 that are computed when the model runs, and then measured
/// (<see cref="Measure"/>). Where the data are known after all, constant folding does the same.
/// </summary>
internal static class RuntimeShapes
{
    /// <summary>The greatest dim or number of elements that data may determine.</summary>
    public const long Max = 1L << 31;

    /// <summary>A vector of numbers.</summary>
    public static Value Vector(GraphBuilder g, params ReadOnlySpan<long> values) => g.Constant(TensorData.OfInt64s(values));

    /// <summary>0, 1, 2, … up to before a number.</summary>
    public static Value Iota(GraphBuilder g, int count)
    {
        long[] values = new long[count];
        for (int i = 0; i < count; i++) values[i] = i;
        return Vector(g, values);
    }

    /// <summary>The dims of a value.</summary>
    public static Value Dims(GraphBuilder g, Value value) => g.Add(new Shape(), value);

    /// <summary>The number of elements of a value, as a vector of one.</summary>
    public static Value Count(GraphBuilder g, Value value) =>
        value.Type.Rank == 0 ? Vector(g, 1) : g.Add(new ReduceProd((EquatableArray<long>)[0L], true), Dims(g, value));

    /// <summary>A value as a vector of int64.</summary>
    public static Value AsVector(GraphBuilder g, Value value)
    {
        if (value.Type.Element != ElementType.Int64) value = g.Add(new Cast(ElementType.Int64), value);
        return value.Type.Rank == 1 ? value : g.Add(new Reshape([value.Type.Count]), value);
    }

    /// <summary>Axes counted from the start.</summary>
    public static Value Axes(GraphBuilder g, Value axes, int rank) =>
        g.Add(new Where(), g.Add(new Less(), axes, Vector(g, 0)), g.Add(new Add(), axes, Vector(g, rank)), axes);

    /// <summary>Which of the axes of a rank each of some axes is: bool[rank, number of axes].</summary>
    public static Value Matches(GraphBuilder g, Value axes, int rank) =>
        g.Add(new Equal(), g.Add(new Unsqueeze([1]), Iota(g, rank)), g.Add(new Unsqueeze([0]), Axes(g, axes, rank)));

    /// <summary>For each axis of a rank the value that some axes have, and another for those that are not among them.</summary>
    /// <param name="g">Where nodes are made.</param>
    /// <param name="matches">What <see cref="Matches"/> gives.</param>
    /// <param name="values">One value per axis given.</param>
    /// <param name="others">The values of the axes that are not given, one per axis of the rank.</param>
    public static Value Spread(GraphBuilder g, Value matches, Value values, Value others)
    {
        Value spread = Sum(g, g.Add(new Where(), matches, g.Add(new Unsqueeze([0]), values), Vector(g, 0)), 1);
        return g.Add(new Where(), Any(g, matches), spread, others);
    }

    /// <summary>For each axis of a rank, whether it is among some axes.</summary>
    public static Value Any(GraphBuilder g, Value matches) =>
        g.Add(new Less(), Vector(g, 0), Sum(g, g.Add(new Cast(ElementType.Int64), matches), 1));

    /// <summary>The elements of a vector of a rank that are kept, in order.</summary>
    /// <param name="g">Where nodes are made.</param>
    /// <param name="values">The vector.</param>
    /// <param name="dropped">For each element, whether it goes.</param>
    /// <param name="kept">How many stay.</param>
    public static Value Keep(GraphBuilder g, Value values, Value dropped, int kept)
    {
        int rank = (int)values.Type.Dims[0].Value;
        Value stays = g.Add(new Where(), dropped, Vector(g, 0), Vector(g, 1));
        // The place of an element that stays is the number of those before it: the sum along a row of a strictly lower triangle.
        Value before = g.Add(new Less(), g.Add(new Unsqueeze([0]), Iota(g, rank)), g.Add(new Unsqueeze([1]), Iota(g, rank)));
        Value place = Sum(g, g.Add(new Where(), before, g.Add(new Unsqueeze([0]), stays), Vector(g, 0)), 1);
        place = g.Add(new Where(), dropped, Vector(g, -1), place);
        Value at = g.Add(new Equal(), g.Add(new Unsqueeze([1]), Iota(g, kept)), g.Add(new Unsqueeze([0]), place));
        return Sum(g, g.Add(new Where(), at, g.Add(new Unsqueeze([0]), values), Vector(g, 0)), 1);
    }

    /// <summary>A value in a shape that data determine.</summary>
    /// <param name="g">Where nodes are made.</param>
    /// <param name="value">The value.</param>
    /// <param name="dims">Its dims, not negative; their product has to be the number of its elements, which is checked when it is known.</param>
    public static Value InShape(GraphBuilder g, Value value, Value dims)
    {
        if (dims.Contents is { } known) return g.Add(new Reshape(known), value);
        IndexExpr count = value.Type.Count;
        Value measured = Measure.Of(g, dims, 0, Max, d => [count - IndexExpr.Product(d), IndexExpr.Product(d) - count]);
        return g.Add(new View(measured.Contents!.Value), value, measured);
    }

    private static Value Sum(GraphBuilder g, Value value, long axis) => g.Add(new ReduceSum((EquatableArray<long>)[axis], false), value);
}
