using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Graph;
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
    /// <remarks>With a known condition the body takes the operator's place.</remarks>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder)
    {
        OnnxGraph then = Branch(node, "then_branch"), otherwise = Branch(node, "else_branch");
        Value condition = node.Inputs[0];
        if (KnownContents.Constants(condition.Contents) is [var known]) return (known != 0 ? then : otherwise).Import(builder, []);

        BodyCapture capture = new(builder.Symbols);
        Graph.Graph first = capture.Import("then", then), second = capture.Import("else", otherwise);
        IReadOnlyList<Value> captured = capture.Values;
        return AttributeReader.Results(builder.AddNode(new If(capture.Close(first), capture.Close(second)), [condition, .. captured]));
    }

    /// <inheritdoc/>
    public override Op Substitute(Func<IndexVar, IndexExpr?> replacement) =>
        new If(BodyCapture.Substitute(Then, replacement), BodyCapture.Substitute(Else, replacement));

    /// <inheritdoc/>
    public override Op MapBodies(Func<Graph.Graph, Graph.Graph> function) => new If(function(Then), function(Else));

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        TensorType condition = context.Type(0);
        context.Require(condition.Element == ElementType.Bool && condition.Count == IndexExpr.One, $"the condition is {condition}, no single bool");
        foreach (Graph.Graph body in (Graph.Graph[])[Then, Else])
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

    private static OnnxGraph Branch(OnnxNode node, string attribute) =>
        node.Attributes.GetValueOrDefault(attribute) as OnnxGraph ?? throw AttributeReader.Wrong(node, attribute, "it is required and is a graph");
}
