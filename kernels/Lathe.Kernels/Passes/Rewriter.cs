using Lathe.Kernels.Loops;

namespace Lathe.Kernels.Passes;

/// <summary>
/// Rebuilds a program record by record; what a rewriter does not override stays as it is, by reference where nothing inside changed.
/// Shared expressions are visited once per statement, so that a graph of them does not become a tree in time.
/// </summary>
public abstract class Rewriter
{
    private readonly Dictionary<Expr, Expr> _seen = new(ReferenceEqualityComparer.Instance);

    /// <summary>Rewrites a kernel's body.</summary>
    public Kernel Run(Kernel kernel)
    {
        Statement body = Visit(kernel.Body);
        return ReferenceEquals(body, kernel.Body) ? kernel : kernel with { Body = body };
    }

    /// <summary>Rewrites an index.</summary>
    public virtual IndexExpr Visit(IndexExpr index) => index;

    /// <summary>Rewrites an expression; the same expression gives the same result until <see cref="Forget"/>.</summary>
    public Expr Visit(Expr expression)
    {
        if (_seen.TryGetValue(expression, out Expr? known)) return known;
        Expr result = Rewrite(expression);
        _seen[expression] = result;
        return result;
    }

    /// <summary>Rewrites a statement.</summary>
    public virtual Statement Visit(Statement statement)
    {
        switch (statement)
        {
            case Sequence s:
                return VisitSequence(s);
            case If s:
                Expr condition = Visit(s.Condition);
                Statement then = Visit(s.Then);
                Statement? otherwise = s.Else is null ? null : Visit(s.Else);
                return Same(condition, s.Condition) && Same(then, s.Then) && Same(otherwise, s.Else) ? s : new If(condition, then, otherwise);
            case For s:
                IndexExpr lo = Visit(s.Lo), hi = Visit(s.Hi);
                Statement body = Visit(s.Body);
                return Same(lo, s.Lo) && Same(hi, s.Hi) && Same(body, s.Body) ? s : s with { Lo = lo, Hi = hi, Body = body };
            case Let s:
                Expr value = Visit(s.Value);
                return Same(value, s.Value) ? s : s with { Value = value };
            case LetIndex s:
                IndexExpr index = Visit(s.Value);
                return Same(index, s.Value) ? s : s with { Value = index };
            case Assign s:
                value = Visit(s.Value);
                return Same(value, s.Value) ? s : s with { Value = value };
            case Pointer s:
                index = Visit(s.Offset);
                return Same(index, s.Offset) ? s : s with { Offset = index };
            case Alloc s:
                index = Visit(s.Size);
                body = Visit(s.Body);
                return Same(index, s.Size) && Same(body, s.Body) ? s : s with { Size = index, Body = body };
            case Store s:
                index = Visit(s.Index);
                value = Visit(s.Value);
                Expr? mask = s.Mask is null ? null : Visit(s.Mask);
                return Same(index, s.Index) && Same(value, s.Value) && Same(mask, s.Mask) ? s : s with { Index = index, Value = value, Mask = mask };
            case TransposeBlock s:
                return s with { ToIndex = Visit(s.ToIndex), ToStride = Visit(s.ToStride), FromIndex = Visit(s.FromIndex), FromStride = Visit(s.FromStride) };
            case Prefetch s:
                index = Visit(s.Index);
                return Same(index, s.Index) ? s : s with { Index = index };
            default:
                return statement;
        }
    }

    /// <summary>Rewrites the statements of a block; nested sequences become part of it.</summary>
    protected virtual Statement VisitSequence(Sequence sequence)
    {
        List<Statement> statements = new(sequence.Statements.Length);
        bool changed = false;
        foreach (Statement statement in sequence.Statements)
        {
            Statement visited = Visit(statement);
            changed |= !ReferenceEquals(visited, statement) || visited is Sequence;
            Block.Append(statements, visited);
        }

        return changed ? Block.Of(statements) : sequence;
    }

