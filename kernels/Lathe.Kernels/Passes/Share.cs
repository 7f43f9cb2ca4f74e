using Lathe.Kernels.Loops;

namespace Lathe.Kernels.Passes;

/// <summary>
/// Within a straight-line run, a load, splat or larger expression that occurs more than once gets a name at its first use; what occurs
/// once stays in place, where the target embeds it. RyuJIT's own search gives up on long runs: without this pass a tile with its
/// reduction unrolled by 8 runs at 60 % of its speed. A load is shared only with uses that are near: one kept for the next column of a
/// window costs a register for longer than the tile can spare it, and then is spilled and loaded all the same.
/// </summary>
public static class Share
{
    /// <summary>How many statements later a loaded value is still kept: the vectors of the widest tile, twice.</summary>
    private const int Near = 8;

    /// <summary>Runs the pass.</summary>
    public static Kernel Run(Kernel kernel) => new Runs(Names.In(kernel)).Run(kernel);

    private sealed class Runs(Names names) : Rewriter
    {
        public override Statement Visit(Statement statement) => statement is Sequence or For or If or Alloc ? base.Visit(statement) : new StraightLine(this).Of([statement]);

        protected override Statement VisitSequence(Sequence sequence)
        {
            List<Statement> result = [], run = [];
            foreach (Statement statement in sequence.Statements)
            {
                if (statement is not (For or If or Alloc or Sequence))
                {
                    run.Add(statement);
                    continue;
                }

                Flush();
                Block.Append(result, Visit(statement));
            }

            Flush();
            return Block.Of(result);

            void Flush()
            {
                if (run.Count > 0) Block.Append(result, new StraightLine(this).Of(run));
                run.Clear();
            }
        }

        public string NextName() => names.Next("v");
    }

    /// <summary>One straight-line run. Equal expressions get one number; a store or assignment gives what it changes new numbers.</summary>
    private sealed class StraightLine(Runs owner)
    {
        private readonly Runs _owner = owner;
        private readonly Dictionary<(string Form, int A, int B, int C), int> _numbers = [];
        private readonly Dictionary<string, int> _versions = new(StringComparer.Ordinal);
        private readonly List<List<int>> _uses = [];
        private readonly Dictionary<int, (Var Name, int Last)> _named = [];
        private int _at;
        private Dictionary<Expr, int> _seen = new(ReferenceEqualityComparer.Instance);

        public Statement Of(IReadOnlyList<Statement> statements)
        {
            for (_at = 0; _at < statements.Count; _at++)
            {
                _seen = new(ReferenceEqualityComparer.Instance);
                foreach (Expr expression in StatementWalk.Expressions(statements[_at])) Count(expression, false);
                Change(statements[_at]);
            }

            _versions.Clear();
            List<Statement> result = [];
            for (_at = 0; _at < statements.Count; _at++)
            {
                _seen = new(ReferenceEqualityComparer.Instance);
                result.Add(new Naming(this, result).Visit(statements[_at]));
                Change(statements[_at]);
            }

            return Block.Of(result);
        }

        private void Change(Statement statement)
        {
            string? changed = statement switch { Store s => s.Buffer, TransposeBlock s => s.To, Assign s => s.Name, _ => null };
            if (changed is not null) _versions[changed] = _versions.GetValueOrDefault(changed) + 1;
        }

        /// <summary>Numbers an expression and counts its uses; the operands of a second use are not used again.</summary>
        private void Count(Expr expression, bool conditional)
        {
            int number = Number(expression);
            while (_uses.Count <= number) _uses.Add([]);
            // What only one side of a choice reads must not be read before it.
            if (!conditional) _uses[number].Add(_at);
            if (_uses[number].Count > 1 && !conditional && !IsLoaded(expression)) return;
            // One load of all lanes: its scalar has no name of its own.
            if (expression is Splat { A: Load }) return;
            if (expression is Select choice && choice.IsUniform())
            {
                // The condition stays a splat, by which a printer knows a choice of one side; only its scalar is shared.
                Count(choice.Condition is Splat all ? all.A : choice.Condition, conditional);
                Count(choice.Then, true);
                Count(choice.Else, true);
                return;
            }

            foreach (Expr operand in ExprWalk.Operands(expression)) Count(operand, conditional);
        }

