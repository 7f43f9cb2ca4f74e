using System.Globalization;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Kernels.Targets.OpenCl;

/// <summary>Prints expressions and stores of one kernel; remembers which functions they call.</summary>
internal sealed class ExpressionPrinter(int width, IReadOnlyDictionary<string, ElementType> elements, IReadOnlySet<string> dims, ISet<string> used) : ExpressionText
{
    private string Floats => $"float{Number(width)}";

    private string Integers => $"int{Number(width)}";

    public string Store(Store store)
    {
        ElementType element = elements[store.Buffer];
        if (store.Value.Type.Lanes == 1)
        {
            string assignment = $"{Place(store.Buffer, store.Index)} = {Scalars().Written(element, Top(store.Value))};";
            return store.Mask is null ? assignment : $"if ({Top(store.Mask)}) {assignment}";
        }

        string memory = Types.Memory(element), address = Address(store.Buffer, store.Index);
        string value = element switch
        {
            ElementType.Float32 or ElementType.Int32 => Top(store.Value),
            ElementType.Float16 or ElementType.BFloat16 => $"{Call("Narrow" + element)}_{Floats}({Top(store.Value)})",
            ElementType.Bool => $"convert_uchar{Number(width)}({Print(store.Value)} & 1)",
            _ when Types.IsNarrow(element) => $"convert_{memory}{Number(width)}({Top(store.Value)})",
            _ => throw new NotSupportedException($"Vectors of {store.Value.Type} are not stored to {element.Name()}."),
        };
        if (store.Stride != 1)
            return store.Mask is null ? $"{Call("Scatter_" + memory)}({address}, {Number(store.Stride)}, {value});" : $"{Call("MaskScatter_" + memory)}({address}, {Number(store.Stride)}, {Top(store.Mask)}, {value});";
        if (First(store.Mask) is { } count) return $"{Call($"StoreFirst{Number(count)}_{memory}")}({address}, {value});";
        return store.Mask is not null ? $"{Call("MaskStore_" + memory)}({address}, {Top(store.Mask)}, {value});" : $"vstore{Number(width)}({value}, 0, {address});";
    }

    public string Transpose(TransposeBlock block)
    {
        string name = string.Create(CultureInfo.InvariantCulture, $"Transpose{block.Rows}x{block.Columns}");
        return $"{Call(name)}({Word(block.To, block.ToIndex, "")}, {Index(block.ToStride)}, {Word(block.From, block.FromIndex, "const ")}, {Index(block.FromStride)});";

        // Moving bits does not ask what they mean.
        string Word(string buffer, IndexExpr index, string kind) => $"(__global {kind}uint*)({Address(buffer, index)})";
    }

    private string Call(string function)
    {
        used.Add(function);
        return function;
    }

    private ScalarPrinter Scalars() => new(Print, e => Index(e), Place, Call, elements);

    /// <inheritdoc/>
    protected override string Wide(long number) => Number(number) + "l";

    /// <inheritdoc/>
    protected override string NameOf(string name) => Identifiers.Of(name);

    /// <inheritdoc/>
    protected override string Atom(IndexAtom atom) => atom switch
    {
        IndexVar a => a != Kernel.From && dims.Contains(a.Name) ? Identifiers.OfDim(a.Name) : a == Kernel.From ? "from" : Identifiers.Of(a.Name),
        // A divisor that is zero only where nothing uses the quotient, such as the dim of an empty tensor, must not trap there.
        IndexDiv a => $"({Index(a.Operand, true)} / {Divisor(a.Divisor)})",
        IndexMod a => $"({Index(a.Operand, true)} % {Divisor(a.Divisor)})",
        IndexMin a => $"min({Long(a.A)}, {Long(a.B)})",
        IndexMax a => $"max({Long(a.A)}, {Long(a.B)})",
        IndexSelect a => $"({Index(a.A)} < {Index(a.B)} ? {Index(a.Then)} : {Index(a.Else)})",
        _ => throw new NotSupportedException(atom.GetType().Name),
    };

    private string Divisor(IndexExpr divisor) => divisor.Range.Min > 0 ? Index(divisor, true) : $"max({Long(divisor)}, 1l)";

    /// <summary>As a value that functions with overloads take for one of 64 bits.</summary>
    private string Long(IndexExpr index) => $"(long)({Index(index)})";

    private string Place(string buffer, IndexExpr index) => $"{Identifiers.Of(buffer)}[{Index(index)}]";

    /// <inheritdoc/>
    protected override string Print(Expr expression)
    {
        if (expression.Type.Lanes != 1 && expression.Type.Lanes != width)
            throw new NotSupportedException($"A vector of {expression.Type} is not of {width} lanes.");
        return expression.Type.Lanes == 1 && expression is not Reduce ? Scalars().Print(expression) : Vector(expression);
    }

    /// <summary>How many lanes a mask lets through that is known and lets some through but not all.</summary>
    private long? First(Expr? mask) => mask is FirstLanes { Count: { IsConstant: true } count } && count.Value > 0 && count.Value < width ? count.Value : null;

