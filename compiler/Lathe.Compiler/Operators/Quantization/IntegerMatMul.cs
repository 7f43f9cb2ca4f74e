using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Linear;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Quantization;

/// <summary>
/// A matrix product of integers of 8 bits from which their zero points are taken, summed in int32, which wraps. Zero points broadcast to their operands, and
/// are one for the whole, for each row of the left or for each column of the right operand. An int32 that broadcasts to the
/// product is added to it.
/// </summary>
public abstract record IntegerMatMul : Op
{
    /// <inheritdoc/>
    public sealed override OpRole Role => OpRole.Contraction;

    /// <inheritdoc/>
    public override bool IsOfBytes => true;

    /// <summary>Which inputs the operands are; what is not given may be missing.</summary>
    internal abstract (int A, int AZero, int B, int BZero, int Bias) Operands { get; }

    /// <inheritdoc/>
    public override IndexExpr Macs(IReadOnlyList<TensorType> inputs, IReadOnlyList<TensorType> outputs) => outputs[0].Count * inputs[Operands.A].Dims[^1];

    /// <summary>The shape of the output; fails where the operands do not fit.</summary>
    private protected EquatableArray<IndexExpr> OutputDims(InferContext context)
    {
        (int a, int aZero, int b, int bZero, int bias) = Operands;
        foreach (int operand in (int[])[a, b])
            context.Require(context.Type(operand).Element is ElementType.UInt8 or ElementType.Int8, $"input {operand} has elements of type {context.Type(operand).Element.Name()}, not of 8 bits");
        EquatableArray<IndexExpr> dims = MatMul.OutputDims(context, context.Type(a), context.Type(b));
        if (context.Has(aZero)) RequireNumbers(context, aZero, context.Type(a).Element, context.Type(a), 1);
        if (context.Has(bZero)) RequireNumbers(context, bZero, context.Type(b).Element, context.Type(b), 2);
        if (!context.Has(bias)) return dims;
        TensorType added = context.Type(bias);
        context.Require(added.Element == ElementType.Int32 && context.Broadcast(dims, added.Dims).SequenceEqual(dims), $"bias {added} does not broadcast to [{string.Join(", ", dims)}] as int32");
        return dims;
    }

    /// <summary>Fails unless an input broadcasts to an operand and is the same along an axis of it, which is counted from the end.</summary>
    private protected static void RequireNumbers(InferContext context, int input, ElementType element, TensorType operand, int along)
    {
        TensorType type = context.Type(input);
        context.Require(type.Element == element, $"input {input} has elements of type {type.Element.Name()}, not {element.Name()}");
        if (QuantizationParameters.IsOne(type)) return;
        bool fits = context.Broadcast(operand.Dims, type.Dims).SequenceEqual(operand.Dims) && (type.Rank < along || type.Dims[^along] == IndexExpr.One);
        context.Require(fits, $"input {input}, {type}, is neither one number nor one for each {(along == 1 ? "row" : "column")} of {operand}");
    }

    /// <summary>One number for each row as a column; others as they are.</summary>
    private protected static Value AsColumn(GraphBuilder builder, Value value, TensorType operand) =>
        value.IsNone || operand.Rank < 2 || value.Type.Rank != 1 ? value : QuantizationParameters.InShape(builder, value, [value.Type.Dims[0], IndexExpr.One]);

    /// <summary>The sums, in row-major order.</summary>
    private protected int[] Sums(IReadOnlyList<TensorData?> inputs, TensorType output)
    {
        (int a, int aZero, int b, int bZero, int bias) = Operands;
        TensorData?[] operands = [Distances(inputs[a]!, inputs.ElementAtOrDefault(aZero)), Distances(inputs[b]!, inputs.ElementAtOrDefault(bZero))];
        int[] sums = new MatMul().Evaluate(operands, [output with { Element = ElementType.Int32 }])[0].Span<int>().ToArray();
        if (inputs.ElementAtOrDefault(bias) is not { } added) return sums;
        int[] places = RowMajor.Broadcast(added.Dims, output.StaticDims);
        return [.. sums.Select((sum, i) => unchecked(sum + (int)added.GetInt64(places[i])))];
    }

    /// <summary>The sum at the context's index, and what is made of it.</summary>
    private protected LoweredOp Lower(LowerContext context, Func<Expr, Expr> result)
    {
        (int a, int aZero, int b, int bZero, int bias) = Operands;
        MatMul.Factors factors = MatMul.FactorsOf(context, a, b);
        Expr x = Distance(a, aZero, factors.Left), y = Distance(b, bZero, factors.Right);
        Expr start = context.Has(bias) ? context.ReadBroadcast(bias) : Const.Of(ElementType.Int32, 0);
        Accumulator sum = context.Accumulate("sum", ElementType.Int32, start, acc => x.MultiplyAdd(y, acc));
        return context.ReduceOver(factors.Family, [factors.Reduction], sum, result);

        Expr Distance(int operand, int zero, IndexExpr[] index)
        {
            Expr element = context.Read(operand, index).To(ElementType.Int32);
            return context.Has(zero) ? element - context.ReadBroadcast(zero, index).To(ElementType.Int32) : element;
        }
    }

    private static TensorData Distances(TensorData data, TensorData? zero)
    {
        TensorData distances = TensorData.Zeros(ElementType.Int32, data.Dims);
        int[]? zeros = zero is null ? null : RowMajor.Broadcast(zero.Dims, data.Dims);
        for (int i = 0; i < data.Count; i++) distances.SetInt64(i, data.GetInt64(i) - (zero?.GetInt64(zeros![i]) ?? 0));
        return distances;
    }
}
