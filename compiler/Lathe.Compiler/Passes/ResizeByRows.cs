using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Sampling;
using Lathe.Compiler.Operators.Shapes;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Passes;

/// <summary>
/// Images that are resized are interpolated between their rows first, in vectors along the row as it lies in memory, into scratch memory: a group inside the group that goes on with them. Then a place between
/// columns is found once for all channels of some rows.
/// </summary>
public sealed class ResizeByRows : IPass
{
    /// <inheritdoc/>
    public bool RunsInBodies => false;

    /// <inheritdoc/>
    /// <remarks>Rows have the length of the image, which may be a named dim: kernels of other devices have no scratch memory of such sizes.</remarks>
    public Graph.Graph Run(Graph.Graph graph, PassContext context)
    {
        if (!context.Options.Optimize || context.Options.Device != "CPU") return graph;
        return Rebuild.Run(graph, (node, builder) => node.Op is Fused group && Resized(node, group) is { } image ? [ByRows(graph, node, group, image, builder)] : null);
    }

    /// <summary>The only resizing in a group of maps, of an input of the graph that nothing else in the group reads.</summary>
    private static Node? Resized(Node node, Fused group)
    {
        if (node.OutputTypes[0].Rank == 0 || group.Members.Any(m => m.Op.Role is not (OpRole.Movement or OpRole.Elementwise))) return null;
        if (group.Members.Where(m => m.Op is ResizeImage).ToList() is not [{ Inputs: [var x] } image] || image.Op is not ResizeImage { Axis: 1 or 2 } resize || x.Type.Rank != 4) return null;
        int port = group.Body.Inputs.ToList().FindIndex(p => p.Value == x);
        bool isOnly = port >= 0 && node.Inputs[port].Op is Input && group.Members.Sum(m => m.Inputs.Count(v => v == x)) == 1;
        return isOnly && (resize.Axis == 2 || x.Type.Dims[3].IsConstant) ? image : null;
    }

    private static Value ByRows(Graph.Graph graph, Node node, Fused group, Node image, GraphBuilder builder)
    {
        ResizeImage resize = (ResizeImage)image.Op;
        TensorType x = image.Inputs[0].Type;
        int rows = (int)resize.Axis;
        (IndexExpr high, IndexExpr wide) = (x.Dims[rows], x.Dims[rows + 1]);
        long channels = rows == 1 ? x.Dims[3].Value : 0;
        GroupBody body = new(graph.Symbols);
        Dictionary<Value, Value> inside = [];
        for (int i = 0; i < node.Inputs.Length; i++)
        {
            Value port = group.Body.Inputs[i].Value, outside = node.Inputs[i];
            if (port != image.Inputs[0])
            {
                inside[port] = body.Port(outside);
                continue;
            }

            // Pixels side by side are one row of elements.
            Value memory = channels > 0 ? builder.Add(new View((Kernels.EquatableArray<IndexExpr>)[x.Dims[0], high, wide * channels]), outside) : outside;
            GroupBody first = new(graph.Symbols);
            Value resized = first.Builder.Add(new ResizeRows(resize.Height, resize.Width, wide, resize.Mode, resize.AlignCorners), first.Port(memory));
            inside[image[0]] = body.Builder.Add(
                new ResizeColumns(resize.Width, high, wide, channels, image.OutputTypes[0].Element, resize.Mode, resize.AlignCorners, resize.Fill),
                body.Builder.Add(first.Build(resized), body.Port(memory)));
        }

        foreach (Node member in group.Members)
        {
            if (member == image) continue;
            body.Builder.CurrentName = group.Body.Names.GetValueOrDefault(member);
            Node copy = body.Builder.AddNode(member.Op, [.. member.Inputs.Select(v => v.IsNone ? v : v.Op is Constant ? body.Builder.Constant(v.Constant!) : inside[v])]);
            for (int i = 0; i < member.OutputTypes.Length; i++) inside[member[i]] = copy[i];
        }

        return builder.Add(body.Build(inside[group.Result], group.OutputLayout), [.. body.Inputs]);
    }
}