        private static bool IsLoaded(Expr expression) => expression is Load or Splat { A: Load };

        /// <summary>The name that a value has here, if it has one and is still kept.</summary>
        private Var? NameOf(Expr expression, int number)
        {
            if (!_named.TryGetValue(number, out (Var Name, int Last) named) || (IsLoaded(expression) && _at - named.Last > Near)) return null;
            _named[number] = (named.Name, _at);
            return named.Name;
        }

        private bool Pays(Expr expression, int number)
        {
            if (expression is Const or Var or IndexValue or FirstLanes || number >= _uses.Count) return false;
            if (!IsLoaded(expression)) return _uses[number].Count > 1;
            int here = 0;
            foreach (int use in _uses[number])
            {
                if (use == _at) here++;
                if (here > 1 || (use > _at && use - _at <= Near)) return true;
            }

            return false;
        }

        private int Number(Expr expression)
        {
            if (_seen.TryGetValue(expression, out int known)) return known;
            int a = -1, b = -1, c = -1;
            int at = 0;
            foreach (Expr operand in ExprWalk.Operands(expression))
            {
                int number = Number(operand);
                if (at == 0) a = number;
                else if (at == 1) b = number;
                else c = number;
                at++;
            }

            (string, int, int, int) key = (Form(expression), a, b, c);
            if (!_numbers.TryGetValue(key, out int value)) _numbers[key] = value = _numbers.Count;
            _seen[expression] = value;
            return value;
        }

        private string Form(Expr expression) => expression switch
        {
            Const e => $"const {e.ValueType} {BitConverter.DoubleToInt64Bits(e.Float)} {e.Integer}",
            Var e => $"var {e.Name} {_versions.GetValueOrDefault(e.Name)}",
            IndexValue e => $"index {e.Index} {e.ValueType} {e.Stride}",
            Unary e => $"{e.Op}",
            Binary e => $"{e.Op}",
            Cast e => $"cast {e.To} {e.Saturate} {e.Round}",
            Bits e => $"bits {e.To}",
            Splat e => $"splat {e.Lanes}",
            FirstLanes e => $"lanes {e.Lanes} {e.Count}",
            Shuffle e => $"shuffle {e.Pattern}",
            Reduce e => $"reduce {e.Op}",
            Load e => $"load {e.Buffer} {_versions.GetValueOrDefault(e.Buffer)} {e.ValueType} {e.Stride} {e.Index}",
            Gather e => $"gather {e.Buffer} {_versions.GetValueOrDefault(e.Buffer)} {e.ValueType} {e.Mask is null}",
            Dot4 e => $"dot4 {e.SignedA} {e.SignedB}",
            Dot2 e => $"dot2 {e.Halves}",
            _ => expression.GetType().Name,
        };

        /// <summary>Gives names where they pay.</summary>
        private sealed class Naming(StraightLine run, List<Statement> before) : Rewriter
        {
            protected override Expr Rewrite(Expr expression)
            {
                int number = run.Number(expression);
                if (run.NameOf(expression, number) is { } name) return name;
                if (expression is not Select choice || !choice.IsUniform()) return Named(expression, base.Rewrite(expression), number);

                // Inside a choice only names that exist already are used.
                Expr condition = choice.Condition is Splat all ? all with { A = Visit(all.A) } : Visit(choice.Condition);
                Select inside = new(condition, new Known(run).Visit(choice.Then), new Known(run).Visit(choice.Else));
                return Named(expression, inside, number);
            }

            private Expr Named(Expr original, Expr value, int number)
            {
                if (!run.Pays(original, number)) return value;
                Var name = new(run._owner.NextName(), value.Type);
                before.Add(new Let(name.Name, value));
                run._named[number] = (name, run._at);
                return name;
            }
        }

        private sealed class Known(StraightLine run) : Rewriter
        {
            protected override Expr Rewrite(Expr expression) => run.NameOf(expression, run.Number(expression)) ?? base.Rewrite(expression);
        }
    }
}