    // ── Vectors ────────────────────────────────────────────────────────────────────────────────────────────────────────

    private string Vector(Expr expression)
    {
        switch (expression)
        {
            case Const e:
                return Types.IsFloat(e.Type) ? $"({Floats})({ScalarPrinter.Literal(e.Float, ElementType.Float32)})" : $"({Integers})({Number(e.Type.Element == ElementType.Bool ? -e.Integer : e.Integer)})";
            case Var e:
                return Identifiers.Of(e.Name);
            case IndexValue e:
                string lanes = string.Join(", ", Enumerable.Range(0, width).Select(i => Number(i * e.Stride)));
                return $"(({Integers})((int)({Index(e.Index)})) + ({Integers})({lanes}))";
            case Unary e:
                return Unary(e);
            case Binary e:
                return Binary(e);
            case Select { Condition: Splat { A: var condition } } e:
                return $"({Print(condition)} ? {Print(e.Then)} : {Print(e.Else)})";
            case Select e:
                return $"({Print(e.Condition)} ? {Print(e.Then)} : {Print(e.Else)})";
            case Fma e:
                return $"fma({Top(e.A)}, {Top(e.B)}, {Top(e.C)})";
            case Dot4 e:
                return $"{Call(ScalarPrinter.NameOf(e))}_{Integers}({Top(e.Accumulator)}, {Top(e.A)}, {Top(e.B)})";
            case Cast e:
                return Cast(e);
            case Bits e:
                return Types.IsFloat(e.To) == Types.IsFloat(e.A.Type) ? Print(e.A) : $"as_{Types.Of(e.To)}({Top(e.A)})";
            case Splat e:
                return e.Type.Element == ElementType.Bool ? $"({Integers})({Print(e.A)} ? -1 : 0)" : $"({Types.Of(e.Type)})({Top(e.A)})";
            case FirstLanes e:
                return e.Count.IsConstant
                    ? $"({Integers})({string.Join(", ", Enumerable.Range(0, width).Select(i => i < e.Count.Value ? "-1" : "0"))})"
                    : $"(({Integers})({string.Join(", ", Enumerable.Range(0, width))}) < ({Integers})((int)clamp({Long(e.Count)}, 0l, {Number(width)}l)))";
            case Reduce e:
                string combined = $"{Call(e.Op switch { BinaryOp.Add => "Sum", BinaryOp.Multiply => "Product", BinaryOp.Min => "Smallest", BinaryOp.Max => "Largest", _ => throw new NotSupportedException($"{e.Op} of all lanes") })}_{Types.Of(e.A.Type)}({Top(e.A)})";
                return Types.IsNarrow(e.Type.Element) ? $"(({Types.Scalar(e.Type.Element)}){combined})" : combined;
            case Load e:
                return LoadOf(e);
            default:
                throw new NotSupportedException($"A vector {expression.GetType().Name}.");
        }
    }

    /// <summary>Neighbours, each in a lane of 32 bits.</summary>
    private string LoadOf(Load e)
    {
        ElementType element = elements[e.Buffer];
        string memory = Types.Memory(element), address = Address(e.Buffer, e.Index), n = Number(width);
        string read = (e.Stride, e.Mask) switch
        {
            (1, null) => $"vload{n}(0, {address})",
            (1, _) => First(e.Mask) is { } count ? $"{Call($"LoadFirst{Number(count)}_{memory}")}({address})" : $"{Call("MaskLoad_" + memory)}({address}, {Top(e.Mask)})",
            (_, null) => $"({memory}{n})({string.Join(", ", Enumerable.Range(0, width).Select(i => Place(e.Buffer, e.Index + (i * e.Stride))))})",
            _ => $"{Call("MaskGather_" + memory)}({address}, {Number(e.Stride)}, {Top(e.Mask)})",
        };
        return element switch
        {
            ElementType.Float32 or ElementType.Int32 => read,
            ElementType.Float16 or ElementType.BFloat16 => $"{Call("Widen" + element)}_{Floats}({read})",
            ElementType.Bool => $"(convert_{Integers}({read}) != 0)",
            _ when Types.IsNarrow(element) => $"convert_{Integers}({read})",
            _ => throw new NotSupportedException($"There are no vectors of {e.Type}."),
        };
    }

    private string Unary(Unary e)
    {
        bool isFloat = Types.IsFloat(e.A.Type);
        string a = Top(e.A);
        switch (e.Op)
        {
            case UnaryOp.Not:
                return $"(~{Print(e.A)})";
            case UnaryOp.Negate:
                return isFloat ? $"(-{Print(e.A)})" : Wrapped($"0u - {Bits(e.A)}");
            case UnaryOp.Abs:
                return isFloat ? $"fabs({a})" : $"as_{Integers}(abs({a}))";
            case UnaryOp.Sqrt or UnaryOp.Floor or UnaryOp.Ceiling or UnaryOp.Round or UnaryOp.Truncate:
                return isFloat ? $"{ScalarPrinter.FunctionOf(e.Op)}({a})" : Print(e.A);
            case UnaryOp.IsNaN:
                return isFloat ? $"{Call("IsNaN")}_{Floats}({a})" : $"({Integers})(0)";
            default:
                string function = e.Op == UnaryOp.Sigmoid ? $"{Call("Sigmoid")}_double{Number(width)}" : ScalarPrinter.FunctionOf(e.Op);
                return $"convert_{Floats}({function}(convert_double{Number(width)}({a})))";
        }
    }

