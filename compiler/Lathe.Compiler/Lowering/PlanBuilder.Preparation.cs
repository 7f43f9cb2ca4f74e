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
    /// <summary>Elements that a group may prepare for each element of the constants it is computed of: Winograd's transform makes 36 of 9.</summary>
    private const int MostSpread = 4;

    /// <summary>Elements that all groups together may prepare for each element of the model's constants: a widened weight, its transform, and as much again.</summary>
    private const int MostSpreadOfAll = 8;

    private readonly List<KernelStep> _preparation = [];
    private long _preparedBytes;
    private Int128 _preparedElements;
    private Int128 _constantElements;

    /// <summary>
    /// True for what depends on weights alone: it is computed once, when the model is loaded, if the device prepares weights and the result is not far larger than they are.
    /// </summary>
    private bool IsPrepared(Node node, Fused fused, Dictionary<Value, Location> places, Dictionary<Value, Location> fixedPlaces) =>
        _prepares && node.Inputs.Length > 0 && node.Inputs.All(v => places[v].Kind is BufferKind.Weights or BufferKind.Prepared) && !fixedPlaces.ContainsKey(node[0])
        && node.OutputTypes[0].IsStatic && fused.Operators.All(o => o.IsDeterministic)
        && ComputationBuilder.Build(fused, [.. node.Inputs.Select(v => v.Type)], node.OutputTypes[0], "").Computation.Dims.Length == 0
        && Elements(node.OutputTypes[0]) is var made && made <= MostSpread * SourceElements(node) && _preparedElements + made <= MostSpreadOfAll * _constantElements;

    /// <summary>How many elements the constants have that a node is computed of, directly or through what is prepared.</summary>
    private static Int128 SourceElements(Node node)
    {
        Int128 elements = 0;
        HashSet<Value> seen = [];
        Stack<Value> rest = new(node.Inputs);
        while (rest.TryPop(out Value value))
        {
            if (!seen.Add(value)) continue;
            if (value.Op is Fused or View)
                foreach (Value input in value.Node.Inputs) rest.Push(input);
            else elements += Elements(value.Type);
        }

        return elements;
    }

    private static Int128 Elements(TensorType type)
    {
        Int128 elements = 1;
        foreach (IndexExpr dim in type.Dims) elements *= dim.Value;
        return elements;
    }

    private void Prepare(Graph.Graph graph, Node node, Fused fused, Dictionary<Value, Location> places)
    {
        _preparedBytes = (_preparedBytes + Plan.Alignment - 1) / Plan.Alignment * Plan.Alignment;
        places[node[0]] = new Location(BufferKind.Prepared, 0, null, _preparedBytes);
        _preparedBytes = checked(_preparedBytes + Bytes(node.OutputTypes[0]).Value);
        _preparedElements += Elements(node.OutputTypes[0]);
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
