using Lathe.Compiler.Graph;

namespace Lathe.Compiler.Operators.Randomness;

/// <summary>Numbers of the uniform distribution from low to before high, in the shape of the input.</summary>
public sealed class RandomUniformLike : IComposite<RandomUniformLike>
{
    private RandomUniformLike()
    {
    }

    /// <inheritdoc/>
    public static OpSchema Schema => new("RandomUniformLike", 1, 1);

    /// <inheritdoc/>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder)
    {
        double low = AttributeReader.Get(node, "low", 0f), high = AttributeReader.Get(node, "high", 1f);
        Draw draw = new([], AttributeReader.Element(node, "dtype", node.Inputs[0].Type.Element), false, low, high - low, Draw.SeedOf(node));
        return [Draw.Like(builder, draw, node.Inputs[0])];
    }
}
