using Lathe.Kernels.Loops;
using Lathe.Runtime.Plans;

namespace Lathe.Compiler.Lowering;

/// <summary>Index expressions as the plan's postfix code.</summary>
public static class SizeLowering
{
    /// <summary>The postfix code of an expression over the given variables.</summary>
    /// <param name="expression">The expression.</param>
    /// <param name="symbols">The dims, in the order in which they will be given.</param>
    /// <exception cref="ArgumentException">The expression speaks of another variable, or of memory.</exception>
    public static SizeExpression ToSize(this IndexExpr expression, IReadOnlyList<IndexVar> symbols)
    {
        List<SizeExpression.Instruction> code = [];
        Write(expression, symbols, code);
        return new SizeExpression(code);
    }

    private static void Write(IndexExpr expression, IReadOnlyList<IndexVar> symbols, List<SizeExpression.Instruction> code)
    {
        if (expression.IsConstant)
        {
            code.Add(new(SizeExpression.Code.Constant, expression.Constant));
            return;
        }

        bool first = true;
        foreach (IndexTerm term in expression.Terms)
        {
            bool started = false;
            foreach (IndexAtom atom in term.Atoms)
            {
                Write(atom, symbols, code);
                if (started) code.Add(new(SizeExpression.Code.Multiply));
                started = true;
            }

            if (!started || term.Coefficient != 1)
            {
                code.Add(new(SizeExpression.Code.Constant, term.Coefficient));
                if (started) code.Add(new(SizeExpression.Code.Multiply));
            }

            if (!first) code.Add(new(SizeExpression.Code.Add));
            first = false;
        }
    }

    private static void Write(IndexAtom atom, IReadOnlyList<IndexVar> symbols, List<SizeExpression.Instruction> code)
    {
        switch (atom)
        {
            case IndexVar variable:
                int number = symbols.ToList().IndexOf(variable);
                if (number < 0) throw new ArgumentException($"'{variable.Name}' is not among the dims.");
                code.Add(new(SizeExpression.Code.Dim, number));
                break;
            case IndexDiv(var a, var b): WriteAll(SizeExpression.Code.Divide, a, b); break;
            case IndexMod(var a, var b): WriteAll(SizeExpression.Code.Modulo, a, b); break;
            case IndexMin(var a, var b): WriteAll(SizeExpression.Code.Min, a, b); break;
            case IndexMax(var a, var b): WriteAll(SizeExpression.Code.Max, a, b); break;
            case IndexSelect(var a, var b, var then, var otherwise): WriteAll(SizeExpression.Code.Select, a, b, then, otherwise); break;
            default: throw new ArgumentException($"'{atom}' cannot be a size.");
        }

        void WriteAll(SizeExpression.Code operation, params ReadOnlySpan<IndexExpr> operands)
        {
            foreach (IndexExpr operand in operands) Write(operand, symbols, code);
            code.Add(new(operation));
        }
    }
}
