using Lathe.Compiler.Graph;

namespace Lathe.Compiler.Operators.Scattering;

/// <summary>The older name of <see cref="ScatterElements"/>, without a reduction.</summary>
public sealed class Scatter : IComposite<Scatter>
{
    private Scatter()
    {
    }

    /// <inheritdoc/>
    public static OpSchema Schema => new("Scatter", 3, 3);

    /// <inheritdoc/>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder) => AttributeReader.ImportPlain<ScatterElements>(node, builder);
}
