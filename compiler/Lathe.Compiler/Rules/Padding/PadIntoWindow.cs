using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Compiler.Operators.Linear;
using Lathe.Compiler.Operators.Movement;
using Lathe.Compiler.Operators.Pooling;
using Lathe.Kernels;

namespace Lathe.Compiler.Rules.Padding;

/// <summary>
/// conv(pad(x, p)) → conv'(x) with p added to its paddings, for padding by zero; average_pool(pad(x, p)) → average_pool'(x), which counts the padding;
/// max_pool(pad(x, p)) → max_pool'(x) for padding by what no maximum is: -∞, the least float, or zero beside values that are never negative.
/// </summary>
public static class PadIntoWindow
{
    /// <summary>Applies the rule.</summary>
    public static Value? TryRewrite(Node node, Rewriting g)
    {
        if (node.Inputs is not [{ IsNone: false, Node: { Op: Pad { Mode: "constant" } pad, Inputs: [var x, .. var value] } }, ..]) return null;
        int rank = x.Type.Rank;
        if (rank < 3 || KnownContents.Constants(pad.Pads) is not { } pads || pads.Any(p => p < 0) || pads[0] + pads[1] + pads[rank] + pads[rank + 1] != 0) return null;
        double? outside = value is [{ IsNone: false } given, ..] ? Patterns.Splat(given) : 0;
        long[] added = [.. pads[2..rank], .. pads[(rank + 2)..]];
        switch (node.Op)
        {
            case Conv conv when outside == 0 && HasExplicitPads(conv.AutoPad) && (node.Inputs.Length < 4 || node.Inputs[3].IsNone):
                return g.Add(conv with { AutoPad = "NOTSET", Pads = Sum(conv.Pads, added) }, [x, .. node.Inputs.Skip(1)]);
            case AveragePool pool when outside == 0 && HasExplicitPads(pool.AutoPad) && !pool.CeilMode && (pool.CountIncludePad || pool.Pads.All(p => p == 0)):
                return g.Add(pool with { AutoPad = "NOTSET", Pads = Sum(pool.Pads, added), CountIncludePad = true }, x);
            case MaxPool pool when HasExplicitPads(pool.AutoPad) && !pool.CeilMode && pool.Pads.All(p => p == 0)
                && IsNoMaximum(outside, x) && EveryWindowReadsX(pool, added):
                return g.Add(pool with { AutoPad = "NOTSET", Pads = added }, x);
            default:
                return null;
        }
    }

    private static bool HasExplicitPads(string autoPad) => autoPad is "NOTSET" or "VALID";

    private static EquatableArray<long> Sum(EquatableArray<long> own, long[] added) => own.Length == 0 ? added : [.. own.Select((p, i) => p + added[i])];

    private static bool IsNoMaximum(double? outside, Value x) => outside <= float.MinValue || (outside == 0 && IsNeverNegative(x));

    /// <summary>True if no window lies in the padding alone, whose maximum would be the padding's value.</summary>
    private static bool EveryWindowReadsX(MaxPool pool, long[] added) =>
        pool.Dilations.All(d => d == 1) && added.Select((p, i) => p < pool.KernelShape[i % pool.KernelShape.Length]).All(inside => inside);

    private static bool IsNeverNegative(Value x) => x.Node switch
    {
        { Op: Relu or Sigmoid or HardSigmoid or Abs or Exp } => true,
        { Op: Clip, Inputs: [_, var low, ..] } => Patterns.Splat(low) >= 0,
        { Op: MaxPool or AveragePool or ReshapeOperator or Transpose, Inputs: [var inner, ..] } => IsNeverNegative(inner),
        _ => false,
    };
}
