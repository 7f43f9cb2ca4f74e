using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Kernels.Llvm.Printing;

/// <content>Loads and stores.</content>
internal sealed partial class ExpressionPrinter
{
    /// <summary>The address of an element.</summary>
    public string Address(string buffer, IndexExpr index)
    {
        (string pointer, ElementType element) = names.BufferOf(buffer);
        return index == IndexExpr.Zero ? pointer : writer.Value($"getelementptr {IrType.Memory(element)}, ptr {pointer}, i64 {indices.Print(index)}");
    }

    /// <summary>Stores a value.</summary>
    public void Store(Store e)
    {
        _printed.Clear();
        ElementType element = names.BufferOf(e.Buffer).Element;
        VectorType type = e.Value.Type;
        string ir = IrType.Memory(type), align = $"align {IndexPrinter.Number(element.Size())}";
        if (type.Lanes == 1)
        {
            // The value may be readable only where it is written.
            if (e.Mask is null) StoreScalar();
            else If(Part(e.Mask), StoreScalar);
            return;
        }

        string value = SaturatedBytes.Unbounded(e.Value) is { } unbounded ? Saturated(Part(unbounded), type) : Narrow(Part(e.Value), type);
        string scalar = IrType.Memory(type.Element), suffix = IrType.Suffix(scalar, type.Lanes), mask = IrType.WithLanes("i1", type.Lanes);
        if (e.Stride != 1)
        {
            if (e.Mask is null)
            {
                for (int i = 0; i < type.Lanes; i++)
                    writer.Do($"store {scalar} {writer.Value($"extractelement {ir} {value}, i32 {IndexPrinter.Number(i)}")}, ptr {Address(e.Buffer, e.Index + (i * e.Stride))}, {align}");
                return;
            }

            string[] places = [IrType.WithLanes("ptr", type.Lanes), Strided(e.Buffer, e.Index, e.Stride, type.Lanes)];
            writer.Call("void", $"llvm.masked.scatter.{suffix}.{IrType.Suffix("ptr", type.Lanes)}", (ir, value), (places[0], places[1]), ("i32", IndexPrinter.Number(element.Size())), (mask, Part(e.Mask)));
            return;
        }

        string address = Address(e.Buffer, e.Index);
        if (e.Mask is FirstLanes { Count: { IsConstant: true } count } && count.Constant < type.Lanes)
        {
            // A store of parts: under a mask it takes many times as long on some processors.
            int some = (int)Math.Max(0, count.Constant);
            if (some > 0) writer.Do($"store {IrType.WithLanes(scalar, some)} {First(scalar, type.Lanes, value, some)}, ptr {address}, {align}");
        }
        else if (e.Mask is not null)
        {
            writer.Call("void", $"llvm.masked.store.{suffix}.p0", (ir, value), ("ptr", address), ("i32", IndexPrinter.Number(element.Size())), (mask, Part(e.Mask)));
        }
        else
        {
            writer.Do($"store {ir} {value}, ptr {address}, {(e.Streaming ? $"align {IndexPrinter.Number(element.Size() * type.Lanes)}, !nontemporal !0" : align)}");
        }

        void StoreScalar() => writer.Do($"store {ir} {Narrow(Part(e.Value), type)}, ptr {Address(e.Buffer, e.Index)}, {align}");
    }

    /// <summary>What runs only under a condition.</summary>
    public void If(string condition, Action then)
    {
        string inside = writer.Name("if"), end = writer.Name("end");
        writer.Branch(condition, inside, end);
        writer.Begin(inside);
        then();
        writer.Jump(end);
        writer.Begin(end);
    }

    private string First(string scalar, int lanes, string value, int count) => count == 1
        ? writer.Value($"extractelement {IrType.WithLanes(scalar, lanes)} {value}, i32 0")
        : writer.Shuffle(scalar, lanes, value, "undef", [.. Enumerable.Range(0, count)]);

