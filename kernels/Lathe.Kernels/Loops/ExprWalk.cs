namespace Lathe.Kernels.Loops;

/// <summary>Walks expressions.</summary>
public static class ExprWalk
{
    /// <summary>The operands of an expression in order, masks included.</summary>
    public static IEnumerable<Expr> Operands(Expr expression) => expression switch
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

    /// <summary>An expression and everything in it, each record once.</summary>
    public static IEnumerable<Expr> All(Expr expression)
    {
        HashSet<Expr> seen = new(ReferenceEqualityComparer.Instance);
        Stack<Expr> open = new([expression]);
        while (open.TryPop(out Expr? next))
        {
            if (!seen.Add(next)) continue;
            yield return next;
            foreach (Expr operand in Operands(next).Reverse()) open.Push(operand);
        }
    }

    /// <summary>True if all lanes take the same side of a choice, so that the other side is not computed at all.</summary>
    public static bool IsUniform(this Select select) => select.Condition is { Type.Lanes: 1 } or Splat;

    /// <summary>True if the predicate holds for the expression or anything in it.</summary>
    public static bool Any(Expr expression, Func<Expr, bool> predicate) => All(expression).Any(predicate);
}
