using System.Globalization;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Kernels.Llvm.Printing;

/// <summary>Prints expressions of one function: each becomes instructions and the name of their result. Scalars and vectors are printed alike.</summary>
internal sealed partial class ExpressionPrinter(FunctionWriter writer, IndexPrinter indices, PlaceNames names, bool hasVnni)
{
    private readonly Rounding _rounding = new(writer);
    private readonly Dictionary<Expr, bool> _conditional = new(ReferenceEqualityComparer.Instance);
    private readonly HashSet<(string Pointer, IndexExpr Index)> _read = [];
    private string _readIn = "";
    private Dictionary<Expr, string> _printed = new(ReferenceEqualityComparer.Instance);

    /// <summary>Prints an expression of a statement.</summary>
    public string Print(Expr expression)
    {
        // What another block computed need not have been computed here.
        _printed.Clear();
        return Part(expression);
    }

    /// <summary>A floating-point number as LLVM reads it: the bits of the double that has its value.</summary>
    public static string Literal(double value) => string.Create(CultureInfo.InvariantCulture, $"0x{BitConverter.DoubleToInt64Bits(value):X16}");

    private string Part(Expr expression)
    {
        if (_printed.TryGetValue(expression, out string? known)) return known;
        return _printed[expression] = One(expression);
    }

    private string One(Expr expression)
    {
        VectorType type = expression.Type;
        switch (expression)
        {
            case Const e:
                string text = type.Element.IsFloat() ? Literal(e.Float) : type.Element == ElementType.Bool ? e.Integer != 0 ? "true" : "false" : IndexPrinter.Number(e.Integer);
                return FunctionWriter.Constants(IrType.Scalar(type.Element), type.Lanes, _ => text);
            case Var e:
                return names.ValueOf(e.Name) is { IsPlace: true } place ? writer.Value($"load {IrType.Of(type)}, ptr {place.Text}") : names.ValueOf(e.Name).Text;
            case IndexValue e:
                return OfIndex(e);
            case Unary e:
                return Unary(e);
            case Binary e:
                return Binary(e);
            case Select e:
                return Select(e);
            case Fma e:
                return Fma(e);
            case Dot4 e:
                return new DotPrinter(writer, hasVnni).Print(e, Part(e.Accumulator), Part(e.A), Part(e.B));
            case Cast e:
                return new CastPrinter(writer, _rounding).Print(Part(e.A), e);
            case Bits e:
                return Bits(e);
            case Splat e:
                return writer.Splat(IrType.Scalar(type.Element), Part(e.A), e.Lanes);
            case FirstLanes e:
                return FirstLanes(e);
            case Shuffle e:
                return writer.Shuffle(IrType.Scalar(type.Element), e.A.Type.Lanes, Part(e.A), Part(e.B), [.. e.Pattern.Items]);
            case Reduce e:
                return Reduce(e);
            case Load e:
                return LoadOf(e);
            case Gather e:
                return GatherOf(e);
            default:
                throw new NotSupportedException($"A {expression.GetType().Name}.");
        }
    }

    private string OfIndex(IndexValue e)
    {
        string scalar = IrType.Scalar(e.Type.Element), index = indices.Print(e.Index);
        if (scalar != "i64") index = writer.Value($"trunc i64 {index} to {scalar}");
        if (e.Type.Lanes == 1) return index;
        string vector = IrType.Of(e.Type), first = writer.Splat(scalar, index, e.Type.Lanes);
        return e.Stride == 0 ? first : writer.Value($"add {vector} {first}, {FunctionWriter.Constants(scalar, e.Type.Lanes, i => IndexPrinter.Number(i * e.Stride))}");
    }

