using System.Security.Cryptography;
using System.Text;
using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Emission;
using Lathe.Compiler.Graph;
using Lathe.Compiler.Lowering;
using Lathe.Compiler.Onnx;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Passes;
using Lathe.Kernels.Loops;
using Lathe.Runtime;
using Lathe.Runtime.Plans;

namespace Lathe.Compiler;

/// <summary>The compiler: an ONNX file in, a kernel assembly with plan, weights and manifest out. Stateless and safe for concurrent use.</summary>
public static class Compilation
{
    /// <summary>Compiles a model.</summary>
    /// <param name="path">The ONNX file; external data is looked for beside it.</param>
    /// <param name="options">What is asked for.</param>
    /// <param name="cancellation">Ends the compilation between its stages.</param>
    /// <returns>The compiled model, or the diagnostics that say why there is none. The same file, options and version of Lathe give the same bytes.</returns>
    /// <exception cref="OperationCanceledException">The compilation was cancelled.</exception>
    public static CompileResult Compile(string path, CompileOptions options, CancellationToken cancellation = default)
    {
        List<Diagnostic> diagnostics = [];
        try
        {
            options.Progress?.Report(("Reading", 0));
            (Graph.Graph? graph, IReadOnlyList<Diagnostic> read) = OnnxFrontEnd.Read(path, options);
            diagnostics.AddRange(read);
            if (graph is null || read.Any(d => d.Descriptor.Severity == Severity.Error)) return new CompileResult(diagnostics, null);

            cancellation.ThrowIfCancellationRequested();
            options.Progress?.Report(("Optimising", 0.1));
            string className = options.ClassName ?? IdentifierNames.ClassName(Path.GetFileName(path));
            string hash = Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(path)));
            PassContext context = new(options, cancellation);
            CompiledOutput output = Compile(graph, className, Path.GetFileNameWithoutExtension(path), hash, context);
            return new CompileResult([.. diagnostics, .. context.Diagnostics], output);
        }
        catch (DiagnosticException problem)
        {
            diagnostics.Add(problem.Diagnostic);
            return new CompileResult(diagnostics, null);
        }
    }

    /// <summary>Compiles a graph.</summary>
    /// <param name="graph">The graph as it was imported.</param>
    /// <param name="className">The class with its namespace.</param>
    /// <param name="modelName">The model's name, for messages and documentation.</param>
    /// <param name="modelHash">Identifies the model in the manifest.</param>
    /// <param name="context">The options, and where diagnostics go.</param>
    /// <exception cref="DiagnosticException">The graph cannot be compiled.</exception>
    /// <exception cref="OperationCanceledException">The compilation was cancelled.</exception>
    public static CompiledOutput Compile(Graph.Graph graph, string className, string modelName, string modelHash, PassContext context)
    {
        CompileOptions options = context.Options;
        if (!IdentifierNames.IsClassName(className))
            throw new DiagnosticException(new Diagnostic(DiagnosticTable.BadOption, null, "--class", $"'{className}' is no name that the typed class can have"));
        long parameters = CountParameters(graph);
        graph = Pipeline.RunLower(Pipeline.RunNormalise(graph, context), context);
        options.Progress?.Report(("Planning", 0.2));
        PlannedModel planned = PlanBuilder.Build(graph);
        EmittedKernels kernels = KernelEmitter.Emit(className, planned.Kernels, options, context.Cancellation);
        Plan plan = new(
            modelName,
            [.. planned.Symbols.Select((s, i) => new PlanSymbol(s.Name, s.Min, s.Max, Math.Clamp(1, s.Min, s.Max), i >= planned.GivenSymbols))],
            planned.Inputs,
            planned.Outputs,
            planned.Buffers,
            kernels.Kernels,
            planned.Steps,
            planned.ArenaBytes.ToSize(planned.Symbols),
            planned.Weights.Length);

        using MemoryStream planBytes = new();
        PlanFormat.Write(plan, planBytes);
        bool embedded = planned.Weights.Length <= options.EmbedWeightsUpTo;
        string weightsFile = IdentifierNames.WeightsFile(className), assemblyName = IdentifierNames.AssemblyName(className);
        Dictionary<string, byte[]> resources = new() { [ModuleEmitter.PlanResource] = planBytes.ToArray() };
        if (embedded) resources[ModuleEmitter.WeightsResource] = planned.Weights;
        Dictionary<string, string> sources = new(kernels.Sources)
        {
            ["Module.cs"] = ModuleEmitter.Emit(IdentifierNames.ModuleName(className), kernels.Functions, embedded ? null : weightsFile),
        };

        options.Progress?.Report(("Compiling kernels", 0.6));
        (byte[] assembly, byte[] symbols) = KernelAssembly.Compile(assemblyName, sources, resources, options.DebugKernels, context.Cancellation);
        CompileReport report = Report(planned, plan, parameters);
        ManifestModel manifest = new()
        {
            LatheVersion = typeof(Compilation).Assembly.GetName().Version!.ToString(3),
            ClassName = className,
            AssemblyName = assemblyName,
            ModuleName = IdentifierNames.ModuleName(className),
            WeightsFile = embedded ? null : weightsFile,
            ModelName = modelName,
            Precision = "fp32",
            Device = "CPU",
            Isas = [.. options.Isas.Select(i => i.ToString().ToLowerInvariant())],
            Symbols = Symbols(planned),
            Inputs = Tensors(graph, graph.Inputs, className, 0, options),
            Outputs = Tensors(graph, graph.Outputs, className, graph.Inputs.Length, options),
            ArenaBytes = report.ArenaBytes,
            WeightBytes = planned.Weights.Length,
            ModelHash = modelHash,
            OptionsHash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(options.CanonicalText()))),
        };
        options.Progress?.Report(("Done", 1));
        return new CompiledOutput(
            className, assemblyName, assembly, symbols, embedded ? null : planned.Weights, weightsFile, ManifestWriter.Write(manifest), sources, report);
    }

    private static IReadOnlyList<ManifestSymbol> Symbols(PlannedModel planned)
    {
        IndexVar[] given = [.. planned.Symbols.Take(planned.GivenSymbols)];
        IReadOnlyList<string> parameters = IdentifierNames.Parameters([.. given.Select(s => s.Name)]);
        return [.. given.Select((s, i) => new ManifestSymbol(s.Name, parameters[i], s.Min, s.Max, Math.Max(1, s.Min)))];
    }

    private static IReadOnlyList<ManifestTensor> Tensors(Graph.Graph graph, IReadOnlyList<GraphPort> ports, string className, int first, CompileOptions options)
    {
        IReadOnlyList<string> properties = IdentifierNames.Properties(className, [.. graph.Inputs.Concat(graph.Outputs).Select(p => p.Name)]);
        return
        [
            .. ports.Select((port, i) => new ManifestTensor(
                port.Name,
                properties[first + i],
                port.Value.Type.Element.Name(),
                [.. port.Value.Type.Dims.Select(d => d.IsConstant ? (ManifestDim)d.Value : (ManifestDim)d.ToString())])
            {
                Mean = first > 0 ? [] : options.Mean.GetValueOrDefault(port.Name) ?? options.Mean.GetValueOrDefault("") ?? [],
                Scale = first > 0 ? [] : options.Scale.GetValueOrDefault(port.Name) ?? options.Scale.GetValueOrDefault("") ?? [],
            }),
        ];
    }

    private static CompileReport Report(PlannedModel planned, Plan plan, long parameters)
    {
        long[] dims = [.. plan.Symbols.Select(s => s.Default)];
        long Size(IndexExpr size) => size.Evaluate(v => dims[planned.Symbols.ToList().IndexOf(v)]);
        List<CompileGroup> groups = [];
        Collect(plan.Steps);
        return new CompileReport(
            groups.Sum(g => g.Macs),
            parameters,
            plan.ArenaBytes.Evaluate(dims),
            MemoryPlanner.LowerBound(planned.Storages, Size),
            plan.WeightBytes,
            groups.Count(g => g.Op == nameof(Reorder)),
            groups);

        void Collect(IReadOnlyList<PlanStep> steps)
        {
            foreach (PlanStep step in steps)
            {
                if (step is KernelStep kernel)
                {
                    groups.Add(new CompileGroup(
                        kernel.Node, kernel.Op, plan.Kernels[kernel.Kernel].Name, "CPU", kernel.Precision, kernel.Layout,
                        string.Join('x', planned.Kernels[kernel.Kernel].Computation.Outputs[0].Dims.Select(Size)),
                        kernel.Macs.Evaluate(dims), kernel.Traffic.Evaluate(dims)));
                }
                else if (step is RoutineStep routine)
                {
                    long bytes = routine.Operands.Where(o => o.Buffer >= 0).Sum(o => plan.Buffers[o.Buffer].Bytes.Evaluate(dims));
                    groups.Add(new CompileGroup(routine.Node, routine.Op, routine.Routine, "CPU", "", "", string.Join('x', routine.Operands[^1].Dims.Select(d => d.Evaluate(dims))), 0, bytes));
                }
                else if (step is LoopStep loop)
                {
                    Collect(loop.Body);
                }
                else if (step is IfStep choice)
                {
                    Collect(choice.Then);
                    Collect(choice.Else);
                }
            }
        }
    }

    private static long CountParameters(Graph.Graph graph) =>
        graph.TopologicalOrder().Where(n => n.Op is Constant { Data.Element: var e } && e.IsFloat()).Sum(n => (long)((Constant)n.Op).Data.Count);
}
