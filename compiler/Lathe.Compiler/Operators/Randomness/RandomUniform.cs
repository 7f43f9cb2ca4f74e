using Lathe.Compiler.Graph;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Randomness;

/// <summary>Numbers of the uniform distribution from low to before high, in a shape that is an attribute.</summary>
public sealed class RandomUniform : IComposite<RandomUniform>
{
    private RandomUniform()
    {
    }

    /// <inheritdoc/>
    public static OpSchema Schema => new("RandomUniform", 0, 0);

    /// <inheritdoc/>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder)
    {
        double low = AttributeReader.Get(node, "low", 0f), high = AttributeReader.Get(node, "high", 1f);
        Draw draw = new([], AttributeReader.Element(node, "dtype", ElementType.Float32), false, low, high - low, Draw.SeedOf(node));
        return [Draw.Of(builder, draw, AttributeReader.Get<long[]>(node, "shape", []).Select(d => (IndexExpr)d).ToEquatableArray())];
    }
}
