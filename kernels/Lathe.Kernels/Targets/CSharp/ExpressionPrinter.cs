using System.Globalization;
using Lathe.Kernels.Loops;
using Lathe.Runtime;
using Lathe.Runtime.Plans;

namespace Lathe.Kernels.Targets.CSharp;

/// <summary>Prints expressions and stores of one kernel; remembers which functions they call.</summary>
internal sealed class ExpressionPrinter(Machine machine, IReadOnlyDictionary<string, ElementType> elements, IReadOnlySet<string> dims, ISet<string> used) : ExpressionText
{
    /// <summary>The type of a value.</summary>
    public string TypeOf(VectorType type) => type.Lanes == 1 ? Types.Scalar(type.Element) : IsFloat(type) ? "VecF" : "VecI";

    public string Store(Store store)
    {
        ElementType element = elements[store.Buffer];
        if (store.Value.Type.Lanes == 1)
        {
            string value = Top(store.Value);
            if (element == ElementType.BFloat16) value = $"{Call("NarrowBFloat16")}({value})";
            string assignment = $"{Place(store.Buffer, store.Index)} = {value};";
            return store.Mask is null ? assignment : $"if ({Top(store.Mask)}) {assignment}";
        }

        string address = Address(store.Buffer, store.Index);
        if (Types.IsNarrow(element) && store.Value.Type.Element == element && store.Stride == 1) return StoreNarrow(store, element, address);
        if (element is not (ElementType.Float32 or ElementType.Int32) || store.Value.Type.Element != element)
            throw new NotSupportedException($"Vectors of {store.Value.Type} are not stored to {element.Name()}.");
        if (store.Stride != 1)
        {
            return store.Mask is null
                ? $"{Call("Scatter")}({address}, {Number(store.Stride)}, {Top(store.Value)});"
                : $"{Call("MaskScatter")}({address}, {Number(store.Stride)}, {Top(store.Mask)}, {Top(store.Value)});";
        }

        if (store.Mask is FirstLanes { Count: { IsConstant: true } count } && count.Value < store.Value.Type.Lanes)
            return $"{Call($"StoreFirst{Number(count.Value)}")}({address}, {Top(store.Value)});";
        if (store.Mask is not null) return $"{Call("MaskStore")}({address}, {Top(store.Mask)}, {Top(store.Value)});";
        return store.Streaming ? $"Vec.StoreAlignedNonTemporal({Top(store.Value)}, {address});" : $"{Whole(element, address)} = {Top(store.Value)};";
    }

    /// <summary>Integers of fewer bits out of lanes of 32; what a conversion cuts off need not be cut off before, but where narrowing saturates.</summary>
    private string StoreNarrow(Store store, ElementType element, string address)
    {
        bool cuts = machine.Isa != Isa.Avx2 && store.Value is Cast { Saturate: false, A.Type.Element: ElementType.Int32 };
        string value = Top(cuts ? ((Cast)store.Value).A : store.Value);
        if (store.Mask is FirstLanes { Count: { IsConstant: true } count } && count.Value > 0 && count.Value < store.Value.Type.Lanes)
            return $"{Call($"Store{element}First{Number(count.Value)}")}({address}, {value});";
        return store.Mask is null ? $"{Call($"Store{element}")}({address}, {value});" : $"{Call($"MaskStore{element}")}({address}, {Top(store.Mask)}, {value});";
    }

    public string Transpose(TransposeBlock block)
    {
        string name = string.Create(CultureInfo.InvariantCulture, $"Transpose{block.Rows}x{block.Columns}");
        return $"{Call(name)}({Floats(block.To, block.ToIndex)}, {Index(block.ToStride)}, {Floats(block.From, block.FromIndex)}, {Index(block.FromStride)});";

        // Moving bits does not ask what they mean.
        string Floats(string buffer, IndexExpr index) => elements[buffer] == ElementType.Float32 ? Address(buffer, index) : $"(float*)({Address(buffer, index)})";
    }

    private static bool IsFloat(VectorType type) => type.Element switch
    {
        ElementType.Float32 => true,
        ElementType.Int32 or ElementType.Bool => false,
        // In lanes of 32 bits.
        _ when Types.IsNarrow(type.Element) => false,
        _ => throw new NotSupportedException($"There are no vectors of {type}."),
    };

