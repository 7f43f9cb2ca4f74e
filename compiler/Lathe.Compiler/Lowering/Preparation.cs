using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Control;
using Lathe.Compiler.Operators.Shapes;

namespace Lathe.Compiler.Lowering;

/// <summary>
/// Which groups are computed once, when the model is loaded: those that depend on weights alone, unless the results are far larger than the weights. On every device they are then there as weights are.
/// </summary>
internal sealed class Preparation
{
    /// <summary>Elements that a group may prepare for each element of the constants it is computed of: Winograd's transform makes 36 of 9.</summary>
    private const int MostSpread = 4;

    /// <summary>Elements that all groups together may prepare for each element of the model's constants: a widened weight, its transform, and as much again.</summary>
    private const int MostSpreadOfAll = 8;

    private readonly HashSet<Node> _groups = [];
    private readonly HashSet<Value> _everywhere = [];
    private Int128 _preparedElements;
    private Int128 _constantElements;

    private Preparation()
    {
    }

    /// <summary>What is prepared of a laid-out graph, and of the bodies in it.</summary>
    public static Preparation Of(Graph.Graph graph)
    {
        Preparation preparation = new();
        preparation.Collect(graph);
        return preparation;
    }

    /// <summary>Nothing is prepared.</summary>
    public static Preparation None { get; } = new();

    /// <summary>True for a group that is computed when the model is loaded.</summary>
    public bool Has(Node node) => _groups.Contains(node);

    /// <summary>True for a value that is a weight, is computed of weights when the model is loaded, or is a part of one such: it is in the memory of every device.</summary>
    public bool IsEverywhere(Value value) => _everywhere.Contains(value);

    private void Collect(Graph.Graph graph)
    {
        HashSet<Value> outputs = [.. graph.Outputs.Select(o => o.Value)];
        IReadOnlyList<Node> order = graph.TopologicalOrder();
        foreach (Node node in order)
            if (node.Op is Constant) _constantElements += Elements(node.OutputTypes[0]);
        foreach (Node node in order)
        {
            switch (node.Op)
            {
                case Constant:
                    _everywhere.Add(node[0]);
                    break;
                case Fused fused when node.Inputs.Length > 0 && node.Inputs.All(_everywhere.Contains) && !outputs.Contains(node[0]):
                    if (PlanBuilder.Alias(node, fused) is not null)
                    {
                        _everywhere.Add(node[0]);
                    }
                    else if (IsWorthIt(node, fused))
                    {
                        _groups.Add(node);
                        _everywhere.Add(node[0]);
                        _preparedElements += Elements(node.OutputTypes[0]);
                    }

                    break;
                case View when node.Inputs.All(_everywhere.Contains):
                    _everywhere.Add(node[0]);
                    break;
                case If choice:
                    foreach (Graph.Graph body in (Graph.Graph[])[choice.Then, choice.Else])
                    {
                        for (int i = 0; i < body.Inputs.Length; i++)
                            if (_everywhere.Contains(node.Inputs[i + 1])) _everywhere.Add(body.Inputs[i].Value);
                        Collect(body);
                    }

                    break;
                case ForLoop loop:
                    for (int i = (int)loop.States; i < loop.Body.Inputs.Length; i++)
                        if (_everywhere.Contains(node.Inputs[i])) _everywhere.Add(loop.Body.Inputs[i].Value);
                    Collect(loop.Body);
                    break;
            }
        }
    }

    private bool IsWorthIt(Node node, Fused fused) =>
        node.OutputTypes[0].IsStatic && fused.Operators.All(o => o.IsDeterministic)
        && ComputationBuilder.Build(fused, [.. node.Inputs.Select(v => v.Type)], node.OutputTypes[0], "").Computation.Dims.Length == 0
        && Elements(node.OutputTypes[0]) is var made && made <= MostSpread * SourceElements(node) && _preparedElements + made <= MostSpreadOfAll * _constantElements;

    /// <summary>How many elements the constants have that a node is computed of, directly or through what is prepared.</summary>
    private static Int128 SourceElements(Node node)
    {
        Int128 elements = 0;
        HashSet<Value> seen = [];
        Stack<Value> rest = new(node.Inputs);
        while (rest.TryPop(out Value value))
        {
            if (!seen.Add(value)) continue;
            if (value.Op is Fused or View)
                foreach (Value input in value.Node.Inputs) rest.Push(input);
            else elements += Elements(value.Type);
        }

        return elements;
    }

    private static Int128 Elements(TensorType type)
    {
        Int128 elements = 1;
        foreach (Lathe.Kernels.Loops.IndexExpr dim in type.Dims) elements *= dim.Value;
        return elements;
    }
}
