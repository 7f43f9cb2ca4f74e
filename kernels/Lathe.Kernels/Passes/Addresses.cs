using Lathe.Kernels.Loops;

namespace Lathe.Kernels.Passes;

/// <summary>
/// Makes every address a pointer plus a constant. At every loop each buffer gets one pointer for every distinct set of terms that is
/// known there, derived from the one a level up; the constant stays at the load. Quotients, remainders, minima, maxima and choices get a
/// name where their variables become known, and count as variables from then on. RyuJIT does the rest; without this pass a tile of
/// 28x16 falls to 80 % of its speed.
/// </summary>
public static class Addresses
{
    /// <summary>Runs the pass.</summary>
    public static Kernel Run(Kernel kernel)
    {
        Names names = Names.In(kernel);
        Known known = new(null);
        foreach (IndexVar dim in kernel.Dims) known.Add(dim.Name);
        known.Add(Kernel.From.Name);
        known.Add(Kernel.To.Name);
        return kernel with { Body = new Placing(names).Visit(kernel.Body, known) };
    }

    /// <summary>What is known inside a block, beside what is known around it.</summary>
    private sealed class Known(Known? outer)
    {
        private readonly HashSet<string> _variables = new(StringComparer.Ordinal);
        private readonly Dictionary<string, IndexVar> _atoms = new(StringComparer.Ordinal);
        private readonly Dictionary<string, List<(IndexExpr Terms, string Name)>> _pointers = new(StringComparer.Ordinal);

        public void Add(string variable) => _variables.Add(variable);

        public bool Has(IndexVar variable) => _variables.Contains(variable.Name) || (outer?.Has(variable) ?? false);

        public IndexVar? NameOf(IndexAtom atom) => _atoms.TryGetValue(atom.ToString()!, out IndexVar? name) ? name : outer?.NameOf(atom);

        public void Name(IndexAtom atom, IndexVar name)
        {
            _atoms.TryAdd(atom.ToString()!, name);
            _variables.Add(name.Name);
        }

        public void Add(string buffer, IndexExpr terms, string name)
        {
            if (!_pointers.TryGetValue(buffer, out List<(IndexExpr, string)>? list)) _pointers[buffer] = list = [];
            list.Add((terms, name));
        }

        public string? PointerTo(string buffer, IndexExpr terms)
        {
            if (_pointers.TryGetValue(buffer, out List<(IndexExpr Terms, string Name)>? list))
                foreach ((IndexExpr t, string name) in list) if (t == terms) return name;
            return outer?.PointerTo(buffer, terms);
        }

        /// <summary>The pointer that knows the most of some terms and nothing else.</summary>
        public (IndexExpr Terms, string Name) Nearest(string buffer, IndexExpr terms)
        {
            HashSet<(long, string)> wanted = [.. terms.Terms.Select(t => (t.Coefficient, t.Key))];
            (IndexExpr Terms, string Name) best = (IndexExpr.Zero, buffer);
            for (Known? level = this; level is not null; level = level.Outer)
            {
                if (!level._pointers.TryGetValue(buffer, out List<(IndexExpr, string)>? list)) continue;
                foreach ((IndexExpr t, string name) in list)
                    if (t.Terms.Length > best.Terms.Terms.Length && t.Terms.All(x => wanted.Contains((x.Coefficient, x.Key)))) best = (t, name);
            }

            return best;
        }

        private Known? Outer => outer;
    }

    private sealed class Placing(Names names)
    {
        public Statement Visit(Statement statement, Known known)
        {
            List<Statement> result = [];
            foreach (Statement inner in Block.StatementsOf(statement))
            {
                Prepare(inner, known, result);
                switch (inner)
                {
                    case LetIndex s:
                        IndexExpr value = Named(s.Value, known);
                        if (value == s.Variable) continue;
                        result.Add(s with { Value = value });
                        known.Add(s.Variable.Name);
                        if (s.Value.Terms is [{ Coefficient: 1, Atoms: [not IndexVar and var atom] }]) known.Name(atom, s.Variable);
                        break;
                    case For s:
                        Known body = new(known);
                        body.Add(s.Variable.Name);
                        result.Add(new For(s.Variable, Named(s.Lo, known), Named(s.Hi, known), s.Kind, Visit(s.Body, body)));
                        break;
                    case If s:
                        result.Add(new If(Based(s.Condition, known), Visit(s.Then, new Known(known)), s.Else is null ? null : Visit(s.Else, new Known(known))));
                        break;
                    case Alloc s:
                        // The memory's own pointers live inside.
                        result.Add(s with { Size = Named(s.Size, known), Body = Visit(s.Body, new Known(known)) });
                        break;
                    case Let s:
                        result.Add(s with { Value = Based(s.Value, known) });
                        break;
                    case Assign s:
                        result.Add(s with { Value = Based(s.Value, known) });
                        break;
                    case Store s:
                        (string buffer, IndexExpr offset) = Place(s.Buffer, s.Index, known);
                        result.Add(s with { Buffer = buffer, Index = offset, Value = Based(s.Value, known), Mask = s.Mask is null ? null : Based(s.Mask, known) });
                        break;
                    case TransposeBlock s:
                        (buffer, offset) = Place(s.To, s.ToIndex, known);
                        (string from, IndexExpr at) = Place(s.From, s.FromIndex, known);
                        result.Add(s with { To = buffer, ToIndex = offset, ToStride = Named(s.ToStride, known), From = from, FromIndex = at, FromStride = Named(s.FromStride, known) });
                        break;
                    case Prefetch s:
                        (buffer, offset) = Place(s.Buffer, s.Index, known);
                        result.Add(new Prefetch(buffer, offset));
                        break;
                    default:
                        result.Add(inner);
                        break;
                }
            }

            return Block.Of(result);
        }

