using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Compiler.Operators.Shapes;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Randomness;

/// <summary>1 with the probability that each element of the input is, otherwise 0: whether a uniform number lies below it.</summary>
public sealed class Bernoulli : IComposite<Bernoulli>
{
    private Bernoulli()
    {
    }

    /// <inheritdoc/>
    public static OpSchema Schema => new("Bernoulli", 1, 1);

    /// <inheritdoc/>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder)
    {
        Value p = node.Inputs[0];
        ElementType wide = p.Type.Element == ElementType.Float64 ? ElementType.Float64 : ElementType.Float32;
        Value drawn = Draw.Like(builder, new Draw([], wide, Seed: Draw.SeedOf(node)), p);
        Value isBelow = builder.Add(new Less(), drawn, builder.Add(new Cast(wide), p));
        return [builder.Add(new Cast(AttributeReader.Element(node, "dtype", p.Type.Element)), isBelow)];
    }
}
