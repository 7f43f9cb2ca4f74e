using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;

namespace Lathe.Compiler.Passes;

/// <summary>The passes, in order: the only list of them.</summary>
public static class Pipeline
{
    /// <summary>The portable passes: they know no hardware, and each leaves a graph of ONNX's operators with the model's meaning.</summary>
    public static IReadOnlyList<IPass> Normalise { get; } =
    [
        // 1. What the user says of inputs and outputs becomes part of the graph, so that everything below sees it.
        new BakePreprocessing(),
        new ResizeInputs(),
        new AppendPostprocessing(),

        // 2. 16-bit floats are computed in float32 throughout.
        new WidenHalves(),

        // 3. Between bytes integers are summed; before the bytes of weights become floats.
        new ComputeInIntegers(),

        // 4. Constants, and shapes that are known by now.
        new FoldConstants(),

        // 5. Branches that are decided by now.
        new InlineBranches(),

        // 6. One form for what can be written in several.
        new Canonicalise(),

        // 7. Reshapes and transposes meet, and vanish where they meet their inverse.
        new SinkMovement(),

        // 8. Arithmetic with constants goes into the weights beside it.
        new FoldIntoWeights(),

        // 9. Padding goes into the windows that read it.
        new FoldPadding(),

        // 10. Transposed convolutions become convolutions of their phases, once all that follows them is in their weights.
        new SplitPhases(),

        // 11. Large windows and interpolations are walked axis by axis, once their padding is in them.
        new SeparateAxes(),

        // 12. What the rules above left between constants.
        new FoldConstants(),

        // 13. Layers become outputs where they are to be compared.
        new ShowLayers(),

        // 14. Every output becomes a value that a step writes.
        new SeparateOutputs(),
    ];

    /// <summary>The passes that prepare a normalised graph for kernels: each value gets a kernel and a layout.</summary>
    public static IReadOnlyList<IPass> Lower { get; } =
    [
        // 1. Borders that are not zero are written: a halo holds zeros.
        new MaterialiseBorders(),

        // 2. Bytes are multiplied four at a time.
        new PackBytes(),

        // 3. Weights get 16 bits where that is asked for.
        new NarrowWeights(),

        // 4. Fewer multiplications where they pay.
        new ChooseWinograd(),

        // 5. Operators become groups of one kernel each.
        new FuseGroups(),

        // 6. Images are read as they lie in memory.
        new ReadImages(),

        // 7. Images are resized between rows, then between columns.
        new ResizeByRows(),

        // 8. Values between groups get layouts, conversions become operators.
        new AssignLayouts(),

        // 9. Convolutions whose results are too large for a cache are computed row by row in one kernel.
        new FuseStrips(),

        // 10. Groups get devices, and what is read on another one is copied there.
        new PlaceDevices(),

        // 11. Accelerators store in 16 bits where that is their precision.
        new NarrowOnDevices(),

        // 12. Images may lie at strides that are given with their memory.
        new StrideInputs(),
    ];

    /// <summary>Passes that run even where nothing is to be optimised: lowering or the meaning needs them.</summary>
    private static readonly HashSet<Type> Required = [typeof(BakePreprocessing), typeof(ResizeInputs), typeof(AppendPostprocessing), typeof(FoldConstants), typeof(ShowLayers), typeof(SeparateOutputs)];

    /// <summary>Runs the portable passes.</summary>
    /// <exception cref="Diagnostics.DiagnosticException">The model or an option does not allow one.</exception>
    public static Graph.Graph RunNormalise(Graph.Graph graph, PassContext context) =>
        Run(graph, context.Options.Optimize ? Normalise : Normalise.Where(p => Required.Contains(p.GetType())), context);

    /// <summary>Runs the passes that prepare a normalised graph for kernels.</summary>
    public static Graph.Graph RunLower(Graph.Graph graph, PassContext context) => Run(graph, Lower, context);

    /// <summary>Runs passes in order, checking and dumping after each as the options ask.</summary>
    /// <exception cref="Diagnostics.DiagnosticException">The model or an option does not allow one.</exception>
    public static Graph.Graph Run(Graph.Graph graph, IEnumerable<IPass> passes, PassContext context)
    {
        foreach (IPass pass in passes)
        {
            context.Cancellation.ThrowIfCancellationRequested();
            graph = RunWithBodies(pass, graph, context);
            if (context.Options.Verify) GraphVerifier.Verify(graph, pass.Name);
            if (context.Options.DumpAfter.Contains(pass.Name, StringComparer.OrdinalIgnoreCase))
                context.Options.Dump?.Invoke(pass.Name, GraphPrinter.Print(graph));
        }

        return graph;
    }

    private static Graph.Graph RunWithBodies(IPass pass, Graph.Graph graph, PassContext context)
    {
        graph = pass.Run(graph, context);
        if (!pass.RunsInBodies || !graph.TopologicalOrder().Any(n => n.Op.Bodies.Count > 0)) return graph;
        return Rebuild.Run(graph, (node, builder) => node.Op.Bodies.Count > 0
            ? AttributeReader.Results(builder.AddNode(node.Op.MapBodies(body => RunWithBodies(pass, body, context)), [.. node.Inputs]))
            : null);
    }
}
