using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Compiler.Operators.Movement;
using Lathe.Compiler.Operators.Normalization;
using Lathe.Compiler.Operators.Quantization;
using Lathe.Compiler.Operators.Reductions;
using Lathe.Compiler.Operators.Selection;
using Lathe.Kernels.Loops;
using Lathe.Runtime;
using Cast = Lathe.Compiler.Operators.Shapes.Cast;

namespace Lathe.Compiler.Passes;

/// <summary>
/// What the user wants behind outputs becomes operators there. A step with two results, topk and nms, adds an output of its own: <c>NAME_indices</c>,
/// <c>NAME_selected</c>.
/// </summary>
public sealed class AppendPostprocessing : IPass
{
    private const string Option = "--postprocess", LabelsOption = "--labels";

    /// <inheritdoc/>
    public bool RunsInBodies => false;

    /// <inheritdoc/>
    public Graph.Graph Run(Graph.Graph graph, PassContext context)
    {
        Dictionary<string, Postprocessing> wanted = Resolve(graph, Option, context.Options.Postprocessing);
        CheckLabels(graph, wanted, Resolve(graph, LabelsOption, context.Options.Labels));
        if (wanted.Count == 0) return graph;

        GraphBuilder builder = new();
        builder.Symbols.Reserve(graph.Symbols);
        Dictionary<Value, Value> copied = Rebuild.Copy(graph, builder);
        List<GraphPort> outputs = [.. graph.Outputs.Select(port => port with { Value = copied[port.Value] })], further = [];
        for (int i = 0; i < outputs.Count; i++)
        {
            if (!wanted.TryGetValue(outputs[i].Name, out Postprocessing? post)) continue;
            builder.CurrentName = outputs[i].Name;
            outputs[i] = outputs[i] with { Value = Append(builder, outputs[i], post, further) };
        }

        // Boxes are chosen by scores as they are in the end.
        foreach (GraphPort boxes in outputs)
        {
            if (wanted.GetValueOrDefault(boxes.Name)?.Steps.OfType<Postprocessing.Nms>().SingleOrDefault() is not { } nms) continue;
            builder.CurrentName = boxes.Name;
            further.Add(new GraphPort($"{boxes.Name}_selected", Select(builder, boxes, nms, outputs)));
        }

        foreach (GraphPort port in further)
        {
            if (outputs.Concat(graph.Inputs).Any(other => other.Name == port.Name)) throw Bad(Option, $"the model has '{port.Name}' already, which a further output would be named");
            outputs.Add(port);
        }

        return builder.Build(graph.Name, graph.Inputs.Select(p => p with { Value = copied[p.Value] }), outputs, [.. graph.Symbols, .. builder.Symbols.Computed]);
    }

    private static Value Append(GraphBuilder builder, GraphPort port, Postprocessing post, List<GraphPort> further)
    {
        Value y = port.Value;
        Postprocessing.Step? last = null;
        foreach (Postprocessing.Step step in post.Steps)
        {
            if (step is Postprocessing.Nms) continue;
            if (last is Postprocessing.ArgMax or Postprocessing.TopK) throw Bad(Option, $"nothing can follow argmax or topk, behind output '{port.Name}'");
            if (post.Steps.Any(s => s is Postprocessing.Nms) && step is Postprocessing.ArgMax or Postprocessing.TopK) throw Bad(Option, $"output '{port.Name}' cannot be both boxes and classes");
            TensorType type = y.Type;
            if (step is Postprocessing.Softmax or Postprocessing.Sigmoid && !type.Element.IsFloat()) throw Bad(Option, $"output '{port.Name}' is {type}, not floats");
            if (step is Postprocessing.Dequantize && !type.Element.IsInteger()) throw Bad(Option, $"output '{port.Name}' is {type}, not quantised");
            if (step is Postprocessing.ArgMax or Postprocessing.TopK && !type.Element.IsFloat() && !type.Element.IsInteger()) throw Bad(Option, $"output '{port.Name}' is {type}, not numbers");
            switch (step)
            {
                case Postprocessing.Softmax softmax:
                    y = builder.Add(new Softmax(Axis(port.Name, type, softmax.Axis)), y);
                    break;
                case Postprocessing.Sigmoid:
                    y = builder.Add(new Sigmoid(), y);
                    break;
                case Postprocessing.ArgMax best:
                    y = builder.Add(new ArgMax(Axis(port.Name, type, best.Axis), Keepdims: false), y);
                    break;
                case Postprocessing.TopK best:
                    int axis = Axis(port.Name, type, best.Axis);
                    if ((type.Dims[axis] - best.K).Range.Min < 0) throw Bad(Option, $"output '{port.Name}' is {type}, which has not always {best.K} elements along axis {axis}");
                    Node both = builder.AddNode(new TopK(best.K, axis), y);
                    further.Add(new GraphPort($"{port.Name}_indices", both[1]));
                    y = both[0];
                    break;
                case Postprocessing.Dequantize { Scale: null }:
                    if (y.Op is not QuantizeLinear) throw Bad(Option, $"output '{port.Name}' does not come from QuantizeLinear: say its scale, such as dequantize=0.1,zero=128");
                    y = builder.Add(new DequantizeLinear(y.Node.Inputs[1].Type.Element), [y, .. y.Node.Inputs.Skip(1)]);
                    break;
                case Postprocessing.Dequantize({ } scale, var zero):
                    y = builder.Add(new Sub(), builder.Add(new Cast(ElementType.Float32), y), Scalar(builder, ElementType.Float32, zero));
                    y = builder.Add(new Mul(), y, Scalar(builder, ElementType.Float32, scale));
                    break;
            }

            last = step;
        }

        return y;
    }

