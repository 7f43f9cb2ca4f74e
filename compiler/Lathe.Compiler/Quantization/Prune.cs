using Lathe.Compiler.Onnx;

namespace Lathe.Compiler.Quantization;

/// <summary>Takes away initialisers and constants that nothing reads any more.</summary>
internal static class Prune
{
    /// <summary>Rewrites the graph of a model.</summary>
    public static void Run(ModelProto model)
    {
        GraphProto graph = model.Graph;
        HashSet<string> read = new(graph.Output.Select(o => o.Name), StringComparer.Ordinal);
        foreach (NodeProto node in graph.Node)
        {
            read.UnionWith(node.Input);
            foreach (GraphProto body in NodeOrder.Bodies(node)) read.UnionWith(NodeOrder.Free(body));
        }

        NodeProto[] nodes = [.. graph.Node.Where(n => !Importer.IsConstant(n) || read.Contains(n.Output[0]))];
        graph.Node.Clear();
        graph.Node.AddRange(nodes);
        TensorProto[] initialisers = [.. graph.Initializer.Where(i => read.Contains(i.Name))];
        graph.Initializer.Clear();
        graph.Initializer.AddRange(initialisers);
    }
}
