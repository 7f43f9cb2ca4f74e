using Lathe.Compiler.Graph;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Shapes;

/// <summary>
/// Makes symbols of the elements of a small tensor of integers when it is run: from then on shapes may speak of them. What does so reads its inputs through
/// <see cref="View"/>, so that it comes later. The output is the input.
/// </summary>
/// <param name="Symbols">One symbol per element, whose range the element has to be in.</param>
/// <param name="Checks">Expressions that have to be at least 0 for these elements.</param>
public sealed record Measure(EquatableArray<IndexExpr> Symbols, EquatableArray<IndexExpr> Checks = default) : Op, IOp<Measure>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new(null, 1, 1);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Opaque;

    /// <inheritdoc/>
    public override bool IsInPlace => true;

    /// <summary>The symbols as variables.</summary>
    public IEnumerable<IndexVar> Variables => Symbols.Select(s => s.Variables.Single());

    /// <inheritdoc/>
    public override Op Substitute(Func<IndexVar, IndexExpr?> replacement) =>
        this with { Checks = Checks.Select(c => c.Substitute(replacement)).ToEquatableArray() };

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        TensorType x = context.Integer(0);
        context.Require(x.Count == Symbols.Length, $"{x} has not {Symbols.Length} elements");
        context.Output(x with { Layout = null }, Symbols);
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        long[] values = inputs[0]!.ToInt64s();
        IndexVar[] symbols = [.. Variables];
        for (int i = 0; i < values.Length; i++)
        {
            if (values[i] < symbols[i].Min || values[i] > symbols[i].Max)
                throw new ArgumentException($"{symbols[i].Name} is {values[i]}: it has to be {symbols[i].Min} to {symbols[i].Max}.");
        }

        foreach (IndexExpr check in Checks)
        {
            IndexExpr value = check.Substitute(v => Array.IndexOf(symbols, v) is >= 0 and var i ? (IndexExpr)values[i] : null);
            if (value.IsConstant && value.Value < 0) throw new ArgumentException($"The sizes {string.Join(", ", values)} do not fit.");
        }

        return [inputs[0]!];
    }

    /// <summary>The value, with symbols as elements.</summary>
    /// <param name="builder">Where the node is made.</param>
    /// <param name="value">A tensor of integers with a known, small number of elements.</param>
    /// <param name="min">What each element is at least.</param>
    /// <param name="max">What each element is at most.</param>
    /// <param name="checks">What has to be at least 0, made of the symbols; null for nothing.</param>
    public static Value Of(
        GraphBuilder builder, Value value, long min = 0, long max = SymbolNames.DefaultMax, Func<IReadOnlyList<IndexExpr>, IEnumerable<IndexExpr>>? checks = null)
    {
        if (value.Contents is not null) return value;
        if (checks is not null) return Of(builder, value, [.. Enumerable.Repeat(new IndexRange(min, max), (int)value.Type.Count.Value)], checks);
        if (builder.MeasuredAs(value, min, max) is { } known) return known;
        Value measured = Of(builder, value, [.. Enumerable.Repeat(new IndexRange(min, max), (int)value.Type.Count.Value)], _ => []);
        builder.IsMeasuredAs(value, min, max, measured);
        return measured;
    }

    /// <summary>The value, with symbols as elements.</summary>
    /// <param name="builder">Where the node is made.</param>
    /// <param name="value">A tensor of integers.</param>
    /// <param name="ranges">Between what each element has to be.</param>
    /// <param name="checks">What has to be at least 0, made of the symbols.</param>
    public static Value Of(
        GraphBuilder builder, Value value, IReadOnlyList<IndexRange> ranges, Func<IReadOnlyList<IndexExpr>, IEnumerable<IndexExpr>> checks)
    {
        string stem = builder.CurrentName ?? "m";
        IndexExpr[] symbols = new IndexExpr[ranges.Count];
        for (int i = 0; i < symbols.Length; i++)
            symbols[i] = builder.Symbols.FreshComputed(symbols.Length == 1 ? stem : $"{stem}_{i}", ranges[i].Min, ranges[i].Max);
        return builder.Add(new Measure(symbols, [.. checks(symbols)]), value);
    }

    /// <summary>True for a value that symbols can be made of: narrower integers than these cannot hold every symbol.</summary>
    public static bool CanBeMeasured(Value value) => value.Type.Element is ElementType.Int32 or ElementType.Int64 && KnownContents.Static(value.Type.Dims) is not null;
}
