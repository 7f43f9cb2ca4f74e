using Lathe.Compiler.Graph;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators;

/// <summary>A constant. Two are the same node if they hold the same object, or one number each that is the same: large tensors are not compared.</summary>
public sealed record Constant(TensorData Data, Layout? DataLayout = null) : Op
{
    /// <inheritdoc/>
    public override OpRole Role => OpRole.Opaque;

    /// <inheritdoc/>
    public override void Infer(InferContext context) =>
        context.Output(TensorType.Of(Data.Element, Data.Dims) with { Layout = DataLayout }, KnownElements());

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs) => [Data];

    /// <summary>The elements of a small tensor of integers, of bools, or of floats that are integers, for shape arithmetic.</summary>
    private EquatableArray<IndexExpr>? KnownElements()
    {
        if (Data.Strings is not null || Data.Element == ElementType.UInt64 || Data.Count > KnownContents.MaxCount) return null;
        if (!Data.Element.IsFloat()) return Enumerable.Range(0, Data.Count).Select(i => (IndexExpr)Data.GetInt64(i)).ToEquatableArray();
        double[] values = Data.ToDoubles();
        if (!values.All(v => Math.Abs(v) <= 1L << 53 && v == Math.Floor(v))) return null;
        return values.Select(v => (IndexExpr)(long)v).ToEquatableArray();
    }

    /// <summary>Equal if it is the same data, or a number alike: what is computed with equal numbers is computed once.</summary>
    public bool Equals(Constant? other) => other is not null && DataLayout == other.DataLayout
        && (ReferenceEquals(Data, other.Data) || (Data.Count == 1 && other.Data.Count == 1 && Data.Element == other.Data.Element && Data.Element != ElementType.String
            && Data.Dims.AsSpan().SequenceEqual(other.Data.Dims) && Data.Bytes.SequenceEqual(other.Data.Bytes)));

    /// <inheritdoc/>
    public override int GetHashCode() => Data.Count == 1 && Data.Element != ElementType.String
        ? HashCode.Combine(Data.Element, Data.Dims.Length, Data.GetDouble(0).GetHashCode(), DataLayout)
        : HashCode.Combine(System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(Data), DataLayout);
}
