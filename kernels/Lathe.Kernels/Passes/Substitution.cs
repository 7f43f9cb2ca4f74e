using Lathe.Kernels.Loops;

namespace Lathe.Kernels.Passes;

/// <summary>Replaces index variables, and names of lets, locals and pointers, throughout.</summary>
internal sealed class Substitution(IReadOnlyDictionary<string, IndexExpr> indices, IReadOnlyDictionary<string, string> names) : Rewriter
{
    private static readonly Dictionary<string, string> NoNames = [];
    private static readonly Dictionary<string, IndexExpr> NoIndices = [];
    private readonly Dictionary<IndexExpr, IndexExpr> _known = new(ReferenceEqualityComparer.Instance);

    public static Statement Of(Statement statement, IndexVar variable, IndexExpr value) =>
        new Substitution(new Dictionary<string, IndexExpr>(StringComparer.Ordinal) { [variable.Name] = value }, NoNames).Visit(statement);

    public static Statement Rename(Statement statement, IReadOnlyDictionary<string, string> names) => new Substitution(NoIndices, names).Visit(statement);

    public override IndexExpr Visit(IndexExpr index)
    {
        if (indices.Count == 0 || index.IsConstant) return index;
        if (_known.TryGetValue(index, out IndexExpr? known)) return known;
        IndexExpr result = index.Variables.Any(v => indices.ContainsKey(v.Name)) ? index.Substitute(v => indices.GetValueOrDefault(v.Name)) : index;
        _known[index] = result;
        return result;
    }

    public override Statement Visit(Statement statement) => base.Visit(statement) switch
    {
        Let s when names.TryGetValue(s.Name, out string? name) => s with { Name = name },
        Local s when names.TryGetValue(s.Name, out string? name) => s with { Name = name },
        Assign s when names.TryGetValue(s.Name, out string? name) => s with { Name = name },
        Pointer s when names.ContainsKey(s.Name) || names.ContainsKey(s.Buffer) => s with { Name = Name(s.Name), Buffer = Name(s.Buffer) },
        Alloc s when names.TryGetValue(s.Name, out string? name) => s with { Name = name },
        Store s when names.TryGetValue(s.Buffer, out string? name) => s with { Buffer = name },
        TransposeBlock s when names.ContainsKey(s.To) || names.ContainsKey(s.From) => s with { To = Name(s.To), From = Name(s.From) },
        Prefetch s when names.TryGetValue(s.Buffer, out string? name) => s with { Buffer = name },
        Statement s => s,
    };

    protected override Expr Rewrite(Expr expression) => base.Rewrite(expression) switch
    {
        Var e when names.TryGetValue(e.Name, out string? name) => e with { Name = name },
        Load e when names.TryGetValue(e.Buffer, out string? name) => e with { Buffer = name },
        Gather e when names.TryGetValue(e.Buffer, out string? name) => e with { Buffer = name },
        Expr e => e,
    };

    private string Name(string name) => names.GetValueOrDefault(name, name);
}
