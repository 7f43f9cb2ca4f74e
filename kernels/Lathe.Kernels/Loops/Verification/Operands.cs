namespace Lathe.Kernels.Loops.Verification;

/// <summary>The operands of expressions.</summary>
internal static class Operands
{
    /// <summary>The operands in order, masks included.</summary>
    public static Expr[] Of(Expr expression) => expression switch
    {
        Unary e => [e.A],
        Binary e => [e.A, e.B],
        Select e => [e.Condition, e.Then, e.Else],
        Fma e => [e.A, e.B, e.C],
        Dot4 e => [e.Accumulator, e.A, e.B],
        Dot2 e => [e.Accumulator, e.A, e.B],
        Cast e => [e.A],
        Bits e => [e.A],
        Splat e => [e.A],
        Shuffle e => [e.A, e.B],
        Reduce e => [e.A],
        Load { Mask: { } mask } => [mask],
        Gather e => e.Mask is null ? [e.Index] : [e.Index, e.Mask],
        _ => [],
    };
}
