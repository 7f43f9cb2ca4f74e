using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Compiler.Operators.Movement;
using Lathe.Compiler.Operators.Shapes;

namespace Lathe.Compiler.Rules.Canonical;

/// <summary>identity(x), cast(x) to its own type, expand(x) to its own shape, sum, mean, max or min of x alone, clip(x) without bounds → x.</summary>
public static class NoOperation
{
    /// <summary>Applies the rule.</summary>
    public static Value? TryRewrite(Node node, Rewriting g) => node switch
    {
        { Op: Identity, Inputs: [var x, ..] } => x,
        { Op: Cast or Expand, Inputs: [var x] } when x.HasTypeOf(node) => x,
        { Op: Concat or Sum or Mean or Max or Min, Inputs: [var x] } => x,
        { Op: Clip, Inputs: [var x, .. var bounds] } when bounds.All(b => b.IsNone) => x,
        _ => null,
    };
}