    /// <summary>
    /// A whole vector in memory, as it is dereferenced: the methods <c>Load</c> and <c>Store</c> of <c>Vector256</c> and <c>Vector512</c> are no instructions in code
    /// that is compiled ahead of time (see <c>ReadyToRun</c>), and take the JIT longer.
    /// </summary>
    private static string Whole(ElementType element, string address) => $"*({(element == ElementType.Float32 ? "VecF" : "VecI")}*)({address})";

    private string Call(string function)
    {
        used.Add(function);
        return "Simd." + function;
    }

    /// <inheritdoc/>
    protected override string Wide(long number) => $"unchecked((nint){Number(number)})";

    /// <inheritdoc/>
    protected override string NameOf(string name) => Identifiers.Of(name);

    /// <inheritdoc/>
    protected override string Atom(IndexAtom atom) => atom switch
    {
        IndexVar a => a != Kernel.From && dims.Contains(a.Name) ? Identifiers.OfDim(a.Name) : Identifiers.Of(a.Name),
        IndexDiv a => $"({Index(a.Operand, true)} / {Index(a.Divisor, true)})",
        IndexMod a => $"({Index(a.Operand, true)} % {Index(a.Divisor, true)})",
        IndexMin a => $"nint.Min({Index(a.A)}, {Index(a.B)})",
        IndexMax a => $"nint.Max({Index(a.A)}, {Index(a.B)})",
        IndexSelect a => $"({Index(a.A)} < {Index(a.B)} ? {Index(a.Then)} : {Index(a.Else)})",
        _ => throw new NotSupportedException(atom.GetType().Name),
    };

    private string Place(string buffer, IndexExpr index) => $"{Identifiers.Of(buffer)}[{Index(index)}]";

    /// <inheritdoc/>
    protected override string Print(Expr expression)
    {
        if (expression.Type.Lanes != 1 && expression.Type.Lanes != machine.Lanes)
            throw new NotSupportedException($"A vector of {expression.Type} is not of {machine.Lanes} lanes.");
        return expression.Type.Lanes == 1 && expression is not Reduce ? new ScalarPrinter(Print, e => Index(e), Place, Call, elements).Print(expression) : Vector(expression);
    }

    // ── Vectors ────────────────────────────────────────────────────────────────────────────────────────────────────────

    private string Vector(Expr expression)
    {
        switch (expression)
        {
            case Const e:
                return IsFloat(e.Type) ? $"Vec.Create({ScalarPrinter.Literal(e.Float, ElementType.Float32)})" : $"Vec.Create({Number(e.Type.Element == ElementType.Bool ? -e.Integer : e.Integer)})";
            case Var e:
                return Identifiers.Of(e.Name);
            case IndexValue e:
                string lanes = string.Join(", ", Enumerable.Range(0, machine.Lanes).Select(i => Number(i * e.Stride)));
                return $"(Vec.Create((int)({Index(e.Index)})) + Vec.Create({lanes}))";
            case Unary e:
                return Unary(e);
            case Binary e:
                return Binary(e);
            case Select { Condition: Splat { A: var condition } } e:
                return $"({Print(condition)} ? {Print(e.Then)} : {Print(e.Else)})";
            case Select e:
                string mask = Print(e.Condition);
                return $"Vec.ConditionalSelect({(IsFloat(e.Type) ? mask + ".AsSingle()" : mask)}, {Top(e.Then)}, {Top(e.Else)})";
            case Fma e:
                return machine.Isa switch
                {
                    Isa.Avx512 => $"Avx512F.FusedMultiplyAdd({Top(e.A)}, {Top(e.B)}, {Top(e.C)})",
                    Isa.Avx2 => $"Fma.MultiplyAdd({Top(e.A)}, {Top(e.B)}, {Top(e.C)})",
                    _ => $"{Call("MultiplyAdd")}({Top(e.A)}, {Top(e.B)}, {Top(e.C)})",
                };
            case Dot4 e:
                return $"{Call(ScalarPrinter.NameOf(e))}({Top(e.Accumulator)}, {Top(e.A)}, {Top(e.B)})";
            case Cast e:
                return Cast(e);
            case Bits e:
                return IsFloat(e.To) == IsFloat(e.A.Type) ? Print(e.A) : $"{Print(e.A)}.As{(IsFloat(e.To) ? "Single" : "Int32")}()";
            case Splat e:
                return e.Type.Element == ElementType.Bool ? $"Vec.Create({Print(e.A)} ? -1 : 0)" : $"Vec.Create({(Types.IsNarrow(e.Type.Element) ? $"(int){Print(e.A)}" : Top(e.A))})";
            case FirstLanes e:
                return e.Count.IsConstant
                    ? $"Vec.Create({string.Join(", ", Enumerable.Range(0, machine.Lanes).Select(i => i < e.Count.Value ? "-1" : "0"))})"
                    : $"Vec.LessThan(Vec.Create({string.Join(", ", Enumerable.Range(0, machine.Lanes))}), Vec.Create((int)nint.Clamp({Index(e.Count)}, 0, {machine.Lanes})))";
            case Reduce e:
                string combined = $"{Call((e.Op switch { BinaryOp.Add => "Sum", BinaryOp.Multiply => "Product", BinaryOp.Min => "Smallest", BinaryOp.Max => "Largest", _ => throw new NotSupportedException($"{e.Op} of all lanes") }) + (IsFloat(e.A.Type) ? "" : "OfIntegers"))}({Top(e.A)})";
                return Types.IsNarrow(e.Type.Element) ? $"unchecked(({Types.Scalar(e.Type.Element)}){combined})" : combined;
            case Load e:
                return LoadOf(e);
            default:
                throw new NotSupportedException($"A vector {expression.GetType().Name}.");
        }
    }

