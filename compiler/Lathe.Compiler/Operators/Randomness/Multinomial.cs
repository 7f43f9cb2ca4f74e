using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Compiler.Operators.Movement;
using Lathe.Compiler.Operators.Reductions;
using Lathe.Compiler.Operators.Shapes;
using Lathe.Kernels.Loops;
using Lathe.Runtime;
using Cast = Lathe.Compiler.Operators.Shapes.Cast;

namespace Lathe.Compiler.Operators.Randomness;

/// <summary>
/// Classes drawn with probabilities whose logarithms, up to a constant, are the rows of the input: the class for which logarithm plus a number of Gumbel's
/// distribution is greatest (Gumbel, "Statistical theory of extreme values", 1954).
/// </summary>
public sealed class Multinomial : IComposite<Multinomial>
{
    private Multinomial()
    {
    }

    /// <inheritdoc/>
    public static OpSchema Schema => new("Multinomial", 1, 1);

    /// <inheritdoc/>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder)
    {
        Value x = node.Inputs[0];
        long samples = AttributeReader.Get(node, "sample_size", 1L);
        ElementType element = AttributeReader.Element(node, "dtype", ElementType.Int32);
        if (x.Type.Rank != 2) throw node.Bad($"its input is {x.Type}");
        if (samples < 1) throw AttributeReader.Wrong(node, "sample_size", $"it is {samples}");
        // In float64, as the least likely classes are drawn by the last bits of a number.
        Value rows = builder.Add(new Unsqueeze([1]), builder.Add(new Cast(ElementType.Float64), x));
        Value each = builder.Add(new Expand((IndexExpr[])[x.Type.Dims[0], samples, x.Type.Dims[1]]), rows);
        Value uniform = Draw.Like(builder, new Draw([], ElementType.Float64, Seed: Draw.SeedOf(node)), each);
        Value gumbel = builder.Add(new Neg(), builder.Add(new Log(), builder.Add(new Neg(), builder.Add(new Log(), uniform))));
        return [builder.Add(new Cast(element), builder.Add(new ArgMax(2, false), builder.Add(new Add(), each, gumbel)))];
    }
}
