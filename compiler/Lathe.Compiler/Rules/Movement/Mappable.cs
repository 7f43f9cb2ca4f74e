using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Compiler.Operators.Shapes;

namespace Lathe.Compiler.Rules.Movement;

/// <summary>Operators that compute every element from the elements at the same place, inputs broadcast as NumPy does, whatever the order of axes.</summary>
internal static class Mappable
{
    /// <summary>True for such an operator.</summary>
    public static bool Is(Op op) => op is UnaryOperator or BinaryOperator or VariadicOperator or Clip or Cast or Where;

    /// <summary>
    /// The node with each input replaced, where all can be; null otherwise. At least one input must be none of the constants with one element, which
    /// stay as they are.
    /// </summary>
    public static Value? Rewrite(Node node, Rewriting g, Func<Value, Value?> replacement)
    {
        if (!Is(node.Op) || node.Inputs.All(IsScalar)) return null;
        Value[] inputs = new Value[node.Inputs.Length];
        for (int i = 0; i < inputs.Length; i++)
        {
            if (IsScalar(node.Inputs[i])) inputs[i] = node.Inputs[i];
            else if (replacement(node.Inputs[i]) is { } replaced) inputs[i] = replaced;
            else return null;
        }

        return g.Add(node.Op, inputs);
    }

    private static bool IsScalar(Value value) => value.IsNone || value.Constant is { Count: 1 };
}