    private string LoadOf(Load e)
    {
        ElementType element = names.BufferOf(e.Buffer).Element;
        VectorType type = new(element, e.Type.Lanes);
        string ir = IrType.Memory(type), align = $"align {IndexPrinter.Number(element.Size())}";
        Again(e);
        if (type.Lanes == 1) return Masked(e.Mask, type, () => Address(e.Buffer, e.Index));

        string scalar = IrType.Memory(element), suffix = IrType.Suffix(scalar, type.Lanes), mask = IrType.WithLanes("i1", type.Lanes);
        string value = "undef";
        if (e.Stride == 1)
        {
            string address = Address(e.Buffer, e.Index);
            value = e.Mask is null
                ? writer.Value($"load {ir}, ptr {address}, {align}")
                : writer.Call(ir, $"llvm.masked.load.{suffix}.p0", ("ptr", address), ("i32", IndexPrinter.Number(element.Size())), (mask, Part(e.Mask)), (ir, "zeroinitializer"));
        }
        else if (e.Mask is null && e.Stride is >= 2 and <= 4)
        {
            value = Apart(e, scalar, type.Lanes, align);
        }
        else if (e.Mask is null)
        {
            for (int i = 0; i < type.Lanes; i++)
            {
                string lane = writer.Value($"load {scalar}, ptr {Address(e.Buffer, e.Index + (i * e.Stride))}, {align}");
                value = writer.Value($"insertelement {ir} {value}, {scalar} {lane}, i32 {IndexPrinter.Number(i)}");
            }
        }
        else
        {
            value = MaskedGather(type, Strided(e.Buffer, e.Index, e.Stride, type.Lanes), Part(e.Mask));
        }

        return Widen(value, type);
    }

    /// <summary>Elements a few apart, out of vectors of neighbours, the last of which ends at the last element.</summary>
    private string Apart(Load e, string scalar, int lanes, string align)
    {
        int stride = (int)e.Stride, end = ((lanes - 1) * stride) + 1;
        int[] starts = [.. Enumerable.Range(0, stride).Select(part => part < stride - 1 ? part * lanes : end - lanes)];
        string[] parts = [.. starts.Select(start => writer.Value($"load {IrType.WithLanes(scalar, lanes)}, ptr {Address(e.Buffer, e.Index + start)}, {align}"))];
        string low = Picked(0);
        if (stride == 2) return low;
        string high = stride == 3 ? parts[2] : Picked(2);
        return writer.Shuffle(scalar, lanes, low, high, [.. Enumerable.Range(0, lanes).Select(i => PartOf(i) < 2 ? i : lanes + (stride == 3 ? (i * stride) - starts[2] : i))]);

        int PartOf(int lane) => Math.Min(lane * stride / lanes, stride - 1);
        string Picked(int first) => writer.Shuffle(scalar, lanes, parts[first], parts[first + 1], [.. Enumerable.Range(0, lanes).Select(i =>
            PartOf(i) == first ? (i * stride) - starts[first] : PartOf(i) == first + 1 ? lanes + (i * stride) - starts[first + 1] : -1)]);
    }

    /// <summary>
    /// A program that reads a place twice has no register for it in between: code generation, which would see one load in both and keep it, is told that memory may have
    /// changed.
    /// </summary>
    private void Again(Load e)
    {
        if (_readIn != writer.Block) _read.Clear();
        _readIn = writer.Block;
        if (_read.Add((names.BufferOf(e.Buffer).Pointer, e.Index))) return;
        Barrier();
        _read.Add((names.BufferOf(e.Buffer).Pointer, e.Index));
    }

    /// <summary>Tells code generation that memory may have changed: no read is moved across.</summary>
    public void Barrier()
    {
        writer.Do("call void asm sideeffect \"\", \"~{memory}\"()");
        _read.Clear();
    }

