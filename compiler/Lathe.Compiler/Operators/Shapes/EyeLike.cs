using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Compiler.Operators.Movement;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Shapes;

/// <summary>A matrix of the input's shape with ones on its k-th diagonal and zeros elsewhere.</summary>
public sealed class EyeLike : IComposite<EyeLike>
{
    private EyeLike()
    {
    }

    /// <inheritdoc/>
    public static OpSchema Schema => new("EyeLike", 1, 1);

    /// <inheritdoc/>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder)
    {
        TensorType x = node.Inputs[0].Type;
        if (x.Rank != 2) throw node.Bad($"{x} is no matrix");
        long element = AttributeReader.Get(node, "dtype", (long)x.Element), k = AttributeReader.Get(node, "k", 0L);
        ElementType type = element is > 0 and <= (long)ElementType.BFloat16 ? (ElementType)element : ElementType.Undefined;
        if (!type.IsFloat() && !type.IsInteger() && type != ElementType.Bool) throw AttributeReader.Wrong(node, "dtype", $"{element} is no type of numbers");
        if (!x.IsStatic)
        {
            // Further out than any tensor reaches, diagonals do not differ.
            Value rows = builder.Add(new Unsqueeze([1]), RuntimeShapes.Places(builder, node.Inputs[0], 0)), offset = RuntimeShapes.Vector(builder, Math.Clamp(k, -1L << 40, 1L << 40));
            return [builder.Add(new Cast(type), builder.Add(new Equal(), builder.Add(new Add(), rows, offset), RuntimeShapes.Places(builder, node.Inputs[0], 1)))];
        }

        TensorData eye = TensorData.Zeros(type, x.StaticDims);
        for (long row = Math.Max(0, k == long.MinValue ? long.MaxValue : -k); row < eye.Dims[0] && row + k < eye.Dims[1]; row++)
            eye.SetDouble((int)((row * eye.Dims[1]) + row + k), 1);
        return [builder.Constant(eye)];
    }
}
