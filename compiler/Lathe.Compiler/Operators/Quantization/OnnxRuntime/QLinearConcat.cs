using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Movement;

namespace Lathe.Compiler.Operators.Quantization.OnnxRuntime;

/// <summary>Tensors one after another along an axis, each with scale and zero point; those of the result come first.</summary>
public sealed class QLinearConcat : IComposite<QLinearConcat>
{
    private QLinearConcat()
    {
    }

    /// <inheritdoc/>
    public static OpSchema Schema => new("QLinearConcat", 5, int.MaxValue, Domain: Quantized.Domain);

    /// <inheritdoc/>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder)
    {
        if (node.Inputs.Count % 3 != 2) throw node.Bad($"{node.Inputs.Count} inputs are no tensors with scale and zero point");
        Value[] parts = [.. Enumerable.Range(0, node.Inputs.Count / 3).Select(i => Quantized.Read(node, builder, 2 + (3 * i)))];
        return Quantized.Write(node, builder, builder.Add(AttributeReader.Read<Concat>(node), parts), 0, node.Inputs[2].Type.Element);
    }
}
