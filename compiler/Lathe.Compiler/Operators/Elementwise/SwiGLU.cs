using Lathe.Compiler.Graph;

namespace Lathe.Compiler.Operators.Elementwise;

/// <summary>swish(a) · b for inputs of one shape.</summary>
public sealed class SwiGLU : IComposite<SwiGLU>
{
    private SwiGLU()
    {
    }

    /// <inheritdoc/>
    public static OpSchema Schema => new("SwiGLU", 2, 2);

    /// <inheritdoc/>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder)
    {
        Value a = node.Inputs[0], b = node.Inputs[1];
        if (!a.Type.Dims.SequenceEqual(b.Type.Dims)) throw node.Bad($"{a.Type} and {b.Type} differ");
        Value gate = builder.Add(new Swish(AttributeReader.Get(node, "alpha", 1f)), builder.Widen(a));
        return [builder.Cast(builder.Add(new Mul(), gate, builder.Widen(b)), a.Type.Element)];
    }
}
