using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Kernels.Schedules;

/// <summary>
/// Which expressions have vectors: floats and integers of 32 bits, conditions, integers of 8 and 16 bits where nothing wraps, and halves that are widened as they
/// are read.
/// </summary>
internal static class VectorTypes
{
    /// <summary>True if an expression can be computed in vectors over a variable.</summary>
    /// <param name="expression">The expression.</param>
    /// <param name="coefficient">The coefficient of the variable in an index.</param>
    /// <param name="offset">The offset of an access.</param>
    /// <param name="variable">The variable.</param>
    public static bool Allow(Expr expression, Func<IndexExpr, long?> coefficient, Func<Access, IndexExpr> offset, IndexVar variable)
    {
        Dictionary<Expr, bool> varies = new(ReferenceEqualityComparer.Instance);
        return Check(expression);

        bool Varies(Expr e)
        {
            if (varies.TryGetValue(e, out bool known)) return known;
            bool result = e switch
            {
                Access a => offset(a).Coefficient(variable) != 0,
                IndexValue i => coefficient(i.Index) != 0,
                // A running value is one for every lane.
                Var => true,
                _ => ExprWalk.Operands(e).Any(Varies),
            };
            return varies[e] = result;
        }

        bool Check(Expr e)
        {
            if (!Varies(e)) return true;
            switch (e)
            {
                case Access a:
                    return IsMemory(e.Type.Element, offset(a).Coefficient(variable)) || IsApart(e.Type.Element, offset(a).Coefficient(variable));
                case Var:
                    return e.Type.Element is ElementType.Float32 or ElementType.Int32 || IsNarrow(e.Type.Element);
                case IndexValue i:
                    return coefficient(i.Index) is not null && e.Type.Element == ElementType.Int32;
                case Cast { A: Access { Tensor.Element: ElementType.Bool or ElementType.Float16 or ElementType.BFloat16 } a } c:
                    return offset(a).Coefficient(variable) == 1 && Simple(c.To.Element) && !c.Saturate;
                case Cast { A: IndexValue i } c:
                    return coefficient(i.Index) is not null && c.To.Element is (ElementType.Float32 or ElementType.Int32);
                case Cast c:
                    return (Simple(c.A.Type.Element) || IsNarrow(c.A.Type.Element)) && (Simple(c.To.Element) || IsNarrow(c.To.Element)) && Check(c.A);
                case Bits b:
                    return b.A.Type.Element is (ElementType.Float32 or ElementType.Int32) && b.To.Element is (ElementType.Float32 or ElementType.Int32) && Check(b.A);
                case Binary { Op: BinaryOp.Less or BinaryOp.LessOrEqual or BinaryOp.Equal or BinaryOp.NotEqual } b when IsIndex(b.A) && IsIndex(b.B):
                    return true;
                case Binary { Op: BinaryOp.ShiftLeft or BinaryOp.ShiftRight } b:
                    return b.Type.Element == ElementType.Int32 && b.B is Const && Check(b.A);
                case Binary { Op: BinaryOp.Remainder or BinaryOp.Power }:
                    return e is Binary { Op: BinaryOp.Power, Type.Element: ElementType.Float32 } && ExprWalk.Operands(e).All(Check);
                case Binary { Op: BinaryOp.Min or BinaryOp.Max or BinaryOp.And or BinaryOp.Or or BinaryOp.Xor or >= BinaryOp.Less } b when IsNarrow(b.A.Type.Element):
                    return Check(b.A) && Check(b.B);
                case Binary b:
                    return Simple(b.A.Type.Element) && (b.Op != BinaryOp.Divide || b.Type.Element == ElementType.Float32) && Check(b.A) && Check(b.B);
                case Unary u:
                    return Simple(u.A.Type.Element) && Check(u.A);
                case Select s:
                    return (Simple(s.Type.Element) || IsNarrow(s.Type.Element)) && Check(s.Condition) && Check(s.Then) && Check(s.Else);
                case Fma:
                    return e.Type.Element == ElementType.Float32 && ExprWalk.Operands(e).All(Check);
                case Dot4 d:
                    return Check(d.Accumulator) && Check(d.A) && Check(d.B);
                case Const:
                    return Simple(e.Type.Element) || IsNarrow(e.Type.Element);
                default:
                    return false;
            }
        }

        bool IsIndex(Expr e) => e is Const { ValueType.Element: ElementType.Int64 or ElementType.Int32 } || (e is IndexValue i && coefficient(i.Index) is not null);
    }

    /// <summary>True if there are vectors in memory of elements that lie apart.</summary>
    /// <param name="element">The type of the elements.</param>
    /// <param name="step">How far apart they lie; null where that changes.</param>
    public static bool IsMemory(ElementType element, long? step) =>
        step != 0 && (element is ElementType.Float32 or ElementType.Int32 || (step == 1 && IsNarrow(element)));

    /// <summary>Bytes that lie few apart, such as one channel of an image, are read together.</summary>
    private static bool IsApart(ElementType element, long? step) => element is ElementType.UInt8 or ElementType.Int8 && step is >= 2 and <= 4;

    private static bool IsNarrow(ElementType type) => type is ElementType.UInt8 or ElementType.Int8 or ElementType.UInt16 or ElementType.Int16;

    private static bool Simple(ElementType type) => type is ElementType.Float32 or ElementType.Int32 or ElementType.Bool;
}
