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

    /// <summary>0, 1, 2, … along an axis of a value, once its dims are known.</summary>
    public static Value Places(GraphBuilder g, Value value, int axis) => value.Type.IsStatic
        ? g.Add(new Range(IndexExpr.Zero, IndexExpr.One, value.Type.Dims[axis], ElementType.Int64))
        : g.Add(new Range(IndexExpr.Zero, IndexExpr.One, value.Type.Dims[axis], ElementType.Int64), value);

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

    /// <summary>Whether all axes exist and none is given twice, as bool[1].</summary>
    public static Value AreDistinct(GraphBuilder g, Value matches) => g.Add(
        new Equal(), g.Add(new ReduceSum((EquatableArray<long>)[0L], true), g.Add(new Cast(ElementType.Int64), Any(g, matches))), Vector(g, matches.Type.Dims[1].Value));

    /// <summary>Whether all elements of a vector of bools are true, as bool[1].</summary>
    public static Value All(GraphBuilder g, Value conditions) => g.Add(new ReduceMin((EquatableArray<long>)[0L], true), conditions);

    /// <summary>Values where a condition holds, and elsewhere what no range of a <see cref="Measure"/> takes in, so that the data are refused.</summary>
    public static Value Checked(GraphBuilder g, Value isValid, Value values) => g.Add(new Where(), isValid, values, Vector(g, long.MinValue));

    /// <summary>The elements of a vector of a rank that are kept, in order.</summary>
    /// <param name="g">Where nodes are made.</param>
    /// <param name="values">The vector.</param>
    /// <param name="dropped">For each element, whether it goes.</param>
    /// <param name="kept">How many stay.</param>
    public static Value Keep(GraphBuilder g, Value values, Value dropped, int kept)
    {
        Value at = g.Add(new Equal(), g.Add(new Unsqueeze([1]), Iota(g, kept)), g.Add(new Unsqueeze([0]), Places(g, dropped)));
        return Sum(g, g.Add(new Where(), at, g.Add(new Unsqueeze([0]), values), Vector(g, 0)), 1);
    }

    /// <summary>A vector of a rank with the elements of another in order, and ones between them.</summary>
    /// <param name="g">Where nodes are made.</param>
    /// <param name="values">The other vector.</param>
    /// <param name="inserted">For each element of the result, whether it is a one.</param>
    public static Value Insert(GraphBuilder g, Value values, Value inserted)
    {
        Value at = g.Add(new Equal(), g.Add(new Unsqueeze([1]), Places(g, inserted)), g.Add(new Unsqueeze([0]), Iota(g, (int)values.Type.Dims[0].Value)));
        return g.Add(new Where(), inserted, Vector(g, 1), Sum(g, g.Add(new Where(), at, g.Add(new Unsqueeze([0]), values), Vector(g, 0)), 1));
    }

    /// <summary>For each element, its place among those that are not dropped; -1 if it is.</summary>
    private static Value Places(GraphBuilder g, Value dropped)
    {
        int rank = (int)dropped.Type.Dims[0].Value;
        Value stays = g.Add(new Where(), dropped, Vector(g, 0), Vector(g, 1));
        // The place of an element that stays is the number of those before it: the sum along a row of a strictly lower triangle.
        Value before = g.Add(new Less(), g.Add(new Unsqueeze([0]), Iota(g, rank)), g.Add(new Unsqueeze([1]), Iota(g, rank)));
        Value place = Sum(g, g.Add(new Where(), before, g.Add(new Unsqueeze([0]), stays), Vector(g, 0)), 1);
        return g.Add(new Where(), dropped, Vector(g, -1), place);
    }

    /// <summary>A value in a shape that data determine.</summary>
    /// <param name="g">Where nodes are made.</param>
    /// <param name="value">The value.</param>
    /// <param name="dims">Its dims, not negative; their product has to be the number of its elements, which is checked when it is known. Null for a scalar.</param>
    /// <param name="isValid">Whether the data fit, as bool[1]; null if they do.</param>
    public static Value InShape(GraphBuilder g, Value value, Value? dims, Value? isValid = null)
    {
        if (isValid is null && dims?.Contents is { } known) return g.Add(new Reshape(known), value);
        IndexExpr count = value.Type.Count;
        Value shape = dims ?? Vector(g, 1);
        if (isValid is { } condition) shape = Checked(g, condition, shape);
        Value measured = Measure.Of(g, shape, 0, Max, d => [count - IndexExpr.Product(d), IndexExpr.Product(d) - count]);
        return g.Add(new View(dims is null ? (EquatableArray<IndexExpr>)[] : measured.Contents!.Value), value, measured);
    }

    private static Value Sum(GraphBuilder g, Value value, long axis) => g.Add(new ReduceSum((EquatableArray<long>)[axis], false), value);
}