        /// <summary>Defines what the statement and all inside it can use of what is known here.</summary>
        private void Prepare(Statement statement, Known known, List<Statement> result)
        {
            HashSet<string> allocated = new(StringComparer.Ordinal);
            foreach (Statement inner in StatementWalk.All(statement))
            {
                if (inner is Alloc alloc) allocated.Add(alloc.Name);
                foreach (IndexExpr index in StatementWalk.Indices(inner))
                {
                    if (ReferenceEquals(inner, statement) && statement is LetIndex && index.Terms is [{ Coefficient: 1, Atoms: [not IndexVar and var whole] }])
                    {
                        foreach (IndexExpr operand in OperandsOf(whole)) NameAtoms(operand, known, result);
                        continue;
                    }

                    NameAtoms(index, known, result);
                }

                foreach ((string buffer, IndexExpr index) in Addressed(inner))
                {
                    if (allocated.Contains(buffer)) continue;
                    IndexExpr terms = KnownTerms(Named(index, known), known);
                    if (terms == IndexExpr.Zero || known.PointerTo(buffer, terms) is not null) continue;
                    (IndexExpr baseTerms, string baseName) = known.Nearest(buffer, terms);
                    string name = names.Next(buffer + "_");
                    result.Add(new Pointer(name, baseName, terms - baseTerms));
                    known.Add(buffer, terms, name);
                }
            }
        }

        private void NameAtoms(IndexExpr index, Known known, List<Statement> result)
        {
            foreach (IndexTerm term in index.Terms)
            {
                foreach (IndexAtom atom in term.Atoms)
                {
                    if (atom is IndexVar) continue;
                    foreach (IndexExpr operand in OperandsOf(atom)) NameAtoms(operand, known, result);
                    if (known.NameOf(atom) is not null || !atom.Variables.All(known.Has)) continue;
                    IndexRange range = atom.Range;
                    IndexVar name = new(names.Next("i"), range.Min, range.Max);
                    result.Add(new LetIndex(name, NamedOperands(atom, known)));
                    known.Name(atom, name);
                }
            }
        }

        private static IndexExpr[] OperandsOf(IndexAtom atom) => atom switch
        {
            IndexDiv a => [a.Operand, a.Divisor],
            IndexMod a => [a.Operand, a.Divisor],
            IndexMin a => [a.A, a.B],
            IndexMax a => [a.A, a.B],
            IndexSelect a => [a.A, a.B, a.Then, a.Else],
            _ => [],
        };

        /// <summary>An index with names for the atoms that have one.</summary>
        private static IndexExpr Named(IndexExpr index, Known known)
        {
            if (index.Terms.All(t => t.Atoms.All(a => a is IndexVar))) return index;
            IndexExpr sum = IndexExpr.Zero;
            foreach (IndexTerm term in index.Terms)
            {
                IndexExpr product = term.Coefficient;
                foreach (IndexAtom atom in term.Atoms)
                    product *= atom is IndexVar ? IndexExpr.FromAtom(atom) : known.NameOf(atom) is { } name ? name : NamedOperands(atom, known);
                sum += product;
            }

            return sum;
        }

        private static IndexExpr NamedOperands(IndexAtom atom, Known known) => atom switch
        {
            IndexDiv a => IndexExpr.FromAtom(new IndexDiv(Named(a.Operand, known), Named(a.Divisor, known))),
            IndexMod a => IndexExpr.FromAtom(new IndexMod(Named(a.Operand, known), Named(a.Divisor, known))),
            IndexMin a => IndexExpr.FromAtom(new IndexMin(Named(a.A, known), Named(a.B, known))),
            IndexMax a => IndexExpr.FromAtom(new IndexMax(Named(a.A, known), Named(a.B, known))),
            IndexSelect a => IndexExpr.FromAtom(new IndexSelect(Named(a.A, known), Named(a.B, known), Named(a.Then, known), Named(a.Else, known))),
            _ => IndexExpr.FromAtom(atom),
        };

        private static IndexExpr KnownTerms(IndexExpr index, Known known) =>
            IndexExpr.FromTerms(index.Terms.Where(t => t.Atoms.Length > 0 && t.Atoms.All(a => a is IndexVar v && known.Has(v))));

        private static IEnumerable<(string Buffer, IndexExpr Index)> Addressed(Statement statement)
        {
            foreach (Load load in StatementWalk.Expressions(statement).SelectMany(ExprWalk.All).OfType<Load>()) yield return (load.Buffer, load.Index);
            if (statement is Store store) yield return (store.Buffer, store.Index);
            if (statement is TransposeBlock transpose)
            {
                yield return (transpose.To, transpose.ToIndex);
                yield return (transpose.From, transpose.FromIndex);
            }

            if (statement is Prefetch prefetch) yield return (prefetch.Buffer, prefetch.Index);
        }

        private static (string Buffer, IndexExpr Offset) Place(string buffer, IndexExpr index, Known known)
        {
            IndexExpr named = Named(index, known), terms = KnownTerms(named, known);
            return terms == IndexExpr.Zero ? (buffer, named) : (known.PointerTo(buffer, terms)!, named - terms);
        }

        private static Expr Based(Expr expression, Known known) => new Basing(known).Visit(expression);

        private sealed class Basing(Known known) : Rewriter
        {
            public override IndexExpr Visit(IndexExpr index) => Named(index, known);

            protected override Expr Rewrite(Expr expression)
            {
                if (expression is not Load load) return base.Rewrite(expression);
                (string buffer, IndexExpr offset) = Place(load.Buffer, load.Index, known);
                return load with { Buffer = buffer, Index = offset, Mask = load.Mask is null ? null : Visit(load.Mask) };
            }
        }
    }
}
