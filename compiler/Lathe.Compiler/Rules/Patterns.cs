using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Rules;

/// <summary>Questions that several rules ask.</summary>
internal static class Patterns
{
    /// <summary>The operand and the constant of an operator of two inputs in either order; null if none is a constant.</summary>
    public static (Value Operand, Value Constant)? WithConstant(Node node) => node.Inputs switch
    {
        [var a, { Constant: not null } c] => (a, c),
        [{ Constant: not null } c, var a] => (a, c),
        _ => null,
    };

    /// <summary>The only value of a constant of floats, also where it is repeated.</summary>
    public static double? Splat(Value value)
    {
        if (value.IsNone || value.Constant is not { Count: > 0 } data || !data.Element.IsFloat()) return null;
        double first = data.GetDouble(0);
        for (int i = 1; i < data.Count; i++)
            if (data.GetDouble(i) != first) return null;
        return first;
    }

    /// <summary>
    /// A constant of floats as one number per index of an axis of a tensor that it is broadcast to, without making that larger; null if it differs
    /// along another axis.
    /// </summary>
    public static double[]? PerChannel(Value constant, TensorType tensor, int axis)
    {
        if (constant.IsNone || constant.Constant is not { } data || !data.Element.IsFloat() || data.Element != tensor.Element) return null;
        if (data.Dims.Length > tensor.Rank || axis < 0 || axis >= tensor.Rank || !tensor.Dims[axis].IsConstant) return null;
        long channels = tensor.Dims[axis].Value;
        int along = axis - (tensor.Rank - data.Dims.Length);
        for (int i = 0; i < data.Dims.Length; i++)
            if (data.Dims[i] != 1 && (i != along || data.Dims[i] != channels)) return null;
        return [.. Enumerable.Range(0, checked((int)channels)).Select(c => data.GetDouble(data.Count == 1 ? 0 : c))];
    }

    /// <summary>The constant of 16 bits that a value is made of where it is nothing but its elements in float32; otherwise null.</summary>
    public static Value? StoredHalf(Value value) =>
        value is { IsNone: false, Op: Operators.Shapes.Cast { To: ElementType.Float32 }, Node.Inputs: [{ Constant.Element: ElementType.Float16 or ElementType.BFloat16 } stored] } ? stored : null;

    /// <summary>A constant of given numbers.</summary>
    public static Value Numbers(this Rewriting g, ElementType element, ReadOnlySpan<double> values, params long[] dims)
    {
        TensorData data = TensorData.Zeros(element, dims);
        for (int i = 0; i < values.Length; i++) data.SetDouble(i, values[i]);
        return g.Constant(data);
    }

    /// <summary>A constant with a function of every element.</summary>
    public static Value Map(this Rewriting g, TensorData data, Func<double, double> function) =>
        g.Numbers(data.Element, [.. Enumerable.Range(0, data.Count).Select(i => function(data.GetDouble(i)))], data.Dims);

    /// <summary>True if a value is another of the same type: a replacement is only as good as its type.</summary>
    public static bool HasTypeOf(this Value value, Node node) => value.Type == node.OutputTypes[0];
}