    private string GatherOf(Gather e)
    {
        (string pointer, ElementType element) = names.BufferOf(e.Buffer);
        VectorType type = new(element, e.Type.Lanes);
        string index = IrType.Of(e.Index.Type), wide = IrType.WithLanes("i64", type.Lanes);
        string Place()
        {
            string at = Part(e.Index);
            if (index != wide) at = writer.Value($"sext {index} {at} to {wide}");
            return writer.Value($"getelementptr {IrType.Memory(element)}, ptr {pointer}, {wide} {at}");
        }

        return type.Lanes == 1
            ? Masked(e.Mask, type, Place)
            : Widen(MaskedGather(type, Place(), e.Mask is null ? FunctionWriter.Constants("i1", type.Lanes, _ => "true") : Part(e.Mask)), type);
    }

    /// <summary>A scalar that is read only where a mask allows it.</summary>
    private string Masked(Expr? mask, VectorType type, Func<string> address)
    {
        string Read() => Widen(writer.Value($"load {IrType.Memory(type)}, ptr {address()}, align {IndexPrinter.Number(type.Element.Size())}"), type);
        if (mask is null) return Read();
        string condition = Part(mask);
        Dictionary<Expr, string> outer = _printed;
        _printed = new Dictionary<Expr, string>(outer, ReferenceEqualityComparer.Instance);
        string zero = type.Element == ElementType.Bool ? "false" : type.Element.IsFloat() ? Literal(0) : "0";
        string value = writer.Choose(condition, IrType.Of(type), Read, () => zero);
        _printed = outer;
        return value;
    }

    private string MaskedGather(VectorType type, string places, string mask)
    {
        string ir = IrType.Memory(type), suffix = IrType.Suffix(IrType.Memory(type.Element), type.Lanes);
        return writer.Call(
            ir, $"llvm.masked.gather.{suffix}.{IrType.Suffix("ptr", type.Lanes)}", (IrType.WithLanes("ptr", type.Lanes), places),
            ("i32", IndexPrinter.Number(type.Element.Size())), (IrType.WithLanes("i1", type.Lanes), mask), (ir, "zeroinitializer"));
    }

    private string Strided(string buffer, IndexExpr index, long stride, int lanes)
    {
        string steps = FunctionWriter.Constants("i64", lanes, i => IndexPrinter.Number(i * stride));
        return writer.Value($"getelementptr {IrType.Memory(names.BufferOf(buffer).Element)}, ptr {Address(buffer, index)}, {IrType.WithLanes("i64", lanes)} {steps}");
    }

    /// <summary>What was read, in the type that is computed with.</summary>
    private string Widen(string value, VectorType type)
    {
        string memory = IrType.Memory(type);
        return type.Element switch
        {
            ElementType.Bool => writer.Value($"icmp ne {memory} {value}, {FunctionWriter.Constants("i8", type.Lanes, _ => "0")}"),
            ElementType.Float16 => writer.Value($"fpext {memory} {value} to {IrType.Of(type)}"),
            ElementType.BFloat16 => _rounding.BFloat16OfBits(value, type.Lanes),
            _ => value,
        };
    }

    /// <summary>Unsigned numbers of 32 bits as bytes.</summary>
    private string Saturated(string value, VectorType type)
    {
        string wide = IrType.WithLanes("i32", type.Lanes), most = FunctionWriter.Constants("i32", type.Lanes, _ => "255");
        return writer.Value($"trunc {wide} {writer.Call(wide, $"llvm.umin.{IrType.Suffix("i32", type.Lanes)}", (wide, value), (wide, most))} to {IrType.Memory(type)}");
    }

    /// <summary>A value as it is written.</summary>
    private string Narrow(string value, VectorType type)
    {
        string memory = IrType.Memory(type);
        return type.Element switch
        {
            ElementType.Bool => writer.Value($"zext {IrType.Of(type)} {value} to {memory}"),
            ElementType.Float16 => writer.Value($"fptrunc {IrType.Of(type)} {value} to {memory}"),
            ElementType.BFloat16 => _rounding.BitsOfBFloat16(_rounding.FromFloat(value, type), type.Lanes),
            _ => value,
        };
    }
}
