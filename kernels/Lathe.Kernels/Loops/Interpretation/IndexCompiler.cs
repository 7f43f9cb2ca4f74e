namespace Lathe.Kernels.Loops.Interpretation;

/// <summary>Compiles index expressions to closures over slots. Arithmetic is checked, and so are the operands of quotients and remainders.</summary>
internal static class IndexCompiler
{
    public static IndexCode Compile(IndexExpr expression, Scope scope)
    {
        if (expression.IsConstant)
        {
            long constant = expression.Constant;
            return _ => constant;
        }

        IndexCode[] terms = [.. expression.Terms.Select(t => Compile(t, scope))];
        if (terms.Length == 1) return terms[0];
        return frame =>
        {
            long sum = 0;
            foreach (IndexCode term in terms) sum = checked(sum + term(frame));
            return sum;
        };
    }

    private static IndexCode Compile(IndexTerm term, Scope scope)
    {
        long coefficient = term.Coefficient;
        if (term.Atoms.Length == 0) return _ => coefficient;
        if (term.Atoms is [IndexVar variable])
        {
            int slot = scope.Find<IndexBinding>(variable.Name).Slot;
            return coefficient == 1 ? frame => frame.Indices[slot] : frame => checked(coefficient * frame.Indices[slot]);
        }

        IndexCode[] factors = [.. term.Atoms.Select(a => Compile(a, scope))];
        return frame =>
        {
            long product = coefficient;
            foreach (IndexCode factor in factors) product = checked(product * factor(frame));
            return product;
        };
    }

    private static IndexCode Compile(IndexAtom atom, Scope scope)
    {
        switch (atom)
        {
            case IndexVar variable:
                int slot = scope.Find<IndexBinding>(variable.Name).Slot;
                return frame => frame.Indices[slot];
            case IndexDiv quotient:
            {
                IndexCode a = Compile(quotient.Operand, scope), b = Compile(quotient.Divisor, scope);
                return frame =>
                {
                    (long x, long y) = Checked(quotient, a(frame), b(frame));
                    return x / y;
                };
            }

            case IndexMod remainder:
            {
                IndexCode a = Compile(remainder.Operand, scope), b = Compile(remainder.Divisor, scope);
                return frame =>
                {
                    (long x, long y) = Checked(remainder, a(frame), b(frame));
                    return x % y;
                };
            }

            case IndexMin least:
            {
                IndexCode a = Compile(least.A, scope), b = Compile(least.B, scope);
                return frame => Math.Min(a(frame), b(frame));
            }

            case IndexMax greatest:
            {
                IndexCode a = Compile(greatest.A, scope), b = Compile(greatest.B, scope);
                return frame => Math.Max(a(frame), b(frame));
            }

            case IndexSelect choice:
            {
                IndexCode a = Compile(choice.A, scope), b = Compile(choice.B, scope);
                IndexCode then = Compile(choice.Then, scope), otherwise = Compile(choice.Else, scope);
                return frame => a(frame) < b(frame) ? then(frame) : otherwise(frame);
            }

            default:
                throw new ArgumentOutOfRangeException(nameof(atom), atom, "No atom.");
        }
    }

    private static (long A, long B) Checked(IndexAtom atom, long a, long b)
    {
        if (b <= 0) throw new InterpreterException($"divides by {b} in '{atom}'");
        if (a < 0) throw new InterpreterException($"divides the negative {a} in '{atom}'");
        return (a, b);
    }
}
