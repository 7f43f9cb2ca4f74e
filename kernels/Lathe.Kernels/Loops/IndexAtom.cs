namespace Lathe.Kernels.Loops;

/// <summary>What a polynomial's terms are products of. Equal if their text is.</summary>
public abstract record IndexAtom
{
    private string? _text;

    private protected IndexAtom()
    {
    }

    /// <summary>Copies no text: a <c>with</c> may change it.</summary>
    protected IndexAtom(IndexAtom original)
    {
    }

    /// <summary>The values it can take.</summary>
    public abstract IndexRange Range { get; }

    /// <summary>The variables in it.</summary>
    public IEnumerable<IndexVar> Variables
    {
        get
        {
            List<IndexVar> variables = [];
            Collect(variables);
            return variables;
        }
    }

    /// <summary>Its text, made once.</summary>
    internal string Text => _text ??= Write();

    /// <summary>Its value for given variables.</summary>
    public abstract long Evaluate(Func<IndexVar, long> value);

    /// <summary>It with variables replaced.</summary>
    public IndexExpr Substitute(Func<IndexVar, IndexExpr?> replacement) => Replace(replacement) ?? IndexExpr.FromAtom(this);

    /// <summary>True if the variable occurs in it.</summary>
    public abstract bool DependsOn(IndexVar variable);

    /// <inheritdoc/>
    public virtual bool Equals(IndexAtom? other) => other is not null && (ReferenceEquals(this, other) || Text == other.Text);

    /// <inheritdoc/>
    public override int GetHashCode() => string.GetHashCode(Text, StringComparison.Ordinal);

    /// <inheritdoc/>
    public sealed override string ToString() => Text;

    /// <summary>Adds the variables that are not in the list yet.</summary>
    internal abstract void Collect(List<IndexVar> variables);

    /// <summary>It with variables replaced, or null if none of them occurs.</summary>
    internal abstract IndexExpr? Replace(Func<IndexVar, IndexExpr?> replacement);

    private protected abstract string Write();
}

/// <summary>A variable: a loop's, a named dim or a let. It carries its range, so that no table beside the IR can go stale.</summary>
/// <param name="Name">Unique where it is visible; letters, digits and underscores.</param>
/// <param name="Min">The least value.</param>
/// <param name="Max">The greatest value, <see cref="long.MaxValue"/> if there is no bound.</param>
public sealed record IndexVar(string Name, long Min, long Max) : IndexAtom
{
    /// <inheritdoc/>
    public override IndexRange Range => new(Min, Max);

    /// <summary>The sum, so that a variable may stand where an expression does.</summary>
    public static IndexExpr operator +(IndexVar a, IndexExpr b) => (IndexExpr)a + b;

    /// <summary>The difference.</summary>
    public static IndexExpr operator -(IndexVar a, IndexExpr b) => (IndexExpr)a - b;

    /// <summary>The product.</summary>
    public static IndexExpr operator *(IndexVar a, IndexExpr b) => (IndexExpr)a * b;

    /// <summary>The sum.</summary>
    public static IndexExpr operator +(long a, IndexVar b) => (IndexExpr)b + a;

    /// <summary>The difference.</summary>
    public static IndexExpr operator -(long a, IndexVar b) => (IndexExpr)a - b;

    /// <summary>The product.</summary>
    public static IndexExpr operator *(long a, IndexVar b) => (IndexExpr)b * a;

    /// <summary>The quotient.</summary>
    public static IndexExpr operator /(IndexVar a, IndexExpr b) => (IndexExpr)a / b;

    /// <summary>The remainder.</summary>
    public static IndexExpr operator %(IndexVar a, IndexExpr b) => (IndexExpr)a % b;

    /// <inheritdoc/>
    public bool Equals(IndexVar? other) => other is not null && (ReferenceEquals(this, other) || other.Name == Name);

    /// <inheritdoc/>
    public override int GetHashCode() => string.GetHashCode(Name, StringComparison.Ordinal);

    /// <inheritdoc/>
    public override long Evaluate(Func<IndexVar, long> value) => value(this);

    /// <inheritdoc/>
    public override bool DependsOn(IndexVar variable) => Equals(variable);

    internal override void Collect(List<IndexVar> variables)
    {
        if (!variables.Contains(this)) variables.Add(this);
    }

    internal override IndexExpr? Replace(Func<IndexVar, IndexExpr?> replacement) => replacement(this);

    private protected override string Write() => Name;
}

/// <summary>An atom of two expressions.</summary>
public abstract record IndexPair : IndexAtom
{
    private protected IndexPair()
    {
    }

    private protected abstract (IndexExpr First, IndexExpr Second) Parts { get; }

    /// <inheritdoc/>
    public override bool DependsOn(IndexVar variable) => Parts.First.DependsOn(variable) || Parts.Second.DependsOn(variable);

    internal override void Collect(List<IndexVar> variables)
    {
        Parts.First.Collect(variables);
        Parts.Second.Collect(variables);
    }

    internal override IndexExpr? Replace(Func<IndexVar, IndexExpr?> replacement)
    {
        (IndexExpr first, IndexExpr second) = Parts;
        IndexExpr? a = first.Replace(replacement), b = second.Replace(replacement);
        return a is null && b is null ? null : Combine(a ?? first, b ?? second);
    }

    private protected abstract IndexExpr Combine(IndexExpr first, IndexExpr second);
}

