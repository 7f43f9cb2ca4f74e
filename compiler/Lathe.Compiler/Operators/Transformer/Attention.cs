using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Compiler.Operators.Linear;
using Lathe.Compiler.Operators.Movement;
using Lathe.Compiler.Operators.Normalization;
using Lathe.Compiler.Operators.Reductions;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Transformer;

/// <summary>
/// softmax(softcap(scale · q·kᵀ) + mask) · v for each head, where one head of k and v may serve several of q. Inputs are q, k, v, a mask, the keys and
/// values of earlier calls, which k and v continue, and how many keys of each instance count. Outputs are the result, all keys, all values, and the
/// scores at a point of choice. A query that may see no key has the result 0.
/// </summary>
public sealed class Attention : IComposite<Attention>
{
    private Attention()
    {
    }

    /// <inheritdoc/>
    public static OpSchema Schema => new("Attention", 3, 7, 4);

    /// <inheritdoc/>
    /// <remarks>Up to opset 23 there are no counts of keys, up to 24 no windows.</remarks>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder)
    {
        AttentionHeads heads = AttentionHeads.Read(node, builder);
        Value key = Continue(4, heads.Key), value = Continue(5, heads.Value);
        ElementType element = heads.Query.Type.Element, wide = element.Arithmetic();
        double scale = AttributeReader.Get(node, "scale", float.NaN);
        if (double.IsNaN(scale)) scale = 1 / Math.Sqrt(AttentionHeads.Known(node, heads.Query.Type.Dims[3], "the size of a head"));

        Value scaled = builder.Add(new Mul(), builder.Widen(heads.Query), builder.Number(wide, scale));
        Value raw = heads.Multiply(scaled, builder.Add(new Transpose([0, 1, 3, 2]), builder.Widen(key)));
        Value capped = Cap(raw), masked = AttentionMask.Apply(node, builder, capped, node.Has(4) ? node.Inputs[4].Type.Dims[2] : IndexExpr.Zero, out bool mayBeEmpty);
        Value weights = builder.Cast(Softmax(builder.Cast(masked, SoftmaxElement())), wide);
        Value y = builder.Cast(heads.Multiply(weights, builder.Widen(value)), element);
        return [heads.Join(y), key, value, builder.Cast(Chosen(), element)];

        Value Continue(int past, Value present) => node.Has(past) ? builder.Add(new Concat(2), node.Inputs[past], present) : present;

        Value Cap(Value scores)
        {
            float cap = AttributeReader.Get(node, "softcap", 0f);
            if (!(cap > 0)) return scores;
            Value limit = builder.Number(wide, cap);
            return builder.Add(new Mul(), builder.Add(new Tanh(), builder.Add(new Div(), scores, limit)), limit);
        }

        ElementType SoftmaxElement()
        {
            // Narrower precisions than the arithmetic's are no loss to exceed.
            long asked = AttributeReader.Get(node, "softmax_precision", 0L);
            if (asked is not (0 or (long)ElementType.Float32 or (long)ElementType.Float64 or (long)ElementType.Float16 or (long)ElementType.BFloat16))
                throw AttributeReader.Wrong(node, "softmax_precision", $"{asked} is no type of floats");
            return asked == (long)ElementType.Float64 ? ElementType.Float64 : wide;
        }

        Value Softmax(Value scores)
        {
            Value shares = builder.Add(new Softmax(), scores);
            if (!mayBeEmpty) return shares;
            Value greatest = builder.Add(new ReduceMax([3]), scores);
            Value empty = builder.Add(new Equal(), greatest, builder.Number(scores.Type.Element, double.NegativeInfinity));
            return builder.Add(new Where(), empty, builder.Number(scores.Type.Element, 0), shares);
        }

        Value Chosen()
        {
            long mode = AttributeReader.Get(node, "qk_matmul_output_mode", 0L);
            return mode switch
            {
                0 => raw,
                1 => capped,
                2 => masked,
                3 => weights,
                _ => throw AttributeReader.Wrong(node, "qk_matmul_output_mode", $"{mode} is unknown"),
            };
        }
    }
}
