using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Shapes;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Passes;

/// <summary>
/// f(constants) → constant, and a tensor whose elements are known for other reasons, such as the shape of something → constant. Bounded: a small
/// model must not become a large one by what its constants expand to.
/// </summary>
public sealed class FoldConstants : IPass
{
    /// <summary>Results up to this size are always folded; larger ones only if they are not much larger than what they are made from.</summary>
    private const long SmallBytes = 1 << 16;

    /// <summary>The largest result that is folded.</summary>
    private const long MaxBytes = 64 << 20;

    /// <summary>What all folded results of a graph may take beyond twice its constants.</summary>
    private const long MaxTotalBytes = 256 << 20;

    /// <summary>More arithmetic than this is left to the kernels: the evaluation here is a slow one.</summary>
    private const long MaxMacs = 1 << 26;

    /// <inheritdoc/>
    public Graph.Graph Run(Graph.Graph graph, PassContext context)
    {
        long budget = MaxTotalBytes + (2 * graph.TopologicalOrder().Sum(n => n.Op is Constant constant ? constant.Data.Bytes.LongLength : 0));
        return Rebuild.Run(graph, (node, builder) =>
        {
            // What waits for a measurement stays behind it, whatever it is.
            if (node.Op is Input or Constant or Measure or View || !node.Op.IsDeterministic) return null;
            if (node.OutputTypes.Length == 1 && KnownElements(node, builder) is { } known) return [known];
            if (TryEvaluate(node, ref budget) is not { } results) return null;
            return [.. results.Select(builder.Constant)];
        });
    }

    private static Value? KnownElements(Node node, GraphBuilder builder)
    {
        TensorType type = node.OutputTypes[0];
        if (node.Contents[0] is not { } elements || !type.IsStatic || !elements.All(e => e.IsConstant)) return null;
        TensorData data = TensorData.Zeros(type.Element, type.StaticDims);
        for (int i = 0; i < data.Count; i++) data.SetInt64(i, elements[i].Value);
        return builder.Constant(data);
    }

    private static TensorData[]? TryEvaluate(Node node, ref long budget)
    {
        // A node without inputs would be a source of its own, such as random numbers.
        if (node.Inputs.All(v => v.IsNone) || node.Inputs.Any(v => !v.IsNone && v.Constant is null)) return null;
        if (node.OutputTypes.Any(t => !t.IsStatic)) return null;
        TensorData?[] inputs = [.. node.Inputs.Select(v => v.IsNone ? null : v.Constant)];
        long from = inputs.Sum(i => i?.Bytes.LongLength ?? 0), to = node.OutputTypes.Sum(SizeOf);
        if (to > SmallBytes && (to > 2 * from || to > MaxBytes || to > budget)) return null;
        IndexExpr macs = node.Op.Macs([.. node.Inputs.Where(v => !v.IsNone).Select(v => v.Type)], node.OutputTypes);
        if (!macs.IsConstant || macs.Value > MaxMacs) return null;
        try
        {
            TensorData[] results = node.Op.Evaluate(inputs, node.OutputTypes);
            budget -= to;
            return results;
        }
        catch (Exception failed) when (failed is ArithmeticException or ArgumentException or InvalidOperationException or IndexOutOfRangeException
            or NotSupportedException or FormatException)
        {
            // Bad indices in constants are reported where all bad indices are: when the operator runs.
            return null;
        }
    }

    private static long SizeOf(TensorType type) => type.Count.Value * (type.Element == ElementType.String ? 16 : type.Element.Size());
}
