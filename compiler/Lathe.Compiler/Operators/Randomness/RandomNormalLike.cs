using Lathe.Compiler.Graph;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Randomness;

/// <summary>Numbers of a normal distribution, in the shape of the input.</summary>
public sealed class RandomNormalLike : IComposite<RandomNormalLike>
{
    private RandomNormalLike()
    {
    }

    /// <inheritdoc/>
    public static OpSchema Schema => new("RandomNormalLike", 1, 1);

    /// <inheritdoc/>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder)
    {
        ElementType element = AttributeReader.Element(node, "dtype", node.Inputs[0].Type.Element);
        Draw draw = new([], element, true, AttributeReader.Get(node, "mean", 0f), AttributeReader.Get(node, "scale", 1f), Draw.SeedOf(node));
        return [Draw.Like(builder, draw, node.Inputs[0])];
    }
}
