using Lathe.Kernels.Loops;
using Lathe.Runtime;
using Barrier = Lathe.Kernels.Loops.Barrier;

namespace Lathe.Kernels.Tests;

/// <summary>Random kernels of the scheduled dialect: names and types are right, values and indices make no sense.</summary>
internal sealed class RandomPrograms(int seed)
{
    private static readonly ElementType[] Elements =
    [
        ElementType.Float32, ElementType.Float32, ElementType.Float16, ElementType.BFloat16, ElementType.Float64, ElementType.Int32, ElementType.UInt8, ElementType.Int8,
        ElementType.Int64, ElementType.Bool,
    ];

    private readonly Random _random = new(seed);
    private readonly List<IndexVar> _indices = [Kernel.From, Kernel.To];
    private readonly List<(string Name, ElementType Element, bool Written)> _buffers = [];
    private readonly List<(string Name, VectorType Type, bool Local)> _values = [];
    private int _names;

    /// <summary>A kernel.</summary>
    public Kernel Next()
    {
        Parameter[] parameters = [.. Elements.Distinct().Select((e, i) => new Parameter($"p{i}", e, i % 2 == 0)), new Parameter("step", ElementType.Float32, true)];
        foreach (Parameter parameter in parameters) _buffers.Add((parameter.Name, parameter.Element, parameter.Written));
        IndexVar[] dims = [new("N", 1, 100), new("H", 0, long.MaxValue)];
        _indices.AddRange(dims);
        return new Kernel("random", "A \"random\" program\nof no use.", parameters, dims, Block(3));
    }

    /// <summary>An expression of a type over the names in scope.</summary>
    public Expr Value(VectorType type, int depth)
    {
        (ElementType element, int lanes) = (type.Element, type.Lanes);
        if (depth == 0 || _random.Next(8) == 0) return Leaf(type);
        Expr Same() => Value(type, depth - 1);
        Expr Of(ElementType other, int count = 0) => Value(new VectorType(other, count == 0 ? lanes : count), depth - 1);
        switch (_random.Next(10))
        {
            case 0 when lanes > 1: return new Splat(Of(element, 1), lanes);
            case 1: return new Select(Of(ElementType.Bool), Same(), Same());
            case 2: return new Cast(Of(Elements[_random.Next(Elements.Length)]), type, _random.Next(2) == 0, _random.Next(2) == 0);
            case 3 when lanes > 1: return new Shuffle(Same(), Same(), [.. Enumerable.Range(0, lanes).Select(_ => _random.Next(2 * lanes))]);
            case 4 when lanes == 1: return new Reduce(element == ElementType.Bool ? BinaryOp.Or : BinaryOp.Max, Of(element, 8));
            case 5 when type.Element == ElementType.Int32: return new Dot4(Same(), Same(), new Bits(Of(ElementType.UInt8, lanes * 4), type), _random.Next(2) == 0, true);
            case 6 when type.Element == ElementType.Float32: return new Dot2(Same(), Of(ElementType.Int32), Of(ElementType.Int32), ElementType.BFloat16);
            case 7 when element != ElementType.Bool: return new Fma(Same(), Same(), Same());
        }

        if (element == ElementType.Bool)
        {
            ElementType compared = Elements[_random.Next(Elements.Length - 1)];
            return _random.Next(3) switch
            {
                0 => new Unary(UnaryOp.Not, Same()),
                1 => new Binary((BinaryOp)_random.Next((int)BinaryOp.And, (int)BinaryOp.Xor + 1), Same(), Same()),
                _ => new Binary((BinaryOp)_random.Next((int)BinaryOp.Less, (int)BinaryOp.NotEqual + 1), Of(compared), Of(compared)),
            };
        }

        if (_random.Next(3) == 0)
        {
            if (!element.IsFloat()) return new Unary((UnaryOp)_random.Next((int)UnaryOp.Negate, (int)UnaryOp.Abs + 1), Same());
            UnaryOp op = (UnaryOp)_random.Next((int)UnaryOp.Abs, (int)UnaryOp.IsNaN);
            return new Unary(_random.Next(3) == 0 ? UnaryOp.Negate : op, Same());
        }

        return new Binary((BinaryOp)_random.Next(element.IsFloat() ? (int)BinaryOp.Power + 1 : (int)BinaryOp.ShiftRight + 1), Same(), Same());
    }

