using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;

namespace Lathe.Compiler.Rules;

/// <summary>What a rule works with: it adds nodes, and asks who else reads a value.</summary>
public sealed class Rewriting(GraphBuilder builder)
{
    private readonly Dictionary<Value, int> _uses = [];

    /// <summary>The builder of the graph that is being made.</summary>
    public GraphBuilder Builder => builder;

    /// <summary>An operator applied to values, for an operator of one output.</summary>
    /// <exception cref="Diagnostics.DiagnosticException">The values do not fit the operator.</exception>
    public Value Add(Op op, params ReadOnlySpan<Value> inputs) => builder.Add(op, inputs);

    /// <summary>A constant.</summary>
    public Value Constant(TensorData data) => builder.Constant(data);

    /// <summary>
    /// True if at most one reader has this value: a rule that merges an operator into its reader would otherwise compute it twice. What rules
    /// have added counts as read once.
    /// </summary>
    public bool IsReadOnce(Value value) => _uses.GetValueOrDefault(value, 1) <= 1;

    /// <summary>Says how many readers a value has.</summary>
    internal void CountUses(Value value, int uses) => _uses[value] = _uses.GetValueOrDefault(value) + uses;
}
