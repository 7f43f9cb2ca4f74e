using Lathe.Compiler.Graph;

namespace Lathe.Compiler.Onnx;

/// <summary>Which models compute random numbers, so that no two implementations agree on the values.</summary>
internal static class RandomOperators
{
    private const string Dropout = "Dropout";
    private const int TrainingMode = 2;

    private static readonly HashSet<string> Names = new(StringComparer.Ordinal)
    {
        "Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike",
    };

    /// <summary>True if a node of the model, those of bodies and functions included, has a random operator or a Dropout that may be in training mode.</summary>
    public static bool AreIn(ModelProto model)
    {
        IEnumerable<NodeProto> functions = model.Functions.SelectMany(function => function.Node);
        Stack<(IEnumerable<NodeProto> Nodes, GraphProto? Graph)> bodies = new([(model.Graph.Node, model.Graph), (functions, null)]);
        while (bodies.TryPop(out (IEnumerable<NodeProto> Nodes, GraphProto? Graph) body))
        {
            foreach (NodeProto node in body.Nodes)
            {
                foreach (GraphProto inner in NodeOrder.Bodies(node)) bodies.Push((inner.Node, inner));
                if (OpsetTable.Normal(node.Domain).Length > 0) continue;
                if (Names.Contains(node.OpType) || (node.OpType == Dropout && MayTrain(node, body.Graph))) return true;
            }
        }

        return false;
    }

    private static bool MayTrain(NodeProto dropout, GraphProto? graph)
    {
        if (dropout.Input.Count <= TrainingMode || dropout.Input[TrainingMode] is not { Length: > 0 } mode) return false;
        TensorProto? known = graph?.Initializer.FirstOrDefault(tensor => tensor.Name == mode)
            ?? graph?.Node.FirstOrDefault(node => Importer.IsConstant(node) && node.Output.Contains(mode))?.Attribute.FirstOrDefault(value => value.Name == "value")?.T;
        return known is null || known.DataLocation == TensorProto.Types.DataLocation.External || !IsFalse(new TensorReader(".").Read(known));
    }

    private static bool IsFalse(TensorData mode) => mode.Bytes.IndexOfAnyExcept((byte)0) < 0;
}
