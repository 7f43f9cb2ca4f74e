using Lathe.Compiler.Graph;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Shapes;

/// <summary>start, start + delta, start + 2 delta, …: <paramref name="Count"/> integers.</summary>
public sealed record Range(IndexExpr Start, IndexExpr Delta, IndexExpr Count, ElementType Element) : Op, IOp<Range>
{
    /// <summary>The longest range of floats, which are computed at once.</summary>
    private const double MaxFloats = 1 << 24;

    /// <inheritdoc/>
    public static OpSchema Schema => new("Range", 3, 3);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Movement;

    /// <inheritdoc/>
    /// <remarks>ONNX gives start, limit and delta as inputs. They have to be known.</remarks>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder)
    {
        ElementType element = node.Inputs[0].Type.Element;
        if (element.IsFloat()) return [builder.Constant(Floats(node, element))];
        IndexExpr start = Scalar(0, "start"), limit = Scalar(1, "limit"), delta = Scalar(2, "delta");
        if (!delta.IsConstant) throw node.Bad($"its step is {delta}, which depends on a named dim");
        if (delta.Value is 0 or long.MinValue) throw node.Bad($"its step is {delta}");
        IndexExpr distance = delta.Value > 0 ? limit - start : start - limit;
        return [builder.Add(new Range(start, delta, IndexExpr.CeilDiv(IndexExpr.Max(0, distance), Math.Abs(delta.Value)), element))];

        IndexExpr Scalar(int input, string what) =>
            OnnxInputs.Known(node, input, what) is [var only] ? only : throw node.Bad($"{what} is no scalar");
    }

    /// <inheritdoc/>
    public override Op Substitute(Func<IndexVar, IndexExpr?> replacement) => this with
    {
        Start = Start.Substitute(replacement),
        Delta = Delta.Substitute(replacement),
        Count = Count.Substitute(replacement),
    };

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        context.Require(Element.IsInteger(), $"a range of {Element.Name()} is not supported");
        EquatableArray<IndexExpr>? known = null;
        if (Count is { IsConstant: true, Value: <= KnownContents.MaxCount and >= 0 })
            known = KnownContents.Complete(() => [.. Enumerable.Range(0, (int)Count.Value).Select(i => Start + (Delta * i))]);
        context.Output(new TensorType(Element, [Count]), known);
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        TensorData y = TensorData.Zeros(Element, outputs[0].StaticDims);
        for (int i = 0; i < y.Count; i++) y.SetInt64(i, unchecked(Start.Value + (Delta.Value * i)));
        return [y];
    }

    /// <inheritdoc/>
    public override LoweredOp Lower(LowerContext context) => context.Map((Start + (context.Index[0] * Delta)).ToExpr(Element));

    private static TensorData Floats(OnnxNode node, ElementType element)
    {
        double start = OnnxInputs.Double(node, 0, "start"), limit = OnnxInputs.Double(node, 1, "limit"), delta = OnnxInputs.Double(node, 2, "delta");
        double count = Math.Ceiling((limit - start) / delta);
        if (delta == 0 || !double.IsFinite(count) || count > MaxFloats) throw node.Bad($"a range from {start} to {limit} by {delta} is not supported");
        TensorData values = TensorData.Zeros(element, Math.Max(0, (long)count));
        for (int i = 0; i < values.Count; i++) values.SetDouble(i, start + (i * delta));
        return values;
    }
}
