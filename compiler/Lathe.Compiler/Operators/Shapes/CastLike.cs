using Lathe.Compiler.Graph;

namespace Lathe.Compiler.Operators.Shapes;

/// <summary>The elements as the type of a second input.</summary>
public sealed class CastLike : IComposite<CastLike>
{
    private CastLike()
    {
    }

    /// <inheritdoc/>
    public static OpSchema Schema => new("CastLike", 2, 2);

    /// <inheritdoc/>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder) =>
        [builder.Add(new Cast(node.Inputs[1].Type.Element), node.Inputs[0])];
}