    /// <summary>Rewrites an expression that was not seen before; by default its operands.</summary>
    protected virtual Expr Rewrite(Expr expression)
    {
        switch (expression)
        {
            case IndexValue e:
                IndexExpr index = Visit(e.Index);
                return Same(index, e.Index) ? e : e with { Index = index };
            case Unary e:
                Expr a = Visit(e.A);
                return Same(a, e.A) ? e : e with { A = a };
            case Binary e:
                a = Visit(e.A);
                Expr b = Visit(e.B);
                return Same(a, e.A) && Same(b, e.B) ? e : e with { A = a, B = b };
            case Select e:
                a = Visit(e.Condition);
                b = Visit(e.Then);
                Expr c = Visit(e.Else);
                return Same(a, e.Condition) && Same(b, e.Then) && Same(c, e.Else) ? e : new Select(a, b, c);
            case Fma e:
                a = Visit(e.A);
                b = Visit(e.B);
                c = Visit(e.C);
                return Same(a, e.A) && Same(b, e.B) && Same(c, e.C) ? e : new Fma(a, b, c);
            case Dot4 e:
                a = Visit(e.A);
                b = Visit(e.B);
                c = Visit(e.Accumulator);
                return Same(a, e.A) && Same(b, e.B) && Same(c, e.Accumulator) ? e : e with { A = a, B = b, Accumulator = c };
            case Dot2 e:
                a = Visit(e.A);
                b = Visit(e.B);
                c = Visit(e.Accumulator);
                return Same(a, e.A) && Same(b, e.B) && Same(c, e.Accumulator) ? e : e with { A = a, B = b, Accumulator = c };
            case Cast e:
                a = Visit(e.A);
                return Same(a, e.A) ? e : e with { A = a };
            case Bits e:
                a = Visit(e.A);
                return Same(a, e.A) ? e : e with { A = a };
            case Splat e:
                a = Visit(e.A);
                return Same(a, e.A) ? e : e with { A = a };
            case FirstLanes e:
                index = Visit(e.Count);
                return Same(index, e.Count) ? e : e with { Count = index };
            case Shuffle e:
                a = Visit(e.A);
                b = Visit(e.B);
                return Same(a, e.A) && Same(b, e.B) ? e : e with { A = a, B = b };
            case Reduce e:
                a = Visit(e.A);
                return Same(a, e.A) ? e : e with { A = a };
            case Load e:
                index = Visit(e.Index);
                Expr? mask = e.Mask is null ? null : Visit(e.Mask);
                return Same(index, e.Index) && Same(mask, e.Mask) ? e : e with { Index = index, Mask = mask };
            case Gather e:
                a = Visit(e.Index);
                mask = e.Mask is null ? null : Visit(e.Mask);
                return Same(a, e.Index) && Same(mask, e.Mask) ? e : e with { Index = a, Mask = mask };
            default:
                return expression;
        }
    }

    /// <summary>Makes the rewriter visit expressions anew, because what they depend on has changed.</summary>
    protected void Forget() => _seen.Clear();

    private static bool Same(object? a, object? b) => ReferenceEquals(a, b);
}

/// <summary>Puts statements together.</summary>
internal static class Block
{
    /// <summary>An empty block.</summary>
    public static Sequence Empty { get; } = new([]);

    /// <summary>One statement as it is, several as a sequence without nested ones.</summary>
    public static Statement Of(params IReadOnlyList<Statement> statements)
    {
        List<Statement> flat = new(statements.Count);
        foreach (Statement statement in statements) Append(flat, statement);
        return flat.Count == 1 ? flat[0] : new Sequence([.. flat]);
    }

    /// <summary>Adds a statement, or the statements of a sequence.</summary>
    public static void Append(List<Statement> statements, Statement statement)
    {
        if (statement is Sequence sequence) foreach (Statement inner in sequence.Statements) Append(statements, inner);
        else statements.Add(statement);
    }

    /// <summary>The statements of a block.</summary>
    public static IReadOnlyList<Statement> StatementsOf(Statement statement) => statement is Sequence sequence ? sequence.Statements.Items : [statement];
}