    /// <summary>As unsigned integers, whose arithmetic wraps.</summary>
    private string Bits(Expr a) => $"as_uint{Number(width)}({Top(a)})";

    private string Wrapped(string value) => $"as_{Integers}({value})";

    private string Binary(Binary e)
    {
        bool isFloat = Types.IsFloat(e.A.Type);
        switch (e.Op)
        {
            case BinaryOp.Add or BinaryOp.Subtract or BinaryOp.Multiply when !isFloat:
                return Wrapped($"{Bits(e.A)} {Symbol(e.Op)} {Bits(e.B)}");
            case BinaryOp.Divide or BinaryOp.Remainder when !isFloat:
                throw new NotSupportedException($"A vector {e.Op} of {e.A.Type}.");
            case BinaryOp.Remainder:
                return $"fmod({Top(e.A)}, {Top(e.B)})";
            case BinaryOp.Add or BinaryOp.Subtract or BinaryOp.Multiply or BinaryOp.Divide or BinaryOp.And or BinaryOp.Or or BinaryOp.Xor:
            case BinaryOp.Less or BinaryOp.LessOrEqual or BinaryOp.Equal or BinaryOp.NotEqual:
                return $"({Print(e.A)} {Symbol(e.Op)} {Print(e.B)})";
            case BinaryOp.Min or BinaryOp.Max:
                return isFloat ? $"{Call(e.Op.ToString())}_{Floats}({Top(e.A)}, {Top(e.B)})" : $"{e.Op.ToString().ToLowerInvariant()}({Top(e.A)}, {Top(e.B)})";
            case BinaryOp.ShiftLeft or BinaryOp.ShiftRight when e.B is Const or Splat { A: Const }:
                long count = e.B is Const c ? c.Integer : ((Const)((Splat)e.B).A).Integer;
                if (count is < 0 or >= 32) return e.Op == BinaryOp.ShiftLeft ? $"({Integers})(0)" : $"({Print(e.A)} >> 31)";
                return e.Op == BinaryOp.ShiftLeft ? Wrapped($"{Bits(e.A)} << {Number(count)}") : $"({Print(e.A)} >> {Number(count)})";
            case BinaryOp.Power when isFloat:
                return $"{Call("Power")}_{Floats}({Top(e.A)}, {Top(e.B)})";
            default:
                throw new NotSupportedException($"A vector {e.Op} of {e.A.Type}.");
        }
    }

    private static string Symbol(BinaryOp op) => op switch
    {
        BinaryOp.Add => "+",
        BinaryOp.Subtract => "-",
        BinaryOp.Multiply => "*",
        BinaryOp.Divide => "/",
        BinaryOp.And => "&",
        BinaryOp.Or => "|",
        BinaryOp.Xor => "^",
        BinaryOp.Less => "<",
        BinaryOp.LessOrEqual => "<=",
        BinaryOp.Equal => "==",
        _ => "!=",
    };

    private string Cast(Cast e)
    {
        (ElementType from, ElementType to) = (e.A.Type.Element, e.To.Element);
        (bool fromFloat, bool toFloat) = (Types.IsFloat(e.A.Type), Types.IsFloat(e.To));
        if (from == to) return Print(e.A);
        if (fromFloat && toFloat) return to == ElementType.Float32 ? Print(e.A) : $"{Call("Round" + to)}_{Floats}({Top(e.A)})";
        if (to == ElementType.Bool) return fromFloat ? $"({Print(e.A)} != ({Floats})(0.0f))" : $"({Print(e.A)} != ({Integers})(0))";
        string a = from == ElementType.Bool ? $"{Print(e.A)} & 1" : Top(e.A);
        if (toFloat) return to == ElementType.Float32 ? $"convert_{Floats}({a})" : throw new NotSupportedException($"A vector conversion of {from.Name()} to {to.Name()}.");
        if (!fromFloat) return to == ElementType.Int32 || from == ElementType.Bool ? $"({a})" : $"{Call($"{(e.Saturate ? "Saturate" : "Wrap")}_{Types.Scalar(to)}")}_{Integers}({a})";
        if (e.Round) a = $"rint({a})";
        if (e.Saturate) return $"{Call($"Saturate_float_{Types.Scalar(to)}")}_{Integers}({a})";
        string cut = $"convert_{Integers}({a})";
        return to == ElementType.Int32 ? cut : $"{Call($"Wrap_{Types.Scalar(to)}")}_{Integers}({cut})";
    }
}
