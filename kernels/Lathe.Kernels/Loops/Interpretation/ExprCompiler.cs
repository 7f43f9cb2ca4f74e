using Lathe.Runtime;

namespace Lathe.Kernels.Loops.Interpretation;

/// <summary>An expression compiled to a closure that computes one lane: <see cref="Float"/> for float types, otherwise <see cref="Integer"/>.</summary>
internal readonly record struct LaneCode(VectorType Type, FloatLane? Float, IntegerLane? Integer)
{
    public LaneCode(VectorType type, FloatLane code)
        : this(type, code, null)
    {
    }

    public LaneCode(VectorType type, IntegerLane code)
        : this(type, null, code)
    {
    }
}

/// <summary>
/// Compiles expressions to closures. A vector is evaluated lane by lane through the whole expression, which makes masks, selects, splats
/// and shuffles what their definitions say.
/// </summary>
internal sealed partial class ExprCompiler(Slots slots, Func<Access, Scope, LaneCode>? access)
{
    private HashSet<Expr> _shared = [];
    private Dictionary<Expr, LaneCode> _done = [];

    /// <summary>Compiles an expression. Records that it refers to several times are computed once a statement, or a chain of them would take for ever.</summary>
    public LaneCode Compile(Expr expression, Scope scope)
    {
        HashSet<Expr> seen = new(ReferenceEqualityComparer.Instance);
        _shared = new HashSet<Expr>(ReferenceEqualityComparer.Instance);
        _done = new Dictionary<Expr, LaneCode>(ReferenceEqualityComparer.Instance);
        foreach (Expr part in ExprWalk.All(expression))
            foreach (Expr operand in ExprWalk.Operands(part))
                if (!seen.Add(operand) && operand is not (Const or Var)) _shared.Add(operand);
        return Part(expression, scope);
    }

    private LaneCode Part(Expr expression, Scope scope)
    {
        if (!_shared.Contains(expression)) return One(expression, scope);
        if (_done.TryGetValue(expression, out LaneCode known)) return known;
        LaneCode code = One(expression, scope);
        (int slot, int stamp) = slots.Shared(code.Type);
        return _done[expression] = code.Float is { } real
            ? new LaneCode(code.Type, (FloatLane)((f, i) =>
            {
                if (f.Stamps[stamp + i] == f.Execution.Tick) return f.Floats[slot + i];
                double value = real(f, i);
                f.Stamps[stamp + i] = f.Execution.Tick;
                return f.Floats[slot + i] = value;
            }))
            : new LaneCode(code.Type, (IntegerLane)((f, i) =>
            {
                if (f.Stamps[stamp + i] == f.Execution.Tick) return f.Integers[slot + i];
                long value = code.Integer!(f, i);
                f.Stamps[stamp + i] = f.Execution.Tick;
                return f.Integers[slot + i] = value;
            }));
    }

    private LaneCode One(Expr expression, Scope scope) => expression switch
    {
        Const constant => OfConst(constant),
        Var variable => OfVar(variable, scope),
        IndexValue index => OfIndex(index, scope),
        Unary unary => OfUnary(unary, scope),
        Binary binary => OfBinary(binary, scope),
        Select select => OfSelect(select, scope),
        Fma fma => OfFma(fma, scope),
        Dot4 dot => OfDot4(dot, scope),
        Dot2 dot => OfDot2(dot, scope),
        Cast cast => OfCast(cast, scope),
        Bits bits => BitsCompiler.Compile(Part(bits.A, scope), bits.To),
        Splat splat => OfSplat(splat, scope),
        FirstLanes first => OfFirstLanes(first, scope),
        Shuffle shuffle => OfShuffle(shuffle, scope),
        Reduce reduce => OfReduce(reduce, scope),
        Load load => OfLoad(load, scope),
        Gather gather => OfGather(gather, scope),
        Access use => access is null ? throw new InterpreterException($"has an access to {use.Tensor.Name}, which belongs to computations") : access(use, scope),
        _ => throw new ArgumentOutOfRangeException(nameof(expression), expression, "No expression."),
    };

    /// <summary>A mask of some lanes, or null for none.</summary>
    public IntegerLane? Mask(Expr? mask, int lanes, Scope scope) => mask is null ? null : AsMask(Compile(mask, scope), lanes);

    private IntegerLane? PartMask(Expr? mask, int lanes, Scope scope) => mask is null ? null : AsMask(Part(mask, scope), lanes);

