using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Elementwise;

namespace Lathe.Compiler.Rules.Weights;

/// <summary>A multiplication or an addition with one number per channel, in whichever way it is written.</summary>
internal static class ChannelArithmetic
{
    /// <summary>x · factor[c] as x · c or x / c; null if the node is neither.</summary>
    public static (Value X, double[] Factor)? Scale(Node node, Func<Value, int> channelAxis) => node.Op switch
    {
        Mul when Patterns.WithConstant(node) is var (x, c) && Numbers(x, c, node, channelAxis) is { } factor => (x, factor),
        Div when node.Inputs is [var x, { Constant: not null } c] && Numbers(x, c, node, channelAxis) is { } divisor && !divisor.Contains(0) =>
            (x, [.. divisor.Select(d => 1 / d)]),
        _ => null,
    };

    /// <summary>x + offset[c] as x + c or x - c; null if the node is neither.</summary>
    public static (Value X, double[] Offset)? Offset(Node node, Func<Value, int> channelAxis) => node.Op switch
    {
        Add when Patterns.WithConstant(node) is var (x, c) && Numbers(x, c, node, channelAxis) is { } offset => (x, offset),
        Sub when node.Inputs is [var x, { Constant: not null } c] && Numbers(x, c, node, channelAxis) is { } offset => (x, [.. offset.Select(o => -o)]),
        _ => null,
    };

    /// <summary>The channels' numbers if all are finite and the constant does not make x larger.</summary>
    private static double[]? Numbers(Value x, Value constant, Node node, Func<Value, int> channelAxis) =>
        x.HasTypeOf(node) && Patterns.PerChannel(constant, x.Type, channelAxis(x)) is { } numbers && numbers.All(double.IsFinite) ? numbers : null;
}
