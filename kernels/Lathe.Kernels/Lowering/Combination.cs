using Lathe.Kernels.Loops;

namespace Lathe.Kernels.Lowering;

/// <summary>How partial running values of an accumulator combine, and the value that changes nothing.</summary>
internal sealed record Combination(BinaryOp Op, Expr Neutral)
{
    /// <summary>The combination of an accumulator's updates.</summary>
    /// <exception cref="ArgumentException">The updates do not combine.</exception>
    public static Combination Of(Accumulator accumulator) =>
        TryOf(accumulator) ?? throw new ArgumentException($"The updates of '{accumulator.Name}' do not combine.", nameof(accumulator));

    /// <summary>The combination, or null where updates do not combine.</summary>
    public static Combination? TryOf(Accumulator accumulator)
    {
        switch (accumulator.Update)
        {
            case Fma { C: Var c } e when c == accumulator.Value && !Mentions(e.A) && !Mentions(e.B):
                return new Combination(BinaryOp.Add, Const.Of(accumulator.Element, 0));
            case Dot4 { Accumulator: Var sum } e when sum == accumulator.Value && !Mentions(e.A) && !Mentions(e.B):
                return new Combination(BinaryOp.Add, Const.Of(accumulator.Element, 0));
            case Binary { Op: BinaryOp.Add or BinaryOp.Multiply or BinaryOp.Min or BinaryOp.Max or BinaryOp.And or BinaryOp.Or } e
                when (e.A is Var a && a == accumulator.Value && !Mentions(e.B)) || (e.B is Var b && b == accumulator.Value && !Mentions(e.A)):
                return e.Op switch
                {
                    BinaryOp.Add => new Combination(e.Op, Const.Of(accumulator.Element, 0)),
                    BinaryOp.Multiply => new Combination(e.Op, Const.Of(accumulator.Element, 1)),
                    // Starting from the start value twice changes nothing.
                    _ when accumulator.Init is Const start => new Combination(e.Op, start),
                    _ => null,
                };
            default:
                return null;
        }

        bool Mentions(Expr expression) => ExprWalk.Any(expression, e => e is Var v && v.Name == accumulator.Name);
    }
}
