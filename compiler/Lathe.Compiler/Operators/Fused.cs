using Lathe.Compiler.Graph;
using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators;

/// <summary>
/// Operators that become one kernel. The body's inputs stand for the node's inputs in order; it has one output, and at most one operator in it
/// reduces: the others are element-wise or move elements. Another group in the body is computed in the same kernel, part by part as it is needed.
/// </summary>
/// <param name="Body">What is computed.</param>
/// <param name="OutputLayout">How the output lies in memory; null means row-major.</param>
/// <param name="Device">What computes it, in whose memory the output lies.</param>
public sealed record Fused(Graph.Graph Body, Layout? OutputLayout = null, string Device = "CPU") : Op
{
    /// <inheritdoc/>
    public override OpRole Role => OpRole.Opaque;

    /// <summary>The body's result.</summary>
    public Value Result => Body.Outputs[0].Value;

    /// <summary>The operators in order of computation, without inputs and constants.</summary>
    public IEnumerable<Node> Members => Body.TopologicalOrder().Where(n => n.Op is not (Input or Constant));

    /// <summary>The operators in order of computation, those of groups inside among them.</summary>
    public IEnumerable<Op> Operators => Members.SelectMany(m => m.Op is Fused before ? before.Operators : [m.Op]);

    /// <summary>The operator that decides how the kernel is scheduled: the one that reduces, or the first.</summary>
    public Node Root => Members.FirstOrDefault(n => n.Op.Role is OpRole.Contraction or OpRole.Reduction or OpRole.Rows) ?? Members.First();

    /// <inheritdoc/>
    public override void Infer(InferContext context) => context.Output(Result.Type with { Layout = OutputLayout });

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        Dictionary<Node, TensorData[]> values = [];
        for (int i = 0; i < inputs.Count; i++) values[Body.Inputs[i].Value.Node] = [inputs[i]!];
        foreach (Node node in Body.TopologicalOrder())
        {
            if (values.ContainsKey(node)) continue;
            values[node] = node.Op.Evaluate([.. node.Inputs.Select(v => v.IsNone ? null : values[v.Node][v.Output])], node.OutputTypes);
        }

        return [values[Result.Node][Result.Output]];
    }

    /// <inheritdoc/>
    public override IndexExpr Macs(IReadOnlyList<TensorType> inputs, IReadOnlyList<TensorType> outputs) =>
        Members.Aggregate(IndexExpr.Zero, (sum, n) => sum + n.Op.Macs([.. n.Inputs.Where(v => !v.IsNone).Select(v => v.Type)], n.OutputTypes));
}
