using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Kernels.Schedules;

/// <summary>
/// Which expressions have vectors: floats and integers of 32 bits, conditions, narrower elements that are widened as they are read, and bytes, each in a lane of 32 bits, of
/// which the lesser and the greater are taken and which are narrowed as they are stored.
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
                    return e.Type.Element is ElementType.Float32 or ElementType.Int32 || (IsByte(e.Type.Element) && offset(a).Coefficient(variable) == 1);
                case Var:
                    return e.Type.Element is ElementType.Float32 or ElementType.Int32 || IsByte(e.Type.Element);
                case IndexValue i:
                    return coefficient(i.Index) is not null && e.Type.Element == ElementType.Int32;
                case Cast { A: Access a } c:
                    return offset(a).Coefficient(variable) is { } step && c.To.Element is (ElementType.Float32 or ElementType.Int32 or ElementType.Bool)
                        && (a.Type.Element is ElementType.Float32 or ElementType.Int32
                            || (step == 1 && a.Type.Element is (ElementType.UInt8 or ElementType.Int8 or ElementType.UInt16 or ElementType.Int16 or ElementType.Bool or ElementType.Float16 or ElementType.BFloat16)));
                case Cast { A: IndexValue i } c:
                    return coefficient(i.Index) is not null && c.To.Element is (ElementType.Float32 or ElementType.Int32);
                case Cast c:
                    return !c.Saturate && Check(c.A) && (Simple(c.A.Type.Element)
                        ? Simple(c.To.Element) || (IsByte(c.To.Element) && c.A.Type.Element == ElementType.Int32)
                        : IsByte(c.A.Type.Element) && (Simple(c.To.Element) || IsByte(c.To.Element)));
                case Bits b:
                    return b.A.Type.Element is (ElementType.Float32 or ElementType.Int32) && b.To.Element is (ElementType.Float32 or ElementType.Int32) && Check(b.A);
                case Binary { Op: BinaryOp.Less or BinaryOp.LessOrEqual or BinaryOp.Equal or BinaryOp.NotEqual } b when IsIndex(b.A) && IsIndex(b.B):
                    return true;
                case Binary { Op: BinaryOp.ShiftLeft or BinaryOp.ShiftRight } b:
                    return b.Type.Element == ElementType.Int32 && b.B is Const && Check(b.A);
                case Binary { Op: BinaryOp.Remainder or BinaryOp.Power }:
                    return e is Binary { Op: BinaryOp.Power, Type.Element: ElementType.Float32 } && ExprWalk.Operands(e).All(Check);
                case Binary { Op: BinaryOp.Min or BinaryOp.Max or BinaryOp.Less or BinaryOp.LessOrEqual or BinaryOp.Equal or BinaryOp.NotEqual } b when IsByte(b.A.Type.Element):
                    return Check(b.A) && Check(b.B);
                case Binary b:
                    return Simple(b.A.Type.Element) && (b.Op != BinaryOp.Divide || b.Type.Element == ElementType.Float32) && Check(b.A) && Check(b.B);
                case Unary u:
                    return Simple(u.A.Type.Element) && Check(u.A);
                case Select s:
                    return (Simple(s.Type.Element) || IsByte(s.Type.Element)) && Check(s.Condition) && Check(s.Then) && Check(s.Else);
                case Fma:
                    return e.Type.Element == ElementType.Float32 && ExprWalk.Operands(e).All(Check);
                case Dot4 d:
                    return Check(d.Accumulator) && Check(d.A) && Check(d.B);
                case Const:
                    return Simple(e.Type.Element) || IsByte(e.Type.Element);
                default:
                    return false;
            }
        }

        bool IsIndex(Expr e) => e is Const { ValueType.Element: ElementType.Int64 or ElementType.Int32 } || (e is IndexValue i && coefficient(i.Index) is not null);
    }

    /// <summary>True for integers of 8 bits.</summary>
    public static bool IsByte(ElementType type) => type is ElementType.UInt8 or ElementType.Int8;

    private static bool Simple(ElementType type) => type is ElementType.Float32 or ElementType.Int32 or ElementType.Bool;
}
