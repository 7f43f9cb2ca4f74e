using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Compiler.Operators.Movement;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Shapes;

/// <summary>
/// start, start + delta, start + 2 delta, …: <paramref name="Count"/> integers. An input, where there is one, is only waited for: the measurement that
/// they depend on.
/// </summary>
public sealed record Range(IndexExpr Start, IndexExpr Delta, IndexExpr Count, ElementType Element) : Op, IOp<Range>
{
    /// <summary>The longest range of floats, which are computed at once.</summary>
    private const double MaxFloats = 1 << 24;

    /// <inheritdoc/>
    public static OpSchema Schema => new("Range", 3, 3);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Movement;

    /// <inheritdoc/>
    /// <remarks>ONNX gives start, limit and delta as inputs. Where they are not known, their number is measured.</remarks>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder)
    {
        ElementType element = node.Inputs[0].Type.Element;
        foreach (Value input in node.Inputs)
        {
            if (input.Type.Count != IndexExpr.One || input.Type.Element != element) throw node.Bad($"it has bounds of {string.Join(", ", node.Inputs.Select(i => i.Type))}");
        }

        if (!node.IsKnown(0) || !node.IsKnown(1) || !node.IsKnown(2)) return [OfData(node, element, builder)];
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

    private static Value OfData(OnnxNode node, ElementType element, GraphBuilder g)
    {
        Value start = Flat(0), delta = Flat(2);
        Cast wide = new(element.IsFloat() ? ElementType.Float64 : ElementType.Int64);
        Value step = g.Add(wide, delta), distance = g.Add(new Sub(), g.Add(wide, Flat(1)), g.Add(wide, start));
        // Rounded up, whatever the sign of the step.
        Value count = element.IsFloat()
            ? g.Add(new Cast(ElementType.Int64), g.Add(new Ceil(), g.Add(new Div(), distance, step)))
            : g.Add(new Div(), g.Add(new Sub(), g.Add(new Add(), distance, step), g.Add(new Sign(), step)), step);

        Value measured = Measure.Of(g, g.Add(new Max(), count, RuntimeShapes.Vector(g, 0)), 0, RuntimeShapes.Max);
        Value numbers = g.Add(new Cast(element), g.Add(new Range(IndexExpr.Zero, IndexExpr.One, measured.Contents!.Value[0], ElementType.Int64), measured));
        return g.Add(new Add(), View.After(g, start, measured), g.Add(new Mul(), numbers, View.After(g, delta, measured)));

        Value Flat(int input) => g.Add(new Reshape([1]), node.Inputs[input]);
    }

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