/// <summary>The quotient of non-negative operands, rounded down.</summary>
public sealed record IndexDiv(IndexExpr Operand, IndexExpr Divisor) : IndexPair
{
    /// <inheritdoc/>
    public override IndexRange Range => Divisor.Range.Min <= 0
        ? new IndexRange(Operand.Range.Min >= 0 ? 0 : long.MinValue, long.MaxValue)
        : Operand.Range.DividedBy(Divisor.Range);

    private protected override (IndexExpr First, IndexExpr Second) Parts => (Operand, Divisor);

    /// <inheritdoc/>
    public bool Equals(IndexDiv? other) => base.Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => base.GetHashCode();

    /// <inheritdoc/>
    public override long Evaluate(Func<IndexVar, long> value) => IndexRange.FloorDiv(Operand.Evaluate(value), Divisor.Evaluate(value));

    private protected override IndexExpr Combine(IndexExpr first, IndexExpr second) => first / second;

    private protected override string Write() => $"({Operand.AsFactor()} div {Divisor.AsFactor()})";
}

/// <summary>The remainder of non-negative operands.</summary>
public sealed record IndexMod(IndexExpr Operand, IndexExpr Divisor) : IndexPair
{
    /// <inheritdoc/>
    public override IndexRange Range
    {
        get
        {
            IndexRange a = Operand.Range, b = Divisor.Range;
            if (b.Min <= 0) return a.Min >= 0 ? a : IndexRange.Unbounded;
            long below = b.Max == long.MaxValue ? long.MaxValue : b.Max - 1;
            return new IndexRange(0, a.Min >= 0 ? Math.Min(a.Max, below) : below);
        }
    }

    private protected override (IndexExpr First, IndexExpr Second) Parts => (Operand, Divisor);

    /// <inheritdoc/>
    public bool Equals(IndexMod? other) => base.Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => base.GetHashCode();

    /// <inheritdoc/>
    public override long Evaluate(Func<IndexVar, long> value)
    {
        long a = Operand.Evaluate(value), b = Divisor.Evaluate(value);
        return a - (IndexRange.FloorDiv(a, b) * b);
    }

    private protected override IndexExpr Combine(IndexExpr first, IndexExpr second) => first % second;

    private protected override string Write() => $"({Operand.AsFactor()} mod {Divisor.AsFactor()})";
}

/// <summary>The smaller of two.</summary>
public sealed record IndexMin(IndexExpr A, IndexExpr B) : IndexPair
{
    /// <inheritdoc/>
    public override IndexRange Range => new(Math.Min(A.Range.Min, B.Range.Min), Math.Min(A.Range.Max, B.Range.Max));

    private protected override (IndexExpr First, IndexExpr Second) Parts => (A, B);

    /// <inheritdoc/>
    public bool Equals(IndexMin? other) => base.Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => base.GetHashCode();

    /// <inheritdoc/>
    public override long Evaluate(Func<IndexVar, long> value) => Math.Min(A.Evaluate(value), B.Evaluate(value));

    private protected override IndexExpr Combine(IndexExpr first, IndexExpr second) => IndexExpr.Min(first, second);

    private protected override string Write() => $"min({A}, {B})";
}

/// <summary>The larger of two.</summary>
public sealed record IndexMax(IndexExpr A, IndexExpr B) : IndexPair
{
    /// <inheritdoc/>
    public override IndexRange Range => new(Math.Max(A.Range.Min, B.Range.Min), Math.Max(A.Range.Max, B.Range.Max));

    private protected override (IndexExpr First, IndexExpr Second) Parts => (A, B);

    /// <inheritdoc/>
    public bool Equals(IndexMax? other) => base.Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => base.GetHashCode();

    /// <inheritdoc/>
    public override long Evaluate(Func<IndexVar, long> value) => Math.Max(A.Evaluate(value), B.Evaluate(value));

    private protected override IndexExpr Combine(IndexExpr first, IndexExpr second) => IndexExpr.Max(first, second);

    private protected override string Write() => $"max({A}, {B})";
}

/// <summary><paramref name="Then"/> where A &lt; B, <paramref name="Else"/> otherwise.</summary>
public sealed record IndexSelect(IndexExpr A, IndexExpr B, IndexExpr Then, IndexExpr Else) : IndexAtom
{
    /// <inheritdoc/>
    public override IndexRange Range => Then.Range.Union(Else.Range);

    /// <inheritdoc/>
    public bool Equals(IndexSelect? other) => base.Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => base.GetHashCode();

    /// <inheritdoc/>
    public override long Evaluate(Func<IndexVar, long> value) =>
        A.Evaluate(value) < B.Evaluate(value) ? Then.Evaluate(value) : Else.Evaluate(value);

    /// <inheritdoc/>
    public override bool DependsOn(IndexVar variable) =>
        A.DependsOn(variable) || B.DependsOn(variable) || Then.DependsOn(variable) || Else.DependsOn(variable);

    internal override void Collect(List<IndexVar> variables)
    {
        A.Collect(variables);
        B.Collect(variables);
        Then.Collect(variables);
        Else.Collect(variables);
    }

    internal override IndexExpr? Replace(Func<IndexVar, IndexExpr?> replacement)
    {
        IndexExpr? a = A.Replace(replacement), b = B.Replace(replacement), then = Then.Replace(replacement), otherwise = Else.Replace(replacement);
        return a is null && b is null && then is null && otherwise is null ? null : IndexExpr.IfLess(a ?? A, b ?? B, then ?? Then, otherwise ?? Else);
    }

    private protected override string Write() => $"select({A} < {B}, {Then}, {Else})";
}