    private static IntegerLane? AsMask(LaneCode code, int lanes)
    {
        Require(code.Type == new VectorType(ElementType.Bool, lanes), $"has a mask of type {code.Type} for {lanes} lanes");
        return code.Integer;
    }

    private static LaneCode OfConst(Const constant)
    {
        if (constant.Type.Element.IsFloat())
        {
            double value = LaneArithmetic.Round(constant.Type.Element, constant.Float);
            return new LaneCode(constant.Type, (_, _) => value);
        }

        long integer = constant.Integer;
        Require(LaneArithmetic.Wrap(constant.Type.Element, integer) == integer, $"has a constant {integer}, which is no {constant.Type.Element.Name()}");
        return new LaneCode(constant.Type, (_, _) => integer);
    }

    private static LaneCode OfVar(Var variable, Scope scope)
    {
        ValueBinding binding = scope.Find<ValueBinding>(variable.Name);
        Require(binding.Type == variable.Type, $"'{variable.Name}' is a {binding.Type} and is used as a {variable.Type}");
        int slot = binding.Slot;
        string name = variable.Name;
        if (variable.Type.Element.IsFloat())
        {
            return binding.Mutable
                ? new LaneCode(variable.Type, (f, i) => f.FloatsSet[slot] ? f.Floats[slot + i] : throw Unset(name))
                : new LaneCode(variable.Type, (f, i) => f.Floats[slot + i]);
        }

        return binding.Mutable
            ? new LaneCode(variable.Type, (f, i) => f.IntegersSet[slot] ? f.Integers[slot + i] : throw Unset(name))
            : new LaneCode(variable.Type, (f, i) => f.Integers[slot + i]);
    }

    private static InterpreterException Unset(string name) => new($"reads '{name}', which was never assigned");

    private static LaneCode OfIndex(IndexValue index, Scope scope)
    {
        IndexCode code = IndexCompiler.Compile(index.Index, scope);
        ElementType element = index.Type.Element;
        Require(element.IsInteger(), $"has an index as a {element.Name()}");
        long stride = index.Stride;
        return new LaneCode(index.Type, (f, i) => LaneArithmetic.Wrap(element, checked(code(f) + (i * stride))));
    }

    private LaneCode OfLoad(Load load, Scope scope)
    {
        BufferBinding buffer = scope.Find<BufferBinding>(load.Buffer);
        Require(buffer.Element == load.Type.Element, $"loads {load.Type} from {load.Buffer}, which holds {buffer.Element.Name()}");
        IndexCode index = IndexCompiler.Compile(load.Index, scope);
        IntegerLane? mask = PartMask(load.Mask, load.Type.Lanes, scope);
        long stride = load.Stride;
        return OfMemory(load.Buffer, buffer, load.Type, mask, (f, i) => checked(index(f) + (i * stride)));
    }

    private LaneCode OfGather(Gather gather, Scope scope)
    {
        BufferBinding buffer = scope.Find<BufferBinding>(gather.Buffer);
        Require(buffer.Element == gather.Type.Element, $"gathers {gather.Type} from {gather.Buffer}, which holds {buffer.Element.Name()}");
        LaneCode index = Part(gather.Index, scope);
        bool indexes = index.Type.Element is ElementType.Int32 or ElementType.Int64 && index.Type.Lanes == gather.Type.Lanes;
        Require(indexes, $"gathers {gather.Type} by {index.Type}");
        return OfMemory(gather.Buffer, buffer, gather.Type, PartMask(gather.Mask, gather.Type.Lanes, scope), index.Integer!);
    }

    private static LaneCode OfMemory(string name, BufferBinding buffer, VectorType type, IntegerLane? mask, IntegerLane index)
    {
        int slot = buffer.Slot;
        if (type.Element.IsFloat())
        {
            return new LaneCode(type, (f, i) =>
            {
                if (mask is not null && mask(f, i) == 0) return 0;
                Address address = f.Buffers[slot];
                return address.Memory.GetFloat(f.Readable(address, name, index(f, i)));
            });
        }

        return new LaneCode(type, (f, i) =>
        {
            if (mask is not null && mask(f, i) == 0) return 0;
            Address address = f.Buffers[slot];
            return address.Memory.GetInteger(f.Readable(address, name, index(f, i)));
        });
    }

    private static void Require(bool condition, string problem)
    {
        if (!condition) throw new InterpreterException(problem);
    }
}
