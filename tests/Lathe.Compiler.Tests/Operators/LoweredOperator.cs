using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Kernels.Loops.Interpretation;
using Lathe.Runtime;

namespace Lathe.Compiler.Tests.Operators;

/// <summary>Runs what an operator lowers to, alone and over row-major tensors, in the interpreter of computations.</summary>
internal static class LoweredOperator
{
    /// <summary>An output of a node for given inputs, computed by its lowering.</summary>
    public static TensorData Run(Node node, int output, IReadOnlyList<TensorData?> inputs, IReadOnlyDictionary<string, long> dims)
    {
        Tensor?[] tensors = [.. node.Inputs.Select((v, i) => v.IsNone ? null : new Tensor($"x{i}", v.Type.Element, v.Type.Dims, Layout.RowMajor(v.Type.Rank)))];
        TensorType type = node.OutputTypes[output];
        Tensor target = new("y", type.Element, type.Dims, Layout.RowMajor(type.Rank));
        LowerContext context = new(
            [.. node.Inputs.Select(v => v.IsNone ? null : v.Type)],
            node.OutputTypes,
            output,
            "p",
            null,
            (input, index) => new Access(tensors[input]!, index.ToEquatableArray()),
            gather: (input, offset) => node.Op.ReadsAtData(input)
                ? new Gather($"x{input}", offset, tensors[input]!.Element)
                : throw new InvalidOperationException($"{node.Op.Name} does not say that it reads input {input} at indices from data."),
            words: (input, index) => node.Op.WordAxis(input) is { } axis
                ? Word(tensors[input]!, axis.GetOffset(index.Count), index)
                : throw new InvalidOperationException($"{node.Op.Name} does not say that it reads input {input} as words."));
        LoweredOp lowered = node.Op.Lower(context) ?? throw new InvalidOperationException($"{node.Op.Name} has no lowering.");

        List<Stage> stages = [];
        for (int i = 0; i < lowered.Passes.Length; i++)
        {
            LoweredPass pass = lowered.Passes[i];
            EquatableArray<IndexExpr> extents = pass.Axes.Select(a => a.Extent).ToEquatableArray();
            Tensor written = i == lowered.Passes.Length - 1 ? target : new Tensor($"pt{i}", pass.Result.Type.Element, extents, Layout.RowMajor(extents.Length));
            stages.Add(new Stage($"pass{i}", written, pass.Axes, pass.Reduction, pass.Accumulators, pass.Result));
        }

        Tensor[] given = [.. tensors.Where(t => t is not null).Select(t => t!)];
        // Attributes may speak of symbols that no shape does.
        IndexVar[] symbols = [.. given.Append(target).SelectMany(t => t.Dims).SelectMany(d => d.Variables).Concat(dims.Keys.Select(n => new IndexVar(n, 1, 1000))).Distinct()];
        Computation computation = new(node.Op.Name, lowered.Family, stages.ToEquatableArray(), given, [target], symbols) { Constants = lowered.Constants };
        long[] values = [.. symbols.Select(s => dims[s.Name])];
        long[] shape = [.. type.Dims.Select(d => d.Evaluate(v => dims[v.Name]))];
        Memory memory = Memory.Uninitialised(type.Element, shape.Aggregate(1L, (a, b) => a * b));
        ComputationInterpreter.Run(computation, [.. inputs.Where(i => i is not null).Select(i => MemoryOf(i!)), memory], values);
        return TensorData.FromBytes(type.Element, shape, memory.Bytes.ToArray());
    }

    /// <summary>Four neighbours along an axis; in place of those beyond the last the last again, which may not count.</summary>
    private static Expr Word(Tensor tensor, int axis, IReadOnlyList<IndexExpr> index)
    {
        return Enumerable.Range(0, 4).Select(Byte).Aggregate((a, b) => new Binary(BinaryOp.Or, a, b));

        Expr Byte(int i)
        {
            IndexExpr neighbour = IndexExpr.Min((index[axis] * 4) + i, tensor.Dims[axis] - 1);
            Expr value = new Cast(new Access(tensor, [.. index.Take(axis), neighbour, .. index.Skip(axis + 1)]), ElementType.Int32);
            return new Binary(BinaryOp.ShiftLeft, value, Const.OfInteger(ElementType.Int32, 8 * i));
        }
    }

    private static Memory MemoryOf(TensorData data) => data.Element.Size() switch
    {
        1 => Memory.Of<byte>(data.Element, data.Bytes),
        2 => Memory.Of<ushort>(data.Element, data.Span<ushort>()),
        4 => Memory.Of<uint>(data.Element, data.Span<uint>()),
        _ => Memory.Of<ulong>(data.Element, data.Span<ulong>()),
    };
}
