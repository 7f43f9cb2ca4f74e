using System.Globalization;
using Lathe.Kernels.Loops;

namespace Lathe.Kernels.Passes;

/// <summary>Replaces register arrays, whose indices are constants after unrolling, by one local for each vector or scalar.</summary>
public static class Scalars
{
    /// <summary>Runs the pass.</summary>
    /// <exception cref="InvalidOperationException">An index of a register array is not a constant, or its elements are used at several widths.</exception>
    public static Kernel Run(Kernel kernel) => new Arrays().Run(kernel);

    private sealed class Arrays : Rewriter
    {
        private readonly Dictionary<string, Dictionary<long, VectorType>> _arrays = new(StringComparer.Ordinal);
        private readonly HashSet<string> _set = new(StringComparer.Ordinal);

        public override Statement Visit(Statement statement)
        {
            switch (statement)
            {
                case Alloc { Scope: MemoryScope.Register } s:
                    _arrays[s.Name] = [];
                    Forget();
                    Statement body = Visit(s.Body);
                    IEnumerable<Statement> locals = _arrays[s.Name].OrderBy(l => l.Key).Select(l => new Local(NameOf(s.Name, l.Key, l.Value), l.Value));
                    _arrays.Remove(s.Name);
                    Forget();
                    return Block.Of([.. locals, body]);
                case Store s when _arrays.ContainsKey(s.Buffer):
                    string name = Element(s.Buffer, s.Index, s.Value.Type);
                    Expr value = Visit(s.Value);
                    // The first assignment has nothing to keep in the lanes that a mask excludes.
                    bool isFirst = _set.Add(name);
                    if (s.Mask is not null && !isFirst) value = new Select(Visit(s.Mask), value, new Var(name, value.Type));
                    return new Assign(name, value);
                default:
                    return base.Visit(statement);
            }
        }

        protected override Expr Rewrite(Expr expression) => expression is Load load && _arrays.ContainsKey(load.Buffer)
            ? new Var(Element(load.Buffer, load.Index, load.Type), load.Type)
            : base.Rewrite(expression);

        private static string NameOf(string array, long index, VectorType type) =>
            string.Create(CultureInfo.InvariantCulture, $"{array}_{index / type.Lanes}");

        private string Element(string array, IndexExpr index, VectorType type)
        {
            if (!index.IsConstant) throw new InvalidOperationException($"The index '{index}' of the register array '{array}' is not a constant.");
            Dictionary<long, VectorType> elements = _arrays[array];
            if (elements.TryGetValue(index.Value, out VectorType known) ? known != type : index.Value % type.Lanes != 0)
                throw new InvalidOperationException($"Element {index} of the register array '{array}' is used as {type} and otherwise.");
            elements[index.Value] = type;
            return NameOf(array, index.Value, type);
        }
    }
}
