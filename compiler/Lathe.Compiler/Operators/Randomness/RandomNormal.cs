using Lathe.Compiler.Graph;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Randomness;

/// <summary>Numbers of a normal distribution, in a shape that is an attribute.</summary>
public sealed class RandomNormal : IComposite<RandomNormal>
{
    private RandomNormal()
    {
    }

    /// <inheritdoc/>
    public static OpSchema Schema => new("RandomNormal", 0, 0);

    /// <inheritdoc/>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder)
    {
        Draw draw = new([], AttributeReader.Element(node, "dtype", ElementType.Float32), true, AttributeReader.Get(node, "mean", 0f), AttributeReader.Get(node, "scale", 1f), Draw.SeedOf(node));
        return [Draw.Of(builder, draw, AttributeReader.Get<long[]>(node, "shape", []).Select(d => (IndexExpr)d).ToEquatableArray())];
    }
}
