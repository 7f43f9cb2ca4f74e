namespace Lathe.Compiler.Onnx;

/// <summary>Finds the names of the files that a model's tensors are in, without opening them.</summary>
internal static class ExternalLocations
{
    /// <summary>The locations as the model writes them, each once.</summary>
    public static IReadOnlyCollection<string> Of(ModelProto model)
    {
        SortedSet<string> locations = new(StringComparer.Ordinal);
        Stack<GraphProto> graphs = new([model.Graph]);
        Stack<NodeProto> nodes = new(model.Functions.SelectMany(function => function.Node));
        while (graphs.TryPop(out GraphProto? graph))
        {
            foreach (TensorProto tensor in graph.Initializer) Add(tensor);
            foreach (SparseTensorProto sparse in graph.SparseInitializer) AddSparse(sparse);
            foreach (NodeProto node in graph.Node) nodes.Push(node);
            while (nodes.TryPop(out NodeProto? node))
            {
                foreach (GraphProto body in NodeOrder.Bodies(node)) graphs.Push(body);
                foreach (AttributeProto attribute in node.Attribute)
                {
                    Add(attribute.T);
                    AddSparse(attribute.SparseTensor);
                    foreach (TensorProto tensor in attribute.Tensors) Add(tensor);
                }
            }
        }

        return locations;

        void Add(TensorProto? tensor)
        {
            foreach (StringStringEntryProto entry in tensor?.ExternalData ?? [])
                if (entry.Key == "location") locations.Add(entry.Value);
        }

        void AddSparse(SparseTensorProto? sparse)
        {
            Add(sparse?.Values);
            Add(sparse?.Indices);
        }
    }
}
