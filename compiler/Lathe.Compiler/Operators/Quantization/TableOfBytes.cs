using Lathe.Compiler.Graph;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Quantization;

/// <summary>y[i] = table[x[i]]: any function of bytes, whose values stand in the order of the bytes, from the least to the greatest.</summary>
public sealed record TableOfBytes : Op, IOp<TableOfBytes>
{
    /// <summary>How many bytes there are.</summary>
    public const int Entries = 256;

    /// <inheritdoc/>
    public static OpSchema Schema => new(null, 2, 2);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Elementwise;

    /// <inheritdoc/>
    public override bool IsOfBytes => true;

    /// <inheritdoc/>
    public override bool ReadsAtData(int input) => input == 1;

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        TensorType x = context.Type(0), table = context.Type(1);
        context.Require(IsOfByte(x.Element) && IsOfByte(table.Element), $"it maps bytes to bytes, not {x} by {table}");
        context.Require(table.Dims is [{ IsConstant: true, Value: Entries }], $"{table} has not one entry for each byte");
        context.Output(x with { Element = table.Element, Layout = null });
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        TensorData x = inputs[0]!, table = inputs[1]!, y = TensorData.Zeros(table.Element, x.Dims);
        long least = (long)Elements.Lowest(x.Element).Integer;
        for (int i = 0; i < x.Count; i++) y.SetInt64(i, table.GetInt64((int)(x.GetInt64(i) - least)));
        return [y];
    }

    /// <inheritdoc/>
    public override LoweredOp Lower(LowerContext context)
    {
        Expr place = context.Read(0, context.Index).To(ElementType.Int64);
        return context.Map(context.ReadAt(1, context.Inputs[0]!.Element == ElementType.Int8 ? place + 128 : place));
    }

    private static bool IsOfByte(ElementType element) => element is ElementType.UInt8 or ElementType.Int8;
}
