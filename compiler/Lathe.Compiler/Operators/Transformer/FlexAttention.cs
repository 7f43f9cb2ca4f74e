using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Compiler.Operators.Movement;
using Lathe.Compiler.Operators.Normalization;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Transformer;

/// <summary>
/// prob_mod(softmax(score_mod(scale · q·kᵀ))) · v for each head, where one head of k and v may serve several of q, and both functions are graphs that a
/// model may give.
/// </summary>
public sealed class FlexAttention : IComposite<FlexAttention>
{
    private FlexAttention()
    {
    }

    /// <inheritdoc/>
    public static OpSchema Schema => new("FlexAttention", 3, 3, 1, "ai.onnx.preview");

    /// <inheritdoc/>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder)
    {
        if (node.Inputs[0].Type.Rank != 4) throw node.Bad($"the queries are {node.Inputs[0].Type}, not of rank 4");
        AttentionHeads heads = AttentionHeads.Read(node, builder);
        ElementType element = heads.Query.Type.Element, wide = element.Arithmetic();
        double scale = AttributeReader.Get(node, "scale", float.NaN);
        if (double.IsNaN(scale)) scale = 1 / Math.Sqrt(AttentionHeads.Known(node, heads.Query.Type.Dims[3], "the size of a head"));

        Value scaled = builder.Add(new Mul(), builder.Widen(heads.Query), builder.Number(wide, scale));
        Value scores = heads.Multiply(scaled, builder.Add(new Transpose([0, 1, 3, 2]), builder.Widen(heads.Key)));
        Value weights = Changed("prob_mod", builder.Add(new Softmax(), Changed("score_mod", scores)));
        return [builder.Cast(heads.Multiply(weights, builder.Widen(heads.Value)), element)];

        // The graphs are written for the element type of the inputs.
        Value Changed(string attribute, Value value)
        {
            if (!node.Attributes.TryGetValue(attribute, out object? given)) return value;
            if (given is not OnnxGraph graph) throw AttributeReader.Wrong(node, attribute, "it is no graph");
            IReadOnlyList<Value> results = graph.Import(builder, [builder.Cast(value, element)]);
            if (results is not [var only] || !only.Type.Dims.SequenceEqual(value.Type.Dims) || only.Type.Element != element)
                throw AttributeReader.Wrong(node, attribute, $"it does not give a tensor like {value.Type}");
            return builder.Widen(only);
        }
    }
}
