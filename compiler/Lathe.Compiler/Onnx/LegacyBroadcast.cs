using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Movement;
using Lathe.Kernels;

namespace Lathe.Compiler.Onnx;

/// <summary>
/// Broadcasting as it was before opset 7: with the attributes broadcast and axis the second operand's dims meet those of the first from an axis on. It
/// gets the trailing dims of 1 that let it broadcast as it does now.
/// </summary>
internal static class LegacyBroadcast
{
    /// <summary>The inputs of a node, aligned where its attributes ask for it.</summary>
    public static List<Value> Align(List<Value> inputs, Dictionary<string, object> attributes, GraphBuilder builder)
    {
        if (inputs is not [{ IsNone: false } a, { IsNone: false } b] || attributes.GetValueOrDefault("broadcast") is not 1L
            || attributes.GetValueOrDefault("axis") is not long axis) return inputs;
        long trailing = a.Type.Rank - (axis < 0 ? axis + a.Type.Rank : axis) - b.Type.Rank;
        if (trailing <= 0 || trailing > a.Type.Rank) return inputs;
        EquatableArray<long> axes = Enumerable.Range(b.Type.Rank, (int)trailing).Select(i => (long)i).ToEquatableArray();
        return [a, builder.Add(new Unsqueeze(axes), b)];
    }
}
