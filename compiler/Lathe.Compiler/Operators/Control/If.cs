using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Shapes;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Control;

/// <summary>
/// The outputs of one of two bodies, by a bool. Input 0 is the condition; the others are what the bodies read from around them, and the inputs of both
/// bodies in order.
/// </summary>
public sealed record If(Graph.Graph Then, Graph.Graph Else) : Op, IOp<If>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("If", 1, 1, int.MaxValue);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Opaque;

    /// <inheritdoc/>
    /// <remarks>
    /// With a known condition the body takes the operator's place. A rank cannot depend on a condition that is not: exporters write a squeeze of a named
    /// dim so (if it is 1, squeeze, else leave it), and the first body is taken, with a check of the condition when the model runs.
    /// </remarks>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder)
    {
        OnnxGraph then = Branch(node, "then_branch"), otherwise = Branch(node, "else_branch");
        Value condition = node.Inputs[0];
        if (OnnxInputs.ConstantOf(condition) is { Count: 1, Element: ElementType.Bool } known) return (known.GetInt64(0) != 0 ? then : otherwise).Import(builder, []);

        BodyCapture capture = new(builder);
        Graph.Graph first = capture.Import("then", then), second = capture.Import("else", otherwise);
        IReadOnlyList<Value> captured = capture.Values;
        if (condition.Type is { Element: ElementType.Bool, Rank: <= 1 } && first.Outputs.Zip(second.Outputs).FirstOrDefault(IsOfTwoRanks) is { First: { } one, Second: { } other })
        {
            builder.Warnings.Add(new Diagnostic(
                DiagnosticTable.AssumedBranch, node.Name, node.OpType, $"an output is {one.Value.Type} in the first branch and {other.Value.Type} in the second"));
            return Assumed(capture.Close(first), condition, captured, builder);
        }

        return AttributeReader.Results(builder.AddNode(new If(capture.Close(first), capture.Close(second)), [condition, .. captured]));
    }

    /// <inheritdoc/>
    public override Op Substitute(Func<IndexVar, IndexExpr?> replacement) =>
        new If(BodyCapture.Substitute(Then, replacement), BodyCapture.Substitute(Else, replacement));

    /// <inheritdoc/>
    public override IReadOnlyList<Graph.Graph> Bodies => [Then, Else];

    /// <inheritdoc/>
    public override Op MapBodies(Func<Graph.Graph, Graph.Graph> function) => new If(function(Then), function(Else));

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        TensorType condition = context.Type(0);
        context.Require(condition.Element == ElementType.Bool && condition.Count == IndexExpr.One, $"the condition is {condition}, no single bool");
        foreach (Graph.Graph body in Bodies)
        {
            context.Require(body.Inputs.Length == context.Inputs.Length - 1, $"a body takes {body.Inputs.Length} values, not {context.Inputs.Length - 1}");
            for (int i = 0; i < body.Inputs.Length; i++)
            {
                TensorType given = context.Type(i + 1), taken = body.Inputs[i].Value.Type;
                context.Require(given.Element == taken.Element && given.Rank == taken.Rank, $"a body takes {taken}, not {given}");
            }
        }

        context.Require(Then.Outputs.Length == Else.Outputs.Length, $"the bodies have {Then.Outputs.Length} and {Else.Outputs.Length} outputs");
        for (int i = 0; i < Then.Outputs.Length; i++)
        {
            TensorType a = Then.Outputs[i].Value.Type, b = Else.Outputs[i].Value.Type;
            context.Require(a.Element == b.Element, $"output {i} is {a} in one body and {b} in the other");
            if (a.Dims != b.Dims) context.FailDataDependent($"output {i} is {a} or {b}");
            context.Output(a with { Layout = null });
        }
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs) =>
        [.. GraphEvaluator.Run(inputs[0]!.GetInt64(0) != 0 ? Then : Else, [.. inputs.Skip(1).Select(i => i!)])];

    /// <inheritdoc/>
    public override IndexExpr Macs(IReadOnlyList<TensorType> inputs, IReadOnlyList<TensorType> outputs)
    {
        return IndexExpr.Max(Of(Then), Of(Else));

        static IndexExpr Of(Graph.Graph body) => body.TopologicalOrder().Aggregate(
            IndexExpr.Zero, (sum, n) => sum + n.Op.Macs([.. n.Inputs.Where(v => !v.IsNone).Select(v => v.Type)], n.OutputTypes));
    }

    private static bool IsOfTwoRanks((GraphPort First, GraphPort Second) outputs) => outputs.First.Value.Type.Rank != outputs.Second.Value.Type.Rank;

    /// <summary>A body in the operator's place, which starts when the condition has been found to be true.</summary>
    private static IReadOnlyList<Value> Assumed(Graph.Graph body, Value condition, IReadOnlyList<Value> captured, GraphBuilder builder)
    {
        Value isTrue = Measure.Of(builder, RuntimeShapes.AsVector(builder, condition), [new IndexRange(1, 1)], _ => []);
        if (captured.Count > 0) return BodyCapture.Inline(body, [.. captured.Select(v => View.After(builder, v, isTrue))], builder);
        return [.. BodyCapture.Inline(body, [], builder).Select(v => View.After(builder, v, isTrue))];
    }

    private static OnnxGraph Branch(OnnxNode node, string attribute) =>
        node.Attributes.GetValueOrDefault(attribute) as OnnxGraph ?? throw AttributeReader.Wrong(node, attribute, "it is required and is a graph");
}
