using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Shapes;
using Lathe.Kernels.Loops;
using Lathe.Runtime;
using Lathe.Runtime.Plans;
using Cast = Lathe.Compiler.Operators.Shapes.Cast;

namespace Lathe.Compiler.Lowering;

/// <content>What is computed of the weights when the model is loaded.</content>
public sealed partial class PlanBuilder
{
    private readonly List<KernelStep> _preparation = [];
    private long _preparedBytes;

    private void Prepare(Graph.Graph graph, Node node, Fused fused, Dictionary<Value, Location> places)
    {
        _preparedBytes = (_preparedBytes + Plan.Alignment - 1) / Plan.Alignment * Plan.Alignment;
        places[node[0]] = new Location(BufferKind.Prepared, 0, null, _preparedBytes);
        _preparedBytes = checked(_preparedBytes + Bytes(node.OutputTypes[0]).Value);
        _preparation.Add(WidenedAsItLies(graph, node, fused, places) ?? KernelStep(graph, node, fused, places));
    }

    /// <summary>
    /// A cast of a constant that lies as its result does, as one of so many elements in a row: a single kernel, whose dim that is, does it for weights of all shapes. Null for what is something else.
    /// </summary>
    private KernelStep? WidenedAsItLies(Graph.Graph graph, Node node, Fused fused, Dictionary<Value, Location> places)
    {
        if (fused.Members.ToList() is not [{ Op: Cast cast }] || node.Inputs is not [var stored] || stored.Type.EffectiveLayout != node.OutputTypes[0].EffectiveLayout) return null;
        IndexVar count = new("count", 1, int.MaxValue);
        GraphBuilder body = new();
        Value x = body.Add(new Input("x0", new TensorType(stored.Type.Element, [count])));
        Fused flat = new(body.Build("", [new GraphPort("x0", x)], [new GraphPort("y", body.Add(cast, x))], [count]));
        (Computation computation, _) = ComputationBuilder.Build(flat, [x.Type], flat.Result.Type, graph.NameOf(node));
        IndexExpr bytes = Bytes(stored.Type), result = Bytes(node.OutputTypes[0]);
        return new KernelStep(
            graph.NameOf(node), nameof(Cast), Share(computation, flat), [Buffer(places[stored], bytes), Buffer(places[node[0]], result)],
            [result.Value / cast.To.Size()], PrecisionOf(node, fused, node.OutputTypes[0]), node.OutputTypes[0].Layout?.ToString() ?? "", 0, (bytes + result).Value);
    }
}
