using Lathe.Runtime;

namespace Lathe.Kernels.Loops;

/// <summary>The type of a value: an element type and a number of lanes, 1 for a scalar.</summary>
public readonly record struct VectorType(ElementType Element, int Lanes = 1)
{
    /// <summary>A scalar of an element type.</summary>
    public static implicit operator VectorType(ElementType element) => new(element);

    /// <summary>The same element type with another number of lanes.</summary>
    public VectorType WithLanes(int lanes) => new(Element, lanes);

    /// <summary>Such as <c>float32x16</c>.</summary>
    public override string ToString() => Lanes == 1 ? Element.Name() : $"{Element.Name()}x{Lanes}";
}

/// <summary>
/// A value of a loop program. The vocabulary is closed: these records are all that targets print and the interpreter runs. Integers
/// wrap; floats follow IEEE 754 and every result is rounded to its type.
/// </summary>
public abstract record Expr
{
    private protected Expr()
    {
    }

    /// <summary>The type of the value.</summary>
    public abstract VectorType Type { get; }
}

// ── 1. Leaves ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/// <summary>
/// A constant; all lanes alike. Integers, and bools as 0 and 1, are kept in <paramref name="Integer"/>, floats, rounded to their type, in
/// <paramref name="Float"/>. Two are equal if their bits are: -0 is not 0.
/// </summary>
public sealed record Const(VectorType ValueType, double Float, long Integer) : Expr
{
    /// <summary>The value of a float.</summary>
    public double Float { get; init; } = ValueType.Element.IsFloat() ? LaneArithmetic.Round(ValueType.Element, Float) : Float;

    /// <inheritdoc/>
    public override VectorType Type => ValueType;

    /// <summary>A constant of any numeric type from a number that it can hold.</summary>
    public static Const Of(VectorType type, double value) => type.Element.IsFloat() ? new Const(type, value, 0) : new Const(type, 0, checked((long)value));

    /// <summary>An integer or bool constant.</summary>
    public static Const OfInteger(VectorType type, long value) => type.Element.IsFloat() ? new Const(type, value, 0) : new Const(type, 0, value);

    /// <inheritdoc/>
    public bool Equals(Const? other) => other is not null
        && ValueType == other.ValueType
        && Integer == other.Integer
        && BitConverter.DoubleToInt64Bits(Float) == BitConverter.DoubleToInt64Bits(other.Float);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(ValueType, BitConverter.DoubleToInt64Bits(Float), Integer);
}

/// <summary>The value of a <see cref="Let"/>, a <see cref="Local"/> or a running value of a reduction.</summary>
public sealed record Var(string Name, VectorType ValueType) : Expr
{
    /// <inheritdoc/>
    public override VectorType Type => ValueType;
}

/// <summary>The value of an index expression as an integer of the given type; with lanes, lane i holds <c>Index + i*Stride</c>.</summary>
public sealed record IndexValue(IndexExpr Index, VectorType ValueType, long Stride = 0) : Expr
{
    /// <inheritdoc/>
    public override VectorType Type => ValueType;
}

// ── 2. Arithmetic, by lane ─────────────────────────────────────────────────────────────────────────────────────────────

/// <summary>Operators of one operand.</summary>
public enum UnaryOp
{
    /// <summary>-a.</summary>
    Negate,

    /// <summary>Bitwise complement; of a bool, its negation.</summary>
    Not,

    /// <summary>|a|.</summary>
    Abs,

    /// <summary>The square root, correctly rounded.</summary>
    Sqrt,

    /// <summary>Towards minus infinity.</summary>
    Floor,

    /// <summary>Towards plus infinity.</summary>
    Ceiling,

    /// <summary>To the nearest integer, ties to even.</summary>
    Round,

    /// <summary>Towards zero.</summary>
    Truncate,

    /// <summary>e^a.</summary>
    Exp,

    /// <summary>The natural logarithm.</summary>
    Log,

    /// <summary>The sine.</summary>
    Sin,

    /// <summary>The cosine.</summary>
    Cos,

    /// <summary>The tangent.</summary>
    Tan,

    /// <summary>The hyperbolic sine.</summary>
    Sinh,

    /// <summary>The hyperbolic cosine.</summary>
    Cosh,

    /// <summary>The hyperbolic tangent.</summary>
    Tanh,

    /// <summary>The inverse sine.</summary>
    Asin,

    /// <summary>The inverse cosine.</summary>
    Acos,

    /// <summary>The inverse tangent.</summary>
    Atan,

    /// <summary>The inverse hyperbolic sine.</summary>
    Asinh,

    /// <summary>The inverse hyperbolic cosine.</summary>
    Acosh,

    /// <summary>The inverse hyperbolic tangent.</summary>
    Atanh,

    /// <summary>The error function.</summary>
    Erf,

    /// <summary>1 / (1 + e^-a).</summary>
    Sigmoid,

    /// <summary>True for a NaN; the result is a bool.</summary>
    IsNaN,
}

/// <summary>An operator of one operand.</summary>
public sealed record Unary(UnaryOp Op, Expr A) : Expr
{
    /// <inheritdoc/>
    public override VectorType Type => Op == UnaryOp.IsNaN ? new VectorType(ElementType.Bool, A.Type.Lanes) : A.Type;
}

/// <summary>Operators of two operands of one type. Comparisons give bools.</summary>
public enum BinaryOp
{
    /// <summary>a + b.</summary>
    Add,

    /// <summary>a - b.</summary>
    Subtract,

    /// <summary>a * b.</summary>
    Multiply,

    /// <summary>a / b; of integers, truncated. Division by zero is the caller's to exclude.</summary>
    Divide,

