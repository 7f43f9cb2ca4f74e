namespace Lathe.Compiler.Onnx;

/// <summary>Which models are quantised already.</summary>
internal static class QuantizedOperators
{
    private static readonly HashSet<string> Names = new(StringComparer.Ordinal)
    {
        "QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "QLinearConv", "QLinearMatMul", "ConvInteger", "MatMulInteger",
    };

    /// <summary>True if a node of the model, those of bodies and functions included, computes with quantised numbers.</summary>
    public static bool AreIn(ModelProto model)
    {
        Stack<IEnumerable<NodeProto>> rest = new([model.Graph.Node, model.Functions.SelectMany(f => f.Node)]);
        while (rest.TryPop(out IEnumerable<NodeProto>? nodes))
        {
            foreach (NodeProto node in nodes)
            {
                if (OpsetTable.Normal(node.Domain).Length == 0 ? Names.Contains(node.OpType) : Importer.RowOf(node) is not null && IsOfRuntime(node.OpType)) return true;
                foreach (GraphProto body in NodeOrder.Bodies(node)) rest.Push(body.Node);
            }
        }

        return false;
    }

    /// <summary>ONNX Runtime's operators beside the standard ones, QLinearAdd say.</summary>
    private static bool IsOfRuntime(string op) => op.StartsWith("QLinear", StringComparison.Ordinal) || Names.Contains(op) || op is "QGemm" or "MatMulIntegerToFloat" or "DynamicQuantizeMatMul";
}