    private string FirstLanes(FirstLanes e)
    {
        if (e.Count.IsConstant) return FunctionWriter.Constants("i1", e.Lanes, i => i < e.Count.Constant ? "true" : "false");
        string count = indices.Print(e.Count), lanes = IndexPrinter.Number(e.Lanes), vector = IrType.WithLanes("i32", e.Lanes);
        count = writer.Call("i64", "llvm.smax.i64", ("i64", writer.Call("i64", "llvm.smin.i64", ("i64", count), ("i64", lanes))), ("i64", "0"));
        string all = writer.Splat("i32", writer.Value($"trunc i64 {count} to i32"), e.Lanes);
        return writer.Value($"icmp ult {vector} {FunctionWriter.Constants("i32", e.Lanes, i => IndexPrinter.Number(i))}, {all}");
    }

    private string Select(Select e)
    {
        string type = IrType.Of(e.Type);
        Expr condition = e.Condition is Splat splat ? splat.A : e.Condition;
        if (condition.Type.Lanes == 1 && (MustBeChosen(e.Then) || MustBeChosen(e.Else)))
            return writer.Choose(Part(condition), type, () => Inside(e.Then), () => Inside(e.Else));
        return writer.Value($"select {IrType.Of(condition.Type)} {Part(condition)}, {type} {Part(e.Then)}, {type} {Part(e.Else)}");
    }

    /// <summary>An expression in a block that may not run: what is computed in it is not known behind it.</summary>
    private string Inside(Expr expression)
    {
        Dictionary<Expr, string> outer = _printed;
        _printed = new Dictionary<Expr, string>(outer, ReferenceEqualityComparer.Instance);
        string value = Part(expression);
        _printed = outer;
        return value;
    }

    /// <summary>True if an expression reads memory or can fail, so that it may be computed only where it is chosen.</summary>
    private bool MustBeChosen(Expr expression)
    {
        if (_conditional.TryGetValue(expression, out bool known)) return known;
        bool result = expression is Load or Gather or Loops.Binary { Op: BinaryOp.Divide or BinaryOp.Remainder or BinaryOp.Power } or Loops.Unary { Op: >= UnaryOp.Exp and not UnaryOp.IsNaN }
            || ExprWalk.Operands(expression).Any(MustBeChosen);
        return _conditional[expression] = result;
    }

    private string Bits(Bits e)
    {
        string a = Part(e.A), to = IrType.Of(e.To);
        (ElementType source, ElementType target) = (e.A.Type.Element, e.To.Element);
        string from = IrType.Of(e.A.Type);
        if (source == ElementType.Float16) (a, from) = (writer.Value($"fptrunc {from} {a} to {IrType.WithLanes("half", e.A.Type.Lanes)}"), IrType.WithLanes("half", e.A.Type.Lanes));
        if (source == ElementType.BFloat16) (a, from) = (_rounding.BitsOfBFloat16(a, e.A.Type.Lanes), IrType.WithLanes("i16", e.A.Type.Lanes));
        string memory = IrType.Memory(e.To);
        if (from != memory) a = writer.Value($"bitcast {from} {a} to {memory}");
        return target switch
        {
            ElementType.Float16 => writer.Value($"fpext {memory} {a} to {to}"),
            ElementType.BFloat16 => _rounding.BFloat16OfBits(a, e.To.Lanes),
            _ => a,
        };
    }

    /// <summary>Halves with halves, as the interpreter does.</summary>
    private string Reduce(Reduce e)
    {
        string scalar = IrType.Scalar(e.Type.Element), value = Part(e.A);
        int lanes = e.A.Type.Lanes;
        for (; lanes > 2; lanes /= 2)
        {
            string low = writer.Shuffle(scalar, lanes, value, "undef", [.. Enumerable.Range(0, lanes / 2)]), high = writer.Shuffle(scalar, lanes, value, "undef", [.. Enumerable.Range(lanes / 2, lanes / 2)]);
            value = Combine(e.Op, e.Type.WithLanes(lanes / 2), low, high);
        }

        string vector = IrType.WithLanes(scalar, 2);
        return Combine(e.Op, e.Type, writer.Value($"extractelement {vector} {value}, i32 0"), writer.Value($"extractelement {vector} {value}, i32 1"));
    }
}
