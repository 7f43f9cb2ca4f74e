namespace Lathe.Kernels.Loops;

/// <summary>Walks statements.</summary>
public static class StatementWalk
{
    /// <summary>A statement and every statement in it, in order.</summary>
    public static IEnumerable<Statement> All(Statement statement)
    {
        yield return statement;
        foreach (Statement child in Children(statement))
            foreach (Statement inner in All(child)) yield return inner;
    }

    /// <summary>The statements directly inside.</summary>
    public static IEnumerable<Statement> Children(Statement statement) => statement switch
    {
        Sequence s => s.Statements.Items,
        If s => s.Else is null ? [s.Then] : [s.Then, s.Else],
        For s => [s.Body],
        Alloc s => [s.Body],
        _ => [],
    };

    /// <summary>The expressions of a statement itself, not of statements inside.</summary>
    public static IEnumerable<Expr> Expressions(Statement statement) => statement switch
    {
        If s => [s.Condition],
        Let s => [s.Value],
        Assign s => [s.Value],
        Store s => s.Mask is null ? [s.Value] : [s.Value, s.Mask],
        _ => [],
    };

    /// <summary>The indices of a statement itself, those of its expressions included.</summary>
    public static IEnumerable<IndexExpr> Indices(Statement statement)
    {
        IEnumerable<IndexExpr> own = statement switch
        {
            For s => [s.Lo, s.Hi],
            LetIndex s => [s.Value],
            Pointer s => [s.Offset],
            Alloc s => [s.Size],
            Store s => [s.Index],
            TransposeBlock s => [s.ToIndex, s.ToStride, s.FromIndex, s.FromStride],
            Prefetch s => [s.Index],
            _ => [],
        };
        return own.Concat(Expressions(statement).SelectMany(ExprWalk.All).Select(e => e switch
        {
            Load l => l.Index,
            IndexValue v => v.Index,
            FirstLanes f => f.Count,
            _ => null,
        }).OfType<IndexExpr>());
    }
}