    private IndexExpr Index(int depth = 2)
    {
        if (depth == 0) return _random.Next(3) == 0 ? _random.Next(0, 20) : _indices[_random.Next(_indices.Count)];
        IndexExpr a = Index(depth - 1), b = Index(depth - 1);
        return _random.Next(11) switch
        {
            0 => a / _random.Next(2, 9),
            1 => a % _random.Next(2, 9),
            9 => a / (_indices[2] * (_indices[3] + _random.Next(1, 3))),
            10 => a % (_indices[2] * (IndexExpr)_indices[2]),
            2 => IndexExpr.Min(a, b),
            3 => IndexExpr.Max(a, b),
            4 => IndexExpr.IfLess(a, b, Index(depth - 1), 3),
            5 => a - b,
            6 => a * b,
            _ => a + (b * _random.Next(1, 17)),
        };
    }

    private Expr Leaf(VectorType type)
    {
        (ElementType element, int lanes) = (type.Element, type.Lanes);
        (string Name, VectorType Type, bool Local)[] values = [.. _values.Where(v => v.Type == type)];
        string buffer = _buffers.Where(b => b.Element == element).ElementAt(_random.Next(_buffers.Count(b => b.Element == element))).Name;
        Expr? mask = _random.Next(4) == 0 ? new FirstLanes(Index(1), lanes) : null;
        switch (_random.Next(7))
        {
            case 0 or 1 when values.Length > 0: return new Var(values[_random.Next(values.Length)].Name, type);
            case 2 when element.IsInteger(): return new IndexValue(Index(), type, lanes == 1 ? 0 : _random.Next(3));
            case 3: return new Gather(buffer, new IndexValue(Index(), new VectorType(ElementType.Int64, lanes), 0), type, mask);
            case 4 or 5: return new Load(buffer, Index(), type, mask, _random.Next(4) == 0 ? 3 : 1);
            default:
                if (element == ElementType.Bool) return Const.OfInteger(type, _random.Next(2));
                if (!element.IsFloat()) return Const.OfInteger(type, _random.Next(element.IsUnsigned() ? 0 : -100, 100));
                double[] special = [0, -0.0, 1, double.NaN, double.PositiveInfinity, double.NegativeInfinity, 1e-7, -123456.789];
                return Const.Of(type, _random.Next(2) == 0 ? special[_random.Next(special.Length)] : _random.NextDouble() - 0.5);
        }
    }

    /// <summary>A sequence; what is named in it is forgotten behind it.</summary>
    private Statement Block(int depth)
    {
        (int indices, int buffers, int values) = (_indices.Count, _buffers.Count, _values.Count);
        Statement[] statements = [.. Enumerable.Range(0, _random.Next(0, 5)).Select(_ => Next(depth))];
        _indices.RemoveRange(indices, _indices.Count - indices);
        _buffers.RemoveRange(buffers, _buffers.Count - buffers);
        _values.RemoveRange(values, _values.Count - values);
        return statements.Length == 1 && _random.Next(2) == 0 ? statements[0] : new Sequence(statements);
    }

    private string Name() => $"n{_names++}";

    private VectorType AnyType() => new(Elements[_random.Next(Elements.Length)], _random.Next(2) == 0 ? 1 : 8);