    private static Value Select(GraphBuilder builder, GraphPort boxes, Postprocessing.Nms nms, IReadOnlyList<GraphPort> outputs)
    {
        if (outputs.FirstOrDefault(port => port.Name == nms.Scores) is not { } port)
            throw Bad(Option, $"nms: the model has no output '{nms.Scores}' (it has {string.Join(", ", outputs.Select(o => $"'{o.Name}'"))})");
        if (port == boxes) throw Bad(Option, $"nms: output '{boxes.Name}' cannot be boxes and their scores");
        Value scores = port.Value;
        TensorType box = boxes.Value.Type, score = scores.Type;
        if (box.Element != ElementType.Float32 || box.Rank != 3 || box.Dims[2] != 4) throw Bad(Option, $"nms: output '{boxes.Name}' is {box}, not boxes: float32[batch, box, 4]");
        if (score.Element == ElementType.Float32 && score.Rank == 3 && score.Dims[2] != box.Dims[1] && score.Dims[1] == box.Dims[1]) scores = builder.Add(new Transpose((long[])[0, 2, 1]), scores);
        score = scores.Type;
        if (score.Element != ElementType.Float32 || score.Rank != 3 || score.Dims[0] != box.Dims[0] || score.Dims[2] != box.Dims[1])
            throw Bad(Option, $"nms: output '{nms.Scores}' is {port.Value.Type}, not a score for each class and box of {box}");
        Value most = Scalar(builder, ElementType.Int64, nms.Max), overlap = Scalar(builder, ElementType.Float32, nms.Iou);
        Value above = nms.Score is { } least ? Scalar(builder, ElementType.Float32, least) : default;
        return NonMaxSuppression.Chosen(builder, new NonMaxSuppression(nms.IsCenter), nms.Score is null ? [boxes.Value, scores, most, overlap] : [boxes.Value, scores, most, overlap, above]);
    }

    private static Dictionary<string, T> Resolve<T>(Graph.Graph graph, string option, IReadOnlyDictionary<string, T> given)
    {
        Dictionary<string, T> resolved = new(StringComparer.Ordinal);
        string names = string.Join(", ", graph.Outputs.Select(o => $"'{o.Name}'"));
        foreach ((string key, T value) in given.OrderBy(g => g.Key, StringComparer.Ordinal))
        {
            string name = key.Length == 0 && graph.Outputs.Length == 1 ? graph.Outputs[0].Name : key;
            if (graph.Outputs.All(o => o.Name != name))
                throw Bad(option, key.Length == 0 ? $"the model has several outputs: name one of {names}" : $"the model has no output '{key}' (it has {names})");
            if (!resolved.TryAdd(name, value)) throw Bad(option, $"output '{name}' is given twice");
        }

        return resolved;
    }

    private static void CheckLabels(Graph.Graph graph, Dictionary<string, Postprocessing> wanted, Dictionary<string, IReadOnlyList<string>> labels)
    {
        foreach ((string name, IReadOnlyList<string> texts) in labels)
        {
            TensorType type = graph.Outputs.First(o => o.Name == name).Value.Type;
            long? asked = wanted.GetValueOrDefault(name)?.Steps.Select(s => s switch
            {
                Postprocessing.Softmax(var given) => given,
                Postprocessing.ArgMax(var given) => given,
                Postprocessing.TopK(_, var given) => given,
                _ => null,
            }).FirstOrDefault(given => given is not null);
            int axis = Axis(name, type, asked, LabelsOption);
            if (type.Dims[axis] is { IsConstant: true, Value: var count } && count != texts.Count)
                throw Bad(LabelsOption, $"there are {texts.Count} labels, and output '{name}' is {type}, which has {count} along axis {axis}");
        }
    }

    /// <summary>The axis of the classes: what the user says, or the only one behind the batch along which there can be several.</summary>
    private static int Axis(string output, TensorType type, long? asked, string option = Option)
    {
        if (asked is { } given)
            return given >= -type.Rank && given < type.Rank ? (int)(given < 0 ? given + type.Rank : given) : throw Bad(option, $"output '{output}' is {type}, which has no axis {given}");
        int[] several = [.. Enumerable.Range(Math.Min(1, type.Rank - 1), Math.Max(0, type.Rank - 1)).Where(i => type.Dims[i] != IndexExpr.One)];
        if (type.Rank == 1) several = [0];
        return several is [var only] ? only : throw Bad(option, $"output '{output}' is {type}: say along which axis, such as axis=1");
    }

    private static Value Scalar(GraphBuilder builder, ElementType element, double value)
    {
        TensorData data = TensorData.Zeros(element, []);
        if (element == ElementType.Int64) data.SetInt64(0, (long)value);
        else data.SetDouble(0, value);
        return builder.Constant(data);
    }

    private static DiagnosticException Bad(string option, string reason) => new(new Diagnostic(DiagnosticTable.BadOption, null, option, reason));
}
