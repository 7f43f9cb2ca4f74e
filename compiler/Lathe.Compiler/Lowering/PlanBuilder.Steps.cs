using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Linear;
using Lathe.Compiler.Operators.Movement;
using Lathe.Compiler.Operators.Quantization;
using Lathe.Compiler.Operators.Shapes;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;
using Lathe.Runtime.Plans;
using Cast = Lathe.Compiler.Operators.Shapes.Cast;
using ForLoop = Lathe.Compiler.Operators.Control.ForLoop;
using If = Lathe.Compiler.Operators.Control.If;

namespace Lathe.Compiler.Lowering;

/// <content>The steps, one kind after the other.</content>
public sealed partial class PlanBuilder
{
    private KernelStep KernelStep(Graph.Graph graph, Node node, Fused fused, Dictionary<Value, Location> places)
    {
        int step = _step++;
        TensorType output = node.OutputTypes[0];
        TensorType[] inputs = [.. node.Inputs.Select(v => v.Type)];
        string name = graph.NameOf(node);
        (Computation computation, IReadOnlyList<int> ports) = ComputationBuilder.Build(fused, inputs, output, name);
        int kernel = Share(computation, fused);

        IndexExpr traffic = Bytes(output);
        foreach (Value input in node.Inputs) traffic += Bytes(input.Type);
        foreach (Value value in node.Inputs.Append(node[0])) places[value].Storage?.UsedAt(step);
        return new KernelStep(
            name,
            string.Join('+', fused.Operators.Select(o => o.Name)),
            kernel,
            [.. ports.Select(port => node.Inputs[port]).Append(node[0]).Select(v => Buffer(places[v], Bytes(v.Type)))],
            [.. computation.Dims.Items.Select(d => ((IndexExpr)d).ToSize(_symbols))],
            PrecisionOf(node, fused, output),
            output.Layout?.ToString() ?? "",
            fused.Macs(inputs, [output]).ToSize(_symbols),
            traffic.ToSize(_symbols))
        {
            Device = DeviceOf(node),
        };
    }

    /// <summary>
    /// What a group computes with: bytes or floats where it multiplies them, whatever its results are rounded to, or weights of 16 bits, whether they are widened as they are
    /// read or were when the model was loaded; otherwise bytes where they are quantised or moved, or what it gives.
    /// </summary>
    internal static string PrecisionOf(Node node, Fused fused, TensorType output)
    {
        if (fused.Operators.Any(o => o.IsOfBytes)) return "int8";
        if (fused.Root.Op is MatMulOfHalves) return fused.Root.Inputs[1].Type.Element == ElementType.BFloat16 ? PrecisionNames.Bf16 : PrecisionNames.Fp16;
        if (node.Inputs.Select(StoredHalf).FirstOrDefault(e => e is not null) is { } half) return PrecisionNames.Of(half)!;
        if (fused.Operators.Any(o => o.Role is OpRole.Contraction))
        {
            // Factors that both lie in 16 bits, such as those of attention on a device that stores what it computes so.
            string?[] factors = [.. fused.Root.Inputs.Take(2).Select(v => v.Op is Cast ? PrecisionNames.Of(v.Node.Inputs[0].Type.Element) : null).Distinct()];
            return factors is [{ } both] ? both : NameOf(fused.Root[0].Type.Element);
        }

        return fused.Operators.Any(o => o is QuantizeLinear or DequantizeLinear) || output.Element is ElementType.UInt8 or ElementType.Int8 ? "int8" : NameOf(output.Element);

        static string NameOf(ElementType element) => element == ElementType.Float32 ? PrecisionNames.Fp32 : element.Name();
    }

    /// <summary>The type of 16 bits in which a weight is stored; null for what is none.</summary>
    private static ElementType? StoredHalf(Value value) => value.Op switch
    {
        Constant { Data: { Element: ElementType.Float16 or ElementType.BFloat16, Count: > 1 } } weights => weights.Data.Element,
        Fused => value.Node.Inputs is [{ Op: Constant }, ..] ? StoredHalf(value.Node.Inputs[0]) : null,
        _ => null,
    };

    private MeasureStep MeasureStep(Graph.Graph graph, Node node, Measure measure, Dictionary<Value, Location> places)
    {
        places[node[0]].Storage?.UsedAt(_step++);
        foreach (IndexVar symbol in measure.Variables) _computed[symbol] = _computed.Count + 1;
        return new MeasureStep(
            graph.NameOf(node),
            node.Op.Name,
            Buffer(places[node[0]], Bytes(node.Inputs[0].Type)),
            node.Inputs[0].Type.Element,
            [.. measure.Variables.Select(symbol => _symbols.ToList().IndexOf(symbol))],
            [.. measure.Checks.Items.Select(c => c.ToSize(_symbols))]);
    }

