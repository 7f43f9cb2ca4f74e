using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Control;

namespace Lathe.Compiler.Passes;

/// <summary>if(true, x) → then(x), if(false, x) → else(x): the body takes the operator's place.</summary>
public sealed class InlineBranches : IPass
{
    /// <inheritdoc/>
    public Graph.Graph Run(Graph.Graph graph, PassContext context) => Rebuild.Run(graph, (node, builder) =>
        node is { Op: If branch, Inputs: [{ Constant: { Count: 1 } condition }, .. var captured] }
            ? BodyCapture.Inline(condition.GetInt64(0) != 0 ? branch.Then : branch.Else, captured, builder)
            : null);
}
