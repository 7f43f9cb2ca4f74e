using System.Globalization;
using System.Text;
using Lathe.Runtime;

namespace Lathe.Kernels.Loops.Text;

/// <summary>The text form of kernels and computations. <see cref="Parser"/> reads it back to an equal record.</summary>
public static class Printer
{
    /// <summary>A kernel of either dialect.</summary>
    public static string Print(Kernel kernel)
    {
        StringBuilder text = new();
        IEnumerable<string> parameters = kernel.Parameters.Items.Select(p => $"{(p.Written ? "out " : "")}{Words.Quoted(p.Name)}: {p.Element.Name()}");
        text.Append(CultureInfo.InvariantCulture, $"kernel {Words.Quoted(kernel.Name)}({string.Join(", ", parameters)})\n");
        if (kernel.Summary.Length > 0) text.Append(CultureInfo.InvariantCulture, $"summary {Words.Quote(kernel.Summary)}\n");
        if (kernel.Dims.Length > 0) text.Append(CultureInfo.InvariantCulture, $"dims {Dims(kernel.Dims)}\n");
        Write(text, kernel.Body, 1, inBlock: false);
        return text.ToString();
    }

    /// <summary>A statement and what is in it.</summary>
    public static string Print(Statement statement)
    {
        StringBuilder text = new();
        Write(text, statement, 0, inBlock: true);
        return text.ToString();
    }

    /// <summary>An expression.</summary>
    public static string Print(Expr expression) => ExprPrinter.Print(expression);

    /// <summary>A computation.</summary>
    public static string Print(Computation computation) => ComputationPrinter.Print(computation);

    /// <summary>The first line of a statement, without what is in it.</summary>
    public static string Head(Statement statement) => statement switch
    {
        Sequence => "block",
        If branch => $"if {Print(branch.Condition)}",
        For loop => $"{loop.Kind.ToString().ToLowerInvariant()} {Variable(loop.Variable, RangeOf(loop.Lo, loop.Hi))} in {loop.Lo}..{loop.Hi}",
        Note note => $"note {Words.Quote(note.Text)}",
        Let let => $"let {Words.Quoted(let.Name)} = {Print(let.Value)}",
        LetIndex let => $"index {Variable(let.Variable, let.Value.Range)} = {let.Value}",
        Local local => $"local {Words.Quoted(local.Name)}: {local.Type}",
        Assign assign => $"{Words.Quoted(assign.Name)} = {Print(assign.Value)}",
        Pointer pointer => $"pointer {Words.Quoted(pointer.Name)} = {ExprPrinter.Place(pointer.Buffer, pointer.Offset, 1, 1, null)}",
        Alloc alloc => $"alloc {Words.Quoted(alloc.Name)}: {alloc.Element.Name()}[{alloc.Size}] {alloc.Scope.ToString().ToLowerInvariant()}",
        Table table => $"table {Words.Quoted(table.Name)}: {table.Element.Name()} = {Values(table.Element, table.Values)}",
        Store store => $"{(store.Streaming ? "stream " : "")}{Target(store)} = {Print(store.Value)}",
        TransposeBlock t => string.Create(CultureInfo.InvariantCulture, $"transpose {Words.Quoted(t.To)}[{t.ToIndex}] by {t.ToStride} = {Words.Quoted(t.From)}[{t.FromIndex}] by {t.FromStride} of {t.Rows}, {t.Columns}"),
        Prefetch prefetch => $"prefetch {ExprPrinter.Place(prefetch.Buffer, prefetch.Index, 1, 1, null)}",
        Barrier => "barrier",
        Fail fail => string.Create(CultureInfo.InvariantCulture, $"fail {fail.Code}"),
        _ => throw new ArgumentOutOfRangeException(nameof(statement), statement, "No statement."),
    };

    private static string Target(Store store) => ExprPrinter.Place(store.Buffer, store.Index, store.Value.Type.Lanes, store.Stride, store.Mask);

    /// <summary>The values that a loop's variable takes.</summary>
    internal static IndexRange RangeOf(IndexExpr lo, IndexExpr hi)
    {
        long max = hi.Range.Max;
        return new IndexRange(lo.Range.Min, max is long.MaxValue or long.MinValue ? max : max - 1);
    }

    /// <summary>A variable, with its range unless that is the expected one.</summary>
    internal static string Variable(IndexVar variable, IndexRange expected) =>
        variable.Range == expected ? Words.Quoted(variable.Name) : $"{Words.Quoted(variable.Name)}{Range(variable.Range)}";

    internal static string Dims(IEnumerable<IndexVar> dims) => string.Join(", ", dims.Select(d => $"{Words.Quoted(d.Name)}{Range(d.Range)}"));

    internal static string Values(ElementType element, IEnumerable<double> values) => $"{{{string.Join(", ", values.Select(v => Words.Number(element, v)))}}}";

    private static string Range(IndexRange range) => string.Create(
        CultureInfo.InvariantCulture,
        $"{{{(range.Min == long.MinValue ? "" : range.Min)}..{(range.Max == long.MaxValue ? "" : range.Max)}}}");

    /// <summary>Writes a statement; a sequence that is the whole body of another statement needs no head of its own.</summary>
    private static void Write(StringBuilder text, Statement statement, int depth, bool inBlock)
    {
        if (statement is Sequence { Statements.Length: > 1 } body && !inBlock)
        {
            foreach (Statement part in body.Statements) Write(text, part, depth, inBlock: true);
            return;
        }

        text.Append(' ', depth * 2).Append(Head(statement));
        while (statement is For { Body: For inner })
        {
            text.Append("; ").Append(Head(inner));
            statement = inner;
        }

        text.Append('\n');
        switch (statement)
        {
            case For loop:
                Write(text, loop.Body, depth + 1, inBlock: false);
                break;
            case Alloc alloc:
                Write(text, alloc.Body, depth + 1, inBlock: false);
                break;
            case Sequence sequence:
                foreach (Statement part in sequence.Statements) Write(text, part, depth + 1, inBlock: true);
                break;
            case If branch:
                Write(text, branch.Then, depth + 1, inBlock: false);
                if (branch.Else is null) break;
                text.Append(' ', depth * 2).Append("else\n");
                Write(text, branch.Else, depth + 1, inBlock: false);
                break;
        }
    }
}
