using System.Collections.Immutable;
using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Graph;

/// <summary>A named input or output of a graph.</summary>
public sealed record GraphPort(string Name, Value Value);

/// <summary>
/// IR 1: named inputs and outputs over interned nodes. Immutable; passes make new graphs. Names of nodes live in <see cref="Names"/>, since
/// they must not break interning.
/// </summary>
/// <param name="Name">The model's name.</param>
/// <param name="Inputs">The inputs; each value is a node of the operator Input.</param>
/// <param name="Outputs">The outputs.</param>
/// <param name="Symbols">The named dims, with their ranges, in order of first appearance.</param>
/// <param name="Names">The model's name for a node, for messages and counters. A node made by a pass has that of the one it replaces.</param>
public sealed record Graph(
    string Name,
    ImmutableArray<GraphPort> Inputs,
    ImmutableArray<GraphPort> Outputs,
    ImmutableArray<IndexVar> Symbols,
    ImmutableDictionary<Node, string> Names)
{
    /// <summary>The values by the model's names for them, of a graph as it was imported: passes leave them behind.</summary>
    public ImmutableDictionary<string, Value> Tensors { get; init; } = ImmutableDictionary<string, Value>.Empty;

    /// <summary>Every node that an output or input needs, each after its inputs. The order is the same in every run.</summary>
    public IReadOnlyList<Node> TopologicalOrder()
    {
        List<Node> order = [];
        HashSet<Node> seen = [];
        // An explicit stack: models come with chains of tens of thousands of nodes.
        Stack<(Node Node, int Next)> stack = new();
        foreach (GraphPort port in Inputs.Concat(Outputs))
        {
            if (!seen.Add(port.Value.Node)) continue;
            stack.Push((port.Value.Node, 0));
            while (stack.TryPop(out (Node Node, int Next) top))
            {
                if (top.Next == top.Node.Inputs.Length)
                {
                    order.Add(top.Node);
                    continue;
                }

                stack.Push((top.Node, top.Next + 1));
                Value input = top.Node.Inputs[top.Next];
                if (!input.IsNone && seen.Add(input.Node)) stack.Push((input.Node, 0));
            }
        }

        return order;
    }

    /// <summary>The name for messages: the model's, or the operator's with a number.</summary>
    public string NameOf(Node node) => Names.TryGetValue(node, out string? name) ? name : $"{node.Op.Name}_{node.Id}";

    /// <summary>Who uses each node: pairs of user and input number, in topological order.</summary>
    public Dictionary<Node, List<(Node User, int Input)>> Users()
    {
        Dictionary<Node, List<(Node, int)>> users = [];
        foreach (Node node in TopologicalOrder())
        {
            users.TryAdd(node, []);
            for (int i = 0; i < node.Inputs.Length; i++)
                if (!node.Inputs[i].IsNone) users[node.Inputs[i].Node].Add((node, i));
        }

        return users;
    }
}
