using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Linear;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Quantization;

/// <summary>
/// A convolution of integers of 8 bits from which their zero points are taken, summed in int32, which wraps. Outside of the input stands its zero point, so that
/// a border adds nothing. The zero point of the weights is one, or one for each output channel.
/// </summary>
public abstract record IntegerConvolution(
    string AutoPad,
    EquatableArray<long> Dilations,
    long Group,
    EquatableArray<long> KernelShape,
    EquatableArray<long> Pads,
    EquatableArray<long> Strides) : Op
{
    /// <inheritdoc/>
    public sealed override OpRole Role => OpRole.Contraction;

    /// <inheritdoc/>
    public override bool IsOfBytes => true;

    /// <summary>The convolution of floats with the same windows.</summary>
    public Conv Form => new(AutoPad, Dilations, Group, KernelShape, Pads, Strides);

    /// <summary>Which inputs the operands are; what is not given may be missing.</summary>
    internal abstract (int X, int XZero, int W, int WZero, int Bias) Operands { get; }

    /// <inheritdoc/>
    public override IndexExpr Macs(IReadOnlyList<TensorType> inputs, IReadOnlyList<TensorType> outputs) =>
        outputs[0].Count * IndexExpr.Product(inputs[Operands.W].Dims.Skip(1));

    /// <summary>The shape of the output; fails where the operands do not fit.</summary>
    private protected EquatableArray<IndexExpr> OutputDims(InferContext context)
    {
        (int x, int xZero, int w, int wZero, int bias) = Operands;
        TensorType input = context.Type(x), weights = context.Type(w);
        foreach (int operand in (int[])[x, w])
            context.Require(context.Type(operand).Element is ElementType.UInt8 or ElementType.Int8, $"input {operand} has elements of type {context.Type(operand).Element.Name()}, not of 8 bits");
        if (context.Has(xZero)) RequireNumbers(context, xZero, input.Element, null);
        if (context.Has(wZero)) RequireNumbers(context, wZero, weights.Element, weights.Rank > 0 ? weights.Dims[0] : null);
        EquatableArray<IndexExpr> dims = Form.OutputDims(context, input, weights);
        if (!context.Has(bias)) return dims;
        TensorType added = context.Type(bias);
        context.Require(added.Element == ElementType.Int32 && added.Dims.SequenceEqual([weights.Dims[0]]), $"bias {added} is not one int32 for each of {weights.Dims[0]} channels");
        return dims;
    }

    /// <summary>Fails unless an input is a scalar of a type or, where a length is given, one number for each channel.</summary>
    private protected static void RequireNumbers(InferContext context, int input, ElementType element, IndexExpr? channels)
    {
        TensorType type = context.Type(input);
        context.Require(type.Element == element, $"input {input} has elements of type {type.Element.Name()}, not {element.Name()}");
        bool fits = QuantizationParameters.IsOne(type) || (channels is not null && type.Dims.SequenceEqual([channels]));
        context.Require(fits, $"input {input}, {type}, is neither a scalar nor one number for each output channel");
    }

    /// <summary>The sums, in row-major order.</summary>
    private protected int[] Sums(IReadOnlyList<TensorData?> inputs, TensorType output)
    {
        (int x, int xZero, int w, int wZero, int bias) = Operands;
        TensorData?[] operands = [Distances(inputs[x]!, inputs.ElementAtOrDefault(xZero)), Distances(inputs[w]!, inputs.ElementAtOrDefault(wZero)), null];
        if (inputs.ElementAtOrDefault(bias) is { } added) operands[2] = Elements.FromDoubles(TensorType.Of(ElementType.Float64, added.Dims), added.ToDoubles());
        // Doubles are exact here: a product has 17 bits.
        TensorData sums = Form.Evaluate(operands, [output with { Element = ElementType.Float64 }])[0];
        return [.. sums.ToDoubles().Select(s => unchecked((int)(long)s))];
    }

    /// <summary>The sum at the context's index, and what is made of it.</summary>
    private protected LoweredOp Lower(LowerContext context, Func<Expr, Expr> result)
    {
        (int x, int xZero, int w, int wZero, int bias) = Operands;
        Expr? inputZero = context.Has(xZero) ? ReadNumber(context, xZero) : null;
        Conv.Factors factors = Form.FactorsOf(context, x, w, _ => inputZero ?? Const.Of(context.Inputs[x]!.Element, 0));
        Expr element = factors.Element.To(ElementType.Int32), weight = factors.Weight.To(ElementType.Int32);
        if (inputZero is not null) element -= inputZero.To(ElementType.Int32);
        if (context.Has(wZero)) weight -= ReadNumber(context, wZero).To(ElementType.Int32);
        Expr start = context.Has(bias) ? context.Read(bias, context.Index[1]) : Const.Of(ElementType.Int32, 0);
        Accumulator sum = context.Accumulate("sum", ElementType.Int32, start, acc => element.MultiplyAdd(weight, acc));
        return context.ReduceOver(factors.Family, factors.Reduction, sum, result);
    }

    /// <summary>A number that is one for all or one for each output channel.</summary>
    private protected static Expr ReadNumber(LowerContext context, int input) =>
        context.Read(input, [.. context.Inputs[input]!.Dims.Select(d => d == IndexExpr.One ? IndexExpr.Zero : context.Index[1])]);

    private static TensorData Distances(TensorData data, TensorData? zero)
    {
        TensorData distances = TensorData.Zeros(ElementType.Float64, data.Dims);
        int perZero = zero is null ? 1 : Math.Max(1, data.Count / zero.Count);
        for (int i = 0; i < data.Count; i++) distances.SetDouble(i, data.GetInt64(i) - (zero?.GetInt64(i / perZero) ?? 0));
        return distances;
    }
}