    private static RoutineUse? RoutineOf(Node node) =>
        node.Op.Role == OpRole.Opaque ? node.Op.Routine([.. node.Inputs.Select(v => v.IsNone ? null : v.Type)], node.OutputTypes) : null;

    private RoutineStep RoutineStep(Graph.Graph graph, Node node, RoutineUse use, Dictionary<Value, Location> places)
    {
        int step = _step++;
        Value[] operands = [.. node.Inputs, .. Enumerable.Range(0, node.OutputTypes.Length).Select(i => node[i])];
        foreach (Value operand in operands)
            if (!operand.IsNone) places[operand].Storage?.UsedAt(step);
        return new RoutineStep(
            graph.NameOf(node),
            node.Op.Name,
            use.Name,
            [.. operands.Select(v => v.IsNone
                ? new PlanOperand(-1, ElementType.Undefined, [])
                : new PlanOperand(Buffer(places[v], Bytes(v.Type)), v.Type.Element, [.. v.Type.Dims.Select(d => d.ToSize(_symbols))]))],
            [.. use.Integers],
            [.. use.Floats],
            (use.ScratchBytes ?? IndexExpr.Zero).ToSize(_symbols));
    }

    private IfStep Choose(Graph.Graph graph, Node node, If choice, Dictionary<Value, Location> places, Dictionary<Value, Location> fixedPlaces)
    {
        int before = _step++;
        Location[] results = new Location[node.OutputTypes.Length];
        for (int i = 0; i < results.Length; i++) places[node[i]] = results[i] = Place(node[i], fixedPlaces);
        List<PlanStep> then = Branch(choice.Then), otherwise = Branch(choice.Else);
        int after = _step++;

        // Whatever either branch touches is in use throughout.
        foreach (Value value in node.Inputs) Touch(places[value]);
        foreach (Location result in results) Touch(result);
        return new IfStep(graph.NameOf(node), node.Op.Name, Buffer(places[node.Inputs[0]], Bytes(node.Inputs[0].Type)), then, otherwise);

        List<PlanStep> Branch(Graph.Graph body)
        {
            Dictionary<Value, Location> inside = [];
            for (int i = 0; i < body.Inputs.Length; i++) inside[body.Inputs[i].Value] = places[node.Inputs[i + 1]];
            return Lower(body, inside, results, body.TopologicalOrder());
        }

        void Touch(Location location)
        {
            location.Storage?.UsedAt(before);
            location.Storage?.UsedAt(after);
        }
    }

    private LoopStep Loop(Graph.Graph graph, Node node, ForLoop loop, Dictionary<Value, Location> places, Dictionary<Value, Location> fixedPlaces)
    {
        int before = _step++, states = (int)loop.States;
        _computed[loop.Variable] = _computed.Count + 1;
        Location[] outputs = [.. Enumerable.Range(0, node.OutputTypes.Length).Select(i => places[node[i]] = Place(node[i], fixedPlaces))];
        Location[] results = new Location[outputs.Length];
        for (int i = 0; i < results.Length; i++)
        {
            if (i < states)
            {
                results[i] = Place(loop.Body.Outputs[i].Value, []);
                continue;
            }

            // An iteration writes its part of the result where it belongs.
            IndexExpr part = Bytes(loop.Body.Outputs[i].Value.Type with { Layout = null });
            results[i] = outputs[i] with { Offset = outputs[i].Offset + ((loop.Backwards ? loop.Count - 1 - loop.Counter : loop.Counter) * part) };
        }

        Dictionary<Value, Location> inside = [];
        for (int i = 0; i < loop.Body.Inputs.Length; i++) inside[loop.Body.Inputs[i].Value] = i < states ? outputs[i] : places[node.Inputs[i]];
        List<PlanStep> body = Lower(loop.Body, inside, results, loop.Body.TopologicalOrder());
        int after = _step++;

        // Whatever the body touches is in use throughout: the next iteration reads it again.
        foreach (Location location in node.Inputs.Select(v => places[v]).Concat(outputs).Concat(results))
        {
            location.Storage?.UsedAt(before);
            location.Storage?.UsedAt(after);
        }

        LoopCarry[] carries =
        [
            .. Enumerable.Range(0, states).Select(i => new LoopCarry(
                Buffer(places[node.Inputs[i]], Bytes(node.Inputs[i].Type)), Buffer(outputs[i], Bytes(node.OutputTypes[i])), Buffer(results[i], Bytes(node.OutputTypes[i])))),
        ];
        return new LoopStep(graph.NameOf(node), node.Op.Name, _symbols.ToList().IndexOf(loop.Variable), loop.Count.ToSize(_symbols), carries, body);
    }
}