    private string LoadOf(Load e)
    {
        if (Types.IsNarrow(elements[e.Buffer]) && e.Stride == 1) return Widened(e);
        bool isByte = elements[e.Buffer] is ElementType.UInt8 or ElementType.Int8;
        if (elements[e.Buffer] is not (ElementType.Float32 or ElementType.Int32) && !isByte) throw new NotSupportedException($"Vectors of {e.Type} are only read to be widened.");
        string address = Address(e.Buffer, e.Index);
        if (e.Stride == 1) return e.Mask is null ? $"({Whole(elements[e.Buffer], address)})" : $"{Call("MaskLoad")}({address}, {Top(e.Mask)})";
        if (e.Mask is not null) return $"{Call("MaskGather")}({address}, {Number(e.Stride)}, {Top(e.Mask)})";
        return $"Vec.Create({string.Join(", ", Enumerable.Range(0, machine.Lanes).Select(i => (isByte ? "(int)" : "") + Place(e.Buffer, e.Index + (i * e.Stride))))})";
    }

    /// <summary>Neighbours of fewer bits, each in a lane of 32.</summary>
    private string Widened(Load e)
    {
        ElementType element = elements[e.Buffer];
        if (element is ElementType.UInt8 or ElementType.Int8 && e.Mask is FirstLanes { Count: { IsConstant: true, Value: > 0 } count } && count.Value < e.Type.Lanes)
            return $"{Call($"Widen{element}First{Number(count.Value)}")}({Address(e.Buffer, e.Index)})";
        return e.Mask is null
            ? $"{Call("Widen" + element)}({Address(e.Buffer, e.Index)})"
            : $"{Call("MaskWiden" + element)}({Address(e.Buffer, e.Index)}, {Top(e.Mask)})";
    }

    private string Unary(Unary e)
    {
        // An operand is printed once, also where it can stand in two places: a chain of these must not double its text at each step.
        if (e.Op is UnaryOp.Negate or UnaryOp.Not) return e.Op == UnaryOp.Not ? $"(~{Print(e.A)})" : IsFloat(e.Type) ? $"({Print(e.A)} ^ Vec.Create(-0f))" : $"(-{Print(e.A)})";
        string a = Top(e.A);
        return e.Op switch
        {
            UnaryOp.Abs => $"Vec.Abs({a})",
            UnaryOp.Sqrt => $"Vec.Sqrt({a})",
            UnaryOp.Floor => $"Vec.Floor({a})",
            UnaryOp.Ceiling => $"Vec.Ceiling({a})",
            UnaryOp.Round => $"{Call("Round")}({a})",
            UnaryOp.Truncate => $"{Call("Truncate")}({a})",
            UnaryOp.IsNaN => IsFloat(e.A.Type) ? $"{Call("IsNaN")}({a})" : "VecI.Zero",
            _ => $"{Call("EachLane")}({a}, &{Call(e.Op + "OfFloat")})",
        };
    }

