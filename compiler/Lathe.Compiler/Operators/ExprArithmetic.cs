using Lathe.Kernels.Loops;
using Lathe.Runtime;
using LoopCast = Lathe.Kernels.Loops.Cast;

namespace Lathe.Compiler.Operators;

/// <summary>C#'s operators over loop expressions, so that a lowering reads like the mathematics. A number takes the type of the other operand.</summary>
internal static class ExprArithmetic
{
    extension(Expr)
    {
        public static Expr operator +(Expr a, Expr b) => new Binary(BinaryOp.Add, a, b);

        public static Expr operator -(Expr a, Expr b) => new Binary(BinaryOp.Subtract, a, b);

        public static Expr operator *(Expr a, Expr b) => new Binary(BinaryOp.Multiply, a, b);

        public static Expr operator /(Expr a, Expr b) => new Binary(BinaryOp.Divide, a, b);

        public static Expr operator %(Expr a, Expr b) => new Binary(BinaryOp.Remainder, a, b);

        public static Expr operator &(Expr a, Expr b) => new Binary(BinaryOp.And, a, b);

        public static Expr operator |(Expr a, Expr b) => new Binary(BinaryOp.Or, a, b);

        public static Expr operator ^(Expr a, Expr b) => new Binary(BinaryOp.Xor, a, b);

        public static Expr operator <(Expr a, Expr b) => new Binary(BinaryOp.Less, a, b);

        public static Expr operator >(Expr a, Expr b) => new Binary(BinaryOp.Less, b, a);

        public static Expr operator <=(Expr a, Expr b) => new Binary(BinaryOp.LessOrEqual, a, b);

        public static Expr operator >=(Expr a, Expr b) => new Binary(BinaryOp.LessOrEqual, b, a);

        public static Expr operator -(Expr a) => new Unary(UnaryOp.Negate, a);

        public static Expr operator !(Expr a) => new Unary(UnaryOp.Not, a);

        public static Expr operator +(Expr a, double b) => a + Const.Of(a.Type, b);

        public static Expr operator +(double a, Expr b) => Const.Of(b.Type, a) + b;

        public static Expr operator -(Expr a, double b) => a - Const.Of(a.Type, b);

        public static Expr operator -(double a, Expr b) => Const.Of(b.Type, a) - b;

        public static Expr operator *(Expr a, double b) => a * Const.Of(a.Type, b);

        public static Expr operator *(double a, Expr b) => Const.Of(b.Type, a) * b;

        public static Expr operator /(Expr a, double b) => a / Const.Of(a.Type, b);

        public static Expr operator /(double a, Expr b) => Const.Of(b.Type, a) / b;

        public static Expr operator <(Expr a, double b) => a < Const.Of(a.Type, b);

        public static Expr operator >(Expr a, double b) => a > Const.Of(a.Type, b);

        public static Expr operator <=(Expr a, double b) => a <= Const.Of(a.Type, b);

        public static Expr operator >=(Expr a, double b) => a >= Const.Of(a.Type, b);
    }

    extension(Expr a)
    {
        /// <summary>A function of the expression.</summary>
        public Expr Of(UnaryOp function) => new Unary(function, a);

        /// <summary>a = b.</summary>
        public Expr EqualTo(Expr b) => new Binary(BinaryOp.Equal, a, b);

        /// <summary>a = b.</summary>
        public Expr EqualTo(double b) => a.EqualTo(Const.Of(a.Type, b));

        /// <summary>a where it is smaller, otherwise b: b where either is a NaN.</summary>
        public Expr Min(Expr b) => new Binary(BinaryOp.Min, a, b);

        /// <summary>a where it is larger, otherwise b: b where either is a NaN.</summary>
        public Expr Max(Expr b) => new Binary(BinaryOp.Max, a, b);

        /// <summary>One of two values, by a bool.</summary>
        public Expr Choose(Expr then, Expr otherwise) => new Select(a, then, otherwise);

        /// <summary>The value in another element type, converted as C# does; nothing if it has that type.</summary>
        public Expr To(ElementType element) => a.Type.Element == element ? a : new LoopCast(a, a.Type with { Element = element });

        /// <summary>The value in the type that arithmetic is done in.</summary>
        public Expr Widen() => a.To(a.Type.Element.Arithmetic());

        /// <summary>a*b + c: with one rounding for floats.</summary>
        public Expr MultiplyAdd(Expr b, Expr c) => c.Type.Element.IsFloat() ? new Fma(a, b, c) : c + (a * b);
    }

    /// <summary>The type in which values of an element type are computed: float32 for the two 16-bit floats, otherwise itself.</summary>
    public static ElementType Arithmetic(this ElementType element) =>
        element is ElementType.Float16 or ElementType.BFloat16 ? ElementType.Float32 : element;

    /// <summary>The value of an index expression as a number.</summary>
    public static Expr ToExpr(this IndexExpr index, ElementType element) => element switch
    {
        _ when index.IsConstant => Const.Of(element, index.Value),
        ElementType.Int32 or ElementType.Int64 => new IndexValue(index, element),
        _ => new IndexValue(index, ElementType.Int64).To(element),
    };
}
