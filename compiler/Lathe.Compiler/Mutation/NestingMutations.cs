using Google.Protobuf;
using Lathe.Compiler.Onnx;
using Kind = Lathe.Compiler.Onnx.AttributeProto.Types.AttributeType;

namespace Lathe.Compiler.Mutation;

/// <summary>Mutations with which a few bytes ask for much: recursion, nesting, doubling. Null where the model has no place for one.</summary>
internal static class NestingMutations
{
    private const string Domain = "mutant";

    /// <summary>A function that calls itself, by itself or through others.</summary>
    public static string? CallItself(ModelSite site) => Call(site, site.Random.Next(1, 5), circle: true, calls: 1);

    /// <summary>Functions each of which calls the next twice.</summary>
    public static string? CallsThatDouble(ModelSite site) => Call(site, site.Random.Next(2, 60), circle: false, calls: 2);

    /// <summary>Branches in branches.</summary>
    public static string? BodiesInBodies(ModelSite site)
    {
        if (EdgeMutations.PickNode(site) is not var (graph, node) || node.Output.FirstOrDefault() is not { Length: > 0 } output) return null;
        int depth = site.Random.Next(1, 40);
        string condition = site.PickValue(graph)!;
        int at = graph.Node.IndexOf(node);
        NodeProto inner = ModelSite.Clone(node);
        // Each level doubles what is written: both branches are the level below, and only a few levels may have two.
        for (int level = 0; level < depth; level++)
        {
            GraphProto body = new() { Name = $"body{level}", Node = { inner }, Output = { new ValueInfoProto { Name = output } } };
            NodeProto other = level < 5 ? ModelSite.Clone(inner) : new NodeProto { OpType = "Identity", Input = { node.Input.FirstOrDefault() ?? condition }, Output = { output } };
            inner = new NodeProto
            {
                OpType = "If",
                Input = { condition },
                Output = { output },
                Attribute =
                {
                    new AttributeProto { Name = "then_branch", Type = Kind.Graph, G = body },
                    new AttributeProto { Name = "else_branch", Type = Kind.Graph, G = new GraphProto { Name = "other", Node = { other }, Output = { new ValueInfoProto { Name = output } } } },
                },
            };
        }

        graph.Node[at] = inner;
        if (site.Random.Next(2) == 0)
        {
            inner.Input[0] = site.FreshName();
            bool constant = site.Random.Next(2) == 0;
            if (constant) graph.Initializer.Add(new TensorProto { Name = inner.Input[0], DataType = 9, RawData = ByteString.CopyFrom(1) });
            else graph.Input.Add(new ValueInfoProto { Name = inner.Input[0], Type = new TypeProto { TensorType = new() { ElemType = 9, Shape = new() } } });
        }

        return $"{depth} branches in each other";
    }

    /// <summary>Thousands of nodes one after the other.</summary>
    public static string? Chain(ModelSite site)
    {
        if (EdgeMutations.PickNode(site) is not var (graph, reader) || reader.Input.Count == 0) return null;
        int length = site.Random.Next(10) == 0 ? site.Random.Next(1000, 5000) : site.Random.Next(2, 40);
        string[] operators = site.Random.Next(3) switch { 0 => ["Relu"], 1 => ["Sin", "Cos"], _ => ["Transpose", "Neg"] };
        string before = reader.Input[0], prefix = site.FreshName();
        int at = graph.Node.IndexOf(reader);
        List<NodeProto> all = [.. graph.Node];
        for (int i = 0; i < length; i++)
        {
            all.Insert(at + i, new NodeProto { OpType = operators[i % operators.Length], Input = { before }, Output = { $"{prefix}_{i}" } });
            before = $"{prefix}_{i}";
        }

        graph.Node.Clear();
        graph.Node.Add(all);
        reader.Input[0] = before;
        return $"{length} nodes in a row";
    }

    /// <summary>Nodes that make a small tensor large.</summary>
    public static string? Grow(ModelSite site)
    {
        if (EdgeMutations.PickNode(site) is not var (graph, reader) || reader.Input.Count == 0) return null;
        int at = graph.Node.IndexOf(reader), input = site.Random.Next(reader.Input.Count);
        string before = reader.Input[input], prefix = site.FreshName();
        int kind = site.Random.Next(4);
        if (kind == 0)
        {
            int times = site.Random.Next(2, 70);
            for (int i = 0; i < times; i++)
            {
                graph.Node.Insert(at + i, new NodeProto
                {
                    OpType = "Concat",
                    Input = { before, before },
                    Output = { $"{prefix}_{i}" },
                    Attribute = { new AttributeProto { Name = "axis", I = 0, Type = Kind.Int } },
                });
                before = $"{prefix}_{i}";
            }

            reader.Input[input] = before;
            return $"doubled {times} times";
        }

        string shape = prefix + "_shape";
        long[] sizes = [.. Enumerable.Range(0, site.Random.Next(1, 6)).Select(_ => site.Random.Next(3) == 0 ? Absurd.Integer(site.Random) : 1L << site.Random.Next(14))];
        graph.Initializer.Add(new TensorProto { Name = shape, DataType = 7, Dims = { sizes.Length }, Int64Data = { sizes } });
        NodeProto node = new() { OpType = kind switch { 1 => "Expand", 2 => "Tile", _ => "ConstantOfShape" }, Output = { prefix } };
        if (kind < 3) node.Input.Add(before);
        node.Input.Add(shape);
        graph.Node.Insert(at, node);
        reader.Input[input] = prefix;
        return $"{node.OpType} to [{string.Join(',', sizes)}]";
    }

    /// <summary>Makes a node a call: of a function that calls a number of times the next, the last of which calls the first or does the node's work.</summary>
    private static string? Call(ModelSite site, int functions, bool circle, int calls)
    {
        if (EdgeMutations.PickNode(site) is not var (_, node) || node.Output.Count == 0) return null;
        string[] inputs = [.. Enumerable.Range(0, node.Input.Count).Select(i => $"i{i}")], outputs = [.. Enumerable.Range(0, node.Output.Count).Select(i => $"o{i}")];
        string stem = site.FreshName();
        for (int level = 0; level < functions; level++)
        {
            FunctionProto function = new() { Name = $"{stem}_{level}", Domain = Domain, Input = { inputs }, Output = { outputs } };
            function.OpsetImport.Add(site.Model.OpsetImport.Select(ModelSite.Clone));
            if (level == functions - 1 && !circle)
            {
                NodeProto work = ModelSite.Clone(node);
                work.Input.Clear();
                work.Input.Add(inputs);
                work.Output.Clear();
                work.Output.Add(outputs);
                function.Node.Add(work);
            }
            else
            {
                for (int call = 0; call < calls; call++)
                {
                    function.Node.Add(new NodeProto
                    {
                        OpType = $"{stem}_{(level + 1) % functions}",
                        Domain = Domain,
                        Input = { inputs },
                        Output = { call == 0 ? outputs : [.. outputs.Select(o => $"{o}_{call}")] },
                    });
                }
            }

            site.Model.Functions.Add(function);
        }

        string before = node.OpType;
        node.OpType = $"{stem}_0";
        node.Domain = Domain;
        node.Attribute.Clear();
        return $"{before} is {functions} functions that call {(circle ? "themselves" : "each other")}";
    }
}
