namespace Lathe.Kernels.Loops.Interpretation;

/// <summary>Compiles index expressions to closures over slots. Arithmetic is checked, and so are the operands of quotients and remainders.</summary>
internal static class IndexCompiler
{
    /// <summary>A term that is a product of at most three variables; <see cref="LoopCode.One"/> stands for those that are missing.</summary>
    private readonly record struct Monomial(long Coefficient, int A, int B, int C);

    public static IndexCode Compile(IndexExpr expression, Scope scope)
    {
        List<Monomial> monomials = [];
        List<IndexCode> others = [];
        foreach (IndexTerm term in expression.Terms)
        {
            if (term.Atoms.Length <= 3 && term.Atoms.All(a => a is IndexVar))
            {
                int[] slots = [.. term.Atoms.Select(a => scope.Find<IndexBinding>(((IndexVar)a).Name).Slot), LoopCode.One, LoopCode.One, LoopCode.One];
                monomials.Add(new Monomial(term.Coefficient, slots[0], slots[1], slots[2]));
            }
            else others.Add(Compile(term, scope));
        }

        IndexCode polynomial = Polynomial([.. monomials]);
        if (others.Count == 0) return polynomial;
        IndexCode[] codes = [polynomial, .. others];
        return frame =>
        {
            long sum = 0;
            foreach (IndexCode code in codes) sum = checked(sum + code(frame));
            return sum;
        };
    }

    private static IndexCode Polynomial(Monomial[] terms)
    {
        if (terms.All(t => t.A == LoopCode.One))
        {
            long constant = terms.Length == 0 ? 0 : terms[0].Coefficient;
            return _ => constant;
        }

        if (terms is [{ Coefficient: 1, B: LoopCode.One, A: var only }]) return frame => frame.Indices[only];
        return frame =>
        {
            long[] indices = frame.Indices;
            long sum = 0;
            foreach (Monomial term in terms)
            {
                long product = checked(term.Coefficient * indices[term.A]);
                if (term.B != LoopCode.One) product = checked(product * indices[term.B] * indices[term.C]);
                sum = checked(sum + product);
            }

            return sum;
        };
    }

    private static IndexCode Compile(IndexTerm term, Scope scope)
    {
        long coefficient = term.Coefficient;
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
            case IndexDiv or IndexMod:
                {
                    (IndexExpr operand, IndexExpr divisor) = atom is IndexDiv div ? (div.Operand, div.Divisor) : (((IndexMod)atom).Operand, ((IndexMod)atom).Divisor);
                    IndexCode a = Compile(operand, scope), b = Compile(divisor, scope);
                    bool quotient = atom is IndexDiv;
                    return frame =>
                    {
                        (long x, long y) = (a(frame), b(frame));
                        if (y <= 0) throw new InterpreterException($"divides by {y} in '{atom}'");
                        if (x < 0) throw new InterpreterException($"divides the negative {x} in '{atom}'");
                        return quotient ? x / y : x % y;
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
}