    /// <summary>The remainder with the sign of a.</summary>
    Remainder,

    /// <summary>a &lt; b ? a : b, so that a NaN in either gives b; the order matters.</summary>
    Min,

    /// <summary>a &gt; b ? a : b, so that a NaN in either gives b; the order matters.</summary>
    Max,

    /// <summary>a to the power b.</summary>
    Power,

    /// <summary>Bitwise or logical and.</summary>
    And,

    /// <summary>Bitwise or logical or.</summary>
    Or,

    /// <summary>Bitwise or logical exclusive or.</summary>
    Xor,

    /// <summary>a shifted left by b bits; 0 where b is the width or more.</summary>
    ShiftLeft,

    /// <summary>a shifted right by b bits, arithmetically if a is signed.</summary>
    ShiftRight,

    /// <summary>a &lt; b.</summary>
    Less,

    /// <summary>a ≤ b.</summary>
    LessOrEqual,

    /// <summary>a = b.</summary>
    Equal,

    /// <summary>a ≠ b; true for a NaN.</summary>
    NotEqual,
}

/// <summary>An operator of two operands.</summary>
public sealed record Binary(BinaryOp Op, Expr A, Expr B) : Expr
{
    /// <inheritdoc/>
    public override VectorType Type => Op >= BinaryOp.Less ? new VectorType(ElementType.Bool, A.Type.Lanes) : A.Type;
}

/// <summary><paramref name="Then"/> where the condition is true, otherwise <paramref name="Else"/>. Only the chosen side is read.</summary>
public sealed record Select(Expr Condition, Expr Then, Expr Else) : Expr
{
    /// <inheritdoc/>
    public override VectorType Type => Then.Type;
}

/// <summary>a*b + c with one rounding.</summary>
public sealed record Fma(Expr A, Expr B, Expr C) : Expr
{
    /// <inheritdoc/>
    public override VectorType Type => C.Type;
}

/// <summary>
/// acc + Σ a[i]*b[i] over the four bytes of each 32-bit lane; <paramref name="SignedA"/> and <paramref name="SignedB"/> say how the bytes are read.
/// </summary>
public sealed record Dot4(Expr Accumulator, Expr A, Expr B, bool SignedA, bool SignedB) : Expr
{
    /// <inheritdoc/>
    public override VectorType Type => Accumulator.Type;
}

/// <summary>
/// (acc + a[1]*b[1]) + a[0]*b[0] over the two halves of each 32-bit lane, both bfloat16 or both int16 by <paramref name="Halves"/>. Of bfloat16
/// each addition rounds once, the upper half first: that is what <c>vdpbf16ps</c> does.
/// </summary>
public sealed record Dot2(Expr Accumulator, Expr A, Expr B, ElementType Halves) : Expr
{
    /// <inheritdoc/>
    public override VectorType Type => Accumulator.Type;
}

// ── 3. Types and lanes ─────────────────────────────────────────────────────────────────────────────────────────────────

/// <summary>A conversion of value. Float to integer rounds to nearest even if <paramref name="Round"/>, otherwise truncates; it saturates if asked.</summary>
public sealed record Cast(Expr A, VectorType To, bool Saturate = false, bool Round = false) : Expr
{
    /// <inheritdoc/>
    public override VectorType Type => To;
}

/// <summary>The same bits as another type of the same total size.</summary>
public sealed record Bits(Expr A, VectorType To) : Expr
{
    /// <inheritdoc/>
    public override VectorType Type => To;
}

/// <summary>A scalar in every lane.</summary>
public sealed record Splat(Expr A, int Lanes) : Expr
{
    /// <inheritdoc/>
    public override VectorType Type => A.Type.WithLanes(Lanes);
}

/// <summary>The mask of the first <paramref name="Count"/> lanes.</summary>
public sealed record FirstLanes(IndexExpr Count, int Lanes) : Expr
{
    /// <inheritdoc/>
    public override VectorType Type => new(ElementType.Bool, Lanes);
}

/// <summary>Lane i is lane <c>Pattern[i]</c> of a followed by b.</summary>
public sealed record Shuffle(Expr A, Expr B, EquatableArray<int> Pattern) : Expr
{
    /// <inheritdoc/>
    public override VectorType Type => A.Type.WithLanes(Pattern.Length);
}

/// <summary>All lanes combined into a scalar: halves with halves, so that the order of a float sum is the same everywhere.</summary>
public sealed record Reduce(BinaryOp Op, Expr A) : Expr
{
    /// <inheritdoc/>
    public override VectorType Type => A.Type.WithLanes(1);
}

// ── 4. Memory ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/// <summary>
/// An element of a tensor at logical indices. It belongs to computations; lowering turns it into a <see cref="Load"/> through the tensor's layout.
/// </summary>
public sealed record Access(Tensor Tensor, EquatableArray<IndexExpr> Indices) : Expr
{
    /// <inheritdoc/>
    public override VectorType Type => Tensor.Element;
}

/// <summary>
/// Elements of a buffer from an index on, <paramref name="Stride"/> apart. Lanes that the mask excludes are not read and are 0.
/// </summary>
public sealed record Load(string Buffer, IndexExpr Index, VectorType ValueType, Expr? Mask = null, long Stride = 1) : Expr
{
    /// <inheritdoc/>
    public override VectorType Type => ValueType;
}

/// <summary>Elements of a buffer at computed indices (int32 or int64), which the caller has checked. Lanes that the mask excludes are not read and are 0.</summary>
public sealed record Gather(string Buffer, Expr Index, VectorType ValueType, Expr? Mask = null) : Expr
{
    /// <inheritdoc/>
    public override VectorType Type => ValueType;
}