    private string Binary(Binary e)
    {
        bool isFloat = IsFloat(e.A.Type);
        switch (e.Op)
        {
            case BinaryOp.Add or BinaryOp.Subtract or BinaryOp.Multiply or BinaryOp.Divide or BinaryOp.And or BinaryOp.Or or BinaryOp.Xor:
                return $"({Print(e.A)} {Symbol(e.Op)} {Print(e.B)})";
            case BinaryOp.Min or BinaryOp.Max when isFloat:
                if (machine.Isa == Isa.Vector128) return $"{Call(e.Op.ToString())}({Top(e.A)}, {Top(e.B)})";
                return $"{(machine.Isa == Isa.Avx512 ? "Avx512F" : "Avx")}.{e.Op}({Top(e.A)}, {Top(e.B)})";
            case BinaryOp.Min or BinaryOp.Max:
                return $"Vec.{e.Op}({Top(e.A)}, {Top(e.B)})";
            case BinaryOp.ShiftLeft or BinaryOp.ShiftRight when e.B is Const or Splat { A: Const }:
                long count = e.B is Const c ? c.Integer : ((Const)((Splat)e.B).A).Integer;
                if (count >= 32) return e.Op == BinaryOp.ShiftLeft ? "VecI.Zero" : $"({Print(e.A)} >> 31)";
                return $"({Print(e.A)} {(e.Op == BinaryOp.ShiftLeft ? "<<" : ">>")} {Number(count)})";
            case BinaryOp.Less or BinaryOp.LessOrEqual or BinaryOp.Equal or BinaryOp.NotEqual:
                string name = e.Op switch { BinaryOp.Less => "LessThan", BinaryOp.LessOrEqual => "LessThanOrEqual", _ => "Equals" };
                string compared = $"Vec.{name}({Top(e.A)}, {Top(e.B)})";
                if (e.Op == BinaryOp.NotEqual) compared = $"(~{compared})";
                return isFloat ? compared + ".AsInt32()" : compared;
            case BinaryOp.Power when isFloat:
                return $"{Call("Power")}({Top(e.A)}, {Top(e.B)})";
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
        _ => "^",
    };

    private string Cast(Cast e)
    {
        (ElementType from, ElementType to) = (e.A.Type.Element, e.To.Element);
        bool isInteger = from == ElementType.Int32 || Types.IsNarrow(from);
        // Halves and bools are only read to be widened, never printed by themselves.
        string a = from != to && (from == ElementType.Float32 || isInteger) ? Top(e.A) : "";
        switch (from, to)
        {
            case (var x, var y) when x == y:
                return Print(e.A);
            case (ElementType.Float32, ElementType.Int32) when !e.Saturate:
                return e.Round ? $"{Call("ToInt32")}({a})" : $"Vec.ConvertToInt32({a})";
            case (ElementType.Float32, _) when e.Saturate && (to == ElementType.Int32 || Types.IsNarrow(to)):
                return $"{Call($"{(e.Round ? "RoundTo" : "TruncateTo")}{to}")}({a})";
            case (ElementType.Float32, _) when Types.IsNarrow(to):
                return $"{Call($"Wrap{to}")}({(e.Round ? $"{Call("ToInt32")}({a})" : $"Vec.ConvertToInt32({a})")})";
            case (_, ElementType.Float32) when isInteger:
                return $"Vec.ConvertToSingle({a})";
            case (_, ElementType.Int32) when isInteger:
                return Print(e.A);
            case (_, ElementType.Bool) when isInteger:
                return $"(~Vec.Equals({a}, VecI.Zero))";
            case (_, _) when isInteger && Types.IsNarrow(to):
                return $"{Call($"{(e.Saturate ? "Saturate" : "Wrap")}{to}")}({a})";
            case (ElementType.Bool, ElementType.Float32) when e.A is not Load:
                return $"({Print(e.A)} & Vec.Create(1f).AsInt32()).AsSingle()";
            case (ElementType.Bool, _) when e.A is not Load && (to == ElementType.Int32 || Types.IsNarrow(to)):
                return $"({Print(e.A)} & Vec.Create(1))";
            case (ElementType.Float32, ElementType.Bool):
                return $"(~Vec.Equals({a}, VecF.Zero)).AsInt32()";
            case (_, ElementType.Float32 or ElementType.Int32 or ElementType.Bool) when e.A is Load { Stride: 1 } load:
                string widened = Widened(load);
                bool isFloat = from.IsFloat();
                return to switch
                {
                    ElementType.Float32 => isFloat ? widened : $"Vec.ConvertToSingle({widened})",
                    ElementType.Int32 => isFloat ? $"Vec.ConvertToInt32({widened})" : widened,
                    _ => isFloat ? $"(~Vec.Equals({widened}, VecF.Zero)).AsInt32()" : $"(~Vec.Equals({widened}, VecI.Zero))",
                };
            default:
                throw new NotSupportedException($"A vector conversion of {from.Name()} to {to.Name()}.");
        }
    }
}