    private Statement Next(int depth)
    {
        switch (_random.Next(depth == 0 ? 11 : 15))
        {
            case 0: return new Note("a \"note\"");
            case 1:
                {
                    Let let = new(Name(), Value(AnyType(), 3));
                    _values.Add((let.Name, let.Value.Type, false));
                    return let;
                }

            case 2:
                {
                    IndexExpr value = Index();
                    IndexVar variable = _random.Next(2) == 0 ? new IndexVar(Name(), value.Range.Min, value.Range.Max) : new IndexVar(Name(), Math.Min(value.Range.Min, -2), long.MaxValue);
                    _indices.Add(variable);
                    return new LetIndex(variable, value);
                }

            case 3:
                {
                    Local local = new(Name(), AnyType());
                    _values.Add((local.Name, local.Type, true));
                    return local;
                }

            case 4:
                {
                    (string source, ElementType element, bool written) = _buffers[_random.Next(_buffers.Count)];
                    Pointer pointer = new(Name(), source, Index());
                    _buffers.Add((pointer.Name, element, written));
                    return pointer;
                }

            case 5 when _random.Next(2) == 0:
                string[] from = [.. _buffers.Where(b => b.Element == ElementType.Float32).Select(b => b.Name)];
                string[] to = [.. _buffers.Where(b => b is { Element: ElementType.Float32, Written: true }).Select(b => b.Name)];
                return to.Length == 0 ? new Note("no block") : new TransposeBlock(
                    to[_random.Next(to.Length)], Index(), Index(), from[_random.Next(from.Length)], Index(), Index(), _random.Next(1, 9), _random.Next(1, 9));
            case 5: return new Prefetch(_buffers[_random.Next(_buffers.Count)].Name, Index());
            case 6: return new Fail(_random.Next(1, 9));
            case 7:
                {
                    Table table = new(Name(), ElementType.Float32, [1, 0, -0.5, float.MaxValue]);
                    _buffers.Add((table.Name, table.Element, false));
                    return table;
                }

            case 8 when _values.Any(v => v.Local):
                {
                    (string name, VectorType type, _) = _values.Last(v => v.Local);
                    return new Assign(name, Value(type, 3));
                }

            case 11: return new If(Value(ElementType.Bool, 2), Block(depth - 1), _random.Next(2) == 0 ? Block(depth - 1) : null);
            case 12: return Block(depth - 1);
            case 13:
                {
                    bool register = _random.Next(2) == 0;
                    IndexExpr size = register ? _random.Next(1, 99) : Index();
                    if (size.IsConstant) size = Math.Abs(size.Value);
                    Alloc alloc = new(Name(), Elements[_random.Next(Elements.Length)], size, register ? MemoryScope.Register : MemoryScope.Thread, new Barrier());
                    _buffers.Add((alloc.Name, alloc.Element, true));
                    alloc = alloc with { Body = Block(depth - 1) };
                    _buffers.RemoveAt(_buffers.Count - 1);
                    return alloc;
                }

            case 14:
                {
                    IndexExpr lo = _random.Next(2) == 0 ? 0 : Index(1), hi = Index(1) + 7;
                    LoopKind[] kinds = [LoopKind.Serial, LoopKind.Unroll, LoopKind.Vector, LoopKind.Dot];
                    LoopKind kind = kinds[_random.Next(kinds.Length)];
                    if (kind != LoopKind.Serial) hi = lo + (kind == LoopKind.Dot ? 4 : 16);
                    IndexVar variable = new(Name(), lo.Range.Min, _random.Next(2) == 0 || hi.Range.Max == long.MaxValue ? hi.Range.Max : hi.Range.Max - 1);
                    _indices.Add(variable);
                    For loop = new(variable, lo, hi, kind, Block(depth - 1));
                    _indices.RemoveAt(_indices.Count - 1);
                    return loop;
                }

            default:
                {
                    (string name, ElementType element, _) = _buffers.Where(b => b.Written).ElementAt(_random.Next(_buffers.Count(b => b.Written)));
                    VectorType type = new(element, _random.Next(2) == 0 ? 1 : 8);
                    Expr? mask = _random.Next(4) == 0 ? Value(new VectorType(ElementType.Bool, type.Lanes), 1) : null;
                    return new Store(name, Index(), Value(type, 3), mask, _random.Next(4) == 0 ? 2 : 1, _random.Next(6) == 0);
                }
        }
    }
}
