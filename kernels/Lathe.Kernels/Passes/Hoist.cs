using Lathe.Kernels.Loops;
using Lathe.Kernels.Targets;
using Lathe.Runtime;

namespace Lathe.Kernels.Passes;

/// <summary>
/// Moves loads that do not vary in a loop before it, as many as registers are left: the nine weights of a depthwise convolution, the
/// bias of a row; then arithmetic on these, such as the blend of two rows of which columns are made. Inner loops come first, so that each moves as far out as it can.
/// </summary>
public static class Hoist
{
    /// <summary>Registers kept for what the loop itself computes.</summary>
    private const int Working = 4;

    /// <summary>Runs the pass.</summary>
    public static Kernel Run(Kernel kernel, Machine machine) => new Invariants(Names.In(kernel), machine.Registers).Run(kernel);

    private sealed class Invariants(Names names, int registers) : Rewriter
    {
        private readonly HashSet<string> _scratch = new(StringComparer.Ordinal);

        public override Statement Visit(Statement statement)
        {
            if (statement is Alloc alloc) _scratch.Add(alloc.Name);
            statement = base.Visit(statement);
            if (statement is not For { Kind: LoopKind.Serial } loop) return statement;
            // Before a loop that may not run at all, only a kernel's own memory is sure to be readable.
            bool runs = (loop.Hi - loop.Lo).Range.Min >= 1;
            Statement[] inside = [.. StatementWalk.All(loop.Body)];
            HashSet<string> changed = new(StringComparer.Ordinal) { loop.Variable.Name };
            HashSet<string> held = new(StringComparer.Ordinal);
            foreach (Statement s in inside)
            {
                string? name = s switch
                {
                    For f => f.Variable.Name,
                    LetIndex l => l.Variable.Name,
                    Let l => l.Name,
                    Store t => t.Buffer,
                    TransposeBlock t => t.To,
                    Assign a => a.Name,
                    Alloc m => m.Name,
                    Pointer p => p.Name,
                    _ => null,
                };
                if (name is not null) changed.Add(name);
                if (s is Assign assigned) held.Add(assigned.Name);
                foreach (Var used in StatementWalk.Expressions(s).SelectMany(ExprWalk.All).OfType<Var>()) held.Add(used.Name);
            }

            int free = registers - Working - held.Count;
            Finder finder = new(changed, names, free, runs ? null : _scratch);
            foreach (Statement s in Block.StatementsOf(loop.Body))
                if (s is Store or Assign or Let) foreach (Expr expression in StatementWalk.Expressions(s)) finder.Find(expression);
            List<Statement> before = [];
            Statement body = Named(loop.Body, finder.Found);

            // With what it reads held, the part of an index from data that does not vary is arithmetic that may be done anywhere.
            Finder rows = new(changed, names, free - finder.Found.Count, only: null);
            foreach (Gather gather in StatementWalk.All(body).SelectMany(StatementWalk.Expressions).SelectMany(ExprWalk.All).OfType<Gather>()) rows.FindIndices(gather.Index);
            body = Named(body, rows.Found);
            Finder values = new(changed, names, free - finder.Found.Count - rows.Found.Count, only: null);
            foreach (Statement s in Block.StatementsOf(body))
                if (s is Store or Assign or Let) foreach (Expr expression in StatementWalk.Expressions(s)) values.FindArithmetic(expression);
            body = Named(body, values.Found);
            return before.Count == 0 ? statement : Block.Of([.. before, loop with { Body = body }]);

            Statement Named(Statement inner, Dictionary<Expr, Var> found)
            {
                before.AddRange(found.Select(f => new Let(f.Value.Name, f.Key)));
                return found.Count == 0 ? inner : new Naming(found).Visit(inner);
            }
        }
    }

    /// <summary>Finds what does not vary, in order of first use.</summary>
    private sealed class Finder(HashSet<string> changed, Names names, int free, HashSet<string>? only)
    {
        public Dictionary<Expr, Var> Found { get; } = [];

        public void Find(Expr expression)
        {
            switch (expression)
            {
                case Splat { A: Load load } when IsInvariant(load):
                    Add(expression);
                    return;
                case Load load when IsInvariant(load):
                    Add(load);
                    return;
                case Select choice when choice.IsUniform():
                    Find(choice.Condition);
                    return;
                default:
                    foreach (Expr operand in ExprWalk.Operands(expression)) Find(operand);
                    return;
            }
        }

        /// <summary>Finds the largest parts of a scalar expression that are arithmetic on what does not vary, and more than one operation.</summary>
        public void FindIndices(Expr expression)
        {
            if (expression.Type.Lanes == 1 && expression is Binary && ExprWalk.All(expression).Count(e => e is Binary or Select) > 1 && ExprWalk.All(expression).All(IsArithmetic)) Add(expression);
            else foreach (Expr operand in ExprWalk.Operands(expression)) FindIndices(operand);
        }

        /// <summary>Finds the largest parts of an expression that are arithmetic on floats that do not vary.</summary>
        public void FindArithmetic(Expr expression)
        {
            if (expression is Select choice && choice.IsUniform()) FindArithmetic(choice.Condition);
            else if (IsOperation(expression) && ExprWalk.All(expression).All(IsArithmetic)) Add(expression);
            else foreach (Expr operand in ExprWalk.Operands(expression)) FindArithmetic(operand);
        }

        /// <summary>True for what takes an instruction, and gives floats.</summary>
        private static bool IsOperation(Expr expression) =>
            expression.Type.Element == ElementType.Float32 && expression is Binary or Fma or Splat { A: not Const } && ExprWalk.All(expression).Any(e => e is Var or IndexValue);

        private bool IsArithmetic(Expr expression) => expression switch
        {
            Const or Select or Cast or Fma or Splat => true,
            Binary binary => binary.Op is not (BinaryOp.Divide or BinaryOp.Remainder) || binary.Type.Element.IsFloat(),
            Var variable => !changed.Contains(variable.Name),
            IndexValue value => value.Index.Variables.All(v => !changed.Contains(v.Name)),
            _ => false,
        };

        // Vectors of narrow elements exist only as what a load widens.
        private bool IsInvariant(Load load) =>
            (load.Type.Lanes == 1 || load.Type.Element is ElementType.Float32 or ElementType.Int32)
            && (only is null || only.Contains(load.Buffer)) && !changed.Contains(load.Buffer) && (load.Mask is null or FirstLanes)
            && load.Index.Variables.All(v => !changed.Contains(v.Name))
            && (load.Mask is not FirstLanes mask || mask.Count.Variables.All(v => !changed.Contains(v.Name)));

        private void Add(Expr expression)
        {
            if (Found.Count < free) Found.TryAdd(expression, new Var(Found.TryGetValue(expression, out Var? known) ? known.Name : names.Next("held"), expression.Type));
        }
    }

    private sealed class Naming(Dictionary<Expr, Var> found) : Rewriter
    {
        protected override Expr Rewrite(Expr expression) => expression is Load or Splat or Binary or Fma && found.TryGetValue(expression, out Var? name) ? name : base.Rewrite(expression);
    }
}
