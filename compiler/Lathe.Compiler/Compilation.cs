using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Emission;
using Lathe.Compiler.Graph;
using Lathe.Compiler.Lowering;
using Lathe.Compiler.Onnx;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Sampling;
using Lathe.Compiler.Passes;
using Lathe.Compiler.Placement;
using Lathe.Compiler.Tuning;
using Lathe.Kernels.Llvm;
using Lathe.Kernels.Loops;
using Lathe.Kernels.Targets.CSharp;
using Lathe.Runtime;
using Lathe.Runtime.Native;
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
        (IReadOnlyList<Diagnostic> diagnostics, CompiledOutput? output) = FromFile(path, options, cancellation, (graph, className, context) =>
        {
            string hash = Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(path)));
            return Compile(graph, className, Path.GetFileNameWithoutExtension(path), hash, context);
        });
        return new CompileResult(diagnostics, output);
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
        long parameters = CountParameters(graph);
        GeneratedModel model = Generate(graph, className, modelName, context);
        PlannedModel planned = model.Planned;
        Dictionary<string, string> sources = new(model.Sources) { ["Assembly.cs"] = ModuleEmitter.Attribute(model.ModuleName) };

        options.Progress?.Report(("Compiling kernels", 0.6));
        string assemblyName = IdentifierNames.AssemblyName(className);
        (byte[] assembly, byte[] symbols) = KernelAssembly.Compile(assemblyName, sources, model.Resources, options.DebugKernels, context.Cancellation);
        CompileReport report = Report(planned, model.Plan, parameters, context.Decisions.All);
        if (context.Placement is { } placement)
            report = report with { Placement = Explanation.Of(placement, planned, options.AffinityRules is null ? options.Affinity : "rules", [.. model.Plan.Symbols.Select(s => s.Default)]) };
        ManifestModel manifest = new()
        {
            LatheVersion = typeof(Compilation).Assembly.GetName().Version!.ToString(3),
            ClassName = className,
            AssemblyName = assemblyName,
            ModuleName = model.ModuleName,
            WeightsFile = model.WeightsFile,
            ModelName = modelName,
            Precision = planned.Precision,
            Device = options.Device,
            Isas = [.. options.Isas.Select(i => i.ToString().ToLowerInvariant())],
            LibLLVM = model.Plan.NativeCode.Count > 0 ? ObjectCompiler.Version : null,
            Symbols = Symbols(planned),
            Inputs = Tensors(model.Graph, model.Inputs, className, 0, options),
            Outputs = Tensors(model.Graph, model.Graph.Outputs, className, model.Graph.Inputs.Length, options),
            ArenaBytes = report.ArenaBytes,
            WeightBytes = planned.Weights.Length,
            ModelHash = modelHash,
            OptionsHash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(options.CanonicalText()))),
        };
        options.Progress?.Report(("Done", 1));
        return new CompiledOutput(
            className, assemblyName, assembly, symbols, model.WeightsFile is null ? null : planned.Weights, IdentifierNames.WeightsFile(className),
            ManifestWriter.Write(manifest), sources.Concat(model.DeviceSources).ToDictionary(), report)
        {
            NativeInputs = model.Plan.PrefersNative ? ObjectCompiler.Files : [],
            NativeFile = options.NativeCode == NativeCodeForm.Library ? model.Linked?.ToLibrary() : model.Linked?.ToObject(),
            NativeFileName = model.Linked is null ? null : assemblyName + (options.NativeCode == NativeCodeForm.Library ? ".so" : ".o"),
        };
    }

    /// <summary>Does what <see cref="Compile(string, CompileOptions, CancellationToken)"/> does up to the source of the kernels.</summary>
    /// <inheritdoc cref="Compile(string, CompileOptions, CancellationToken)" path="//param|//exception"/>
    /// <returns>The model in source form, or the diagnostics that say why there is none.</returns>
    public static (IReadOnlyList<Diagnostic> Diagnostics, GeneratedModel? Model) Generate(string path, CompileOptions options, CancellationToken cancellation = default) =>
        FromFile(path, options, cancellation, (graph, className, context) => Generate(graph, className, Path.GetFileNameWithoutExtension(path), context));

    /// <summary>
    /// Makes one assembly of several models, which costs a fraction of an assembly for each. It names no module of its own: a model's is found by
    /// <see cref="GeneratedModel.ModuleName"/>.
    /// </summary>
    /// <param name="assemblyName">The assembly's name.</param>
    /// <param name="models">Models of distinct classes, their weights embedded.</param>
    /// <param name="cancellation">Ends the compilation.</param>
    /// <returns>The assembly.</returns>
    /// <exception cref="InvalidOperationException">The source has an error, which is a mistake of the emitter.</exception>
    /// <exception cref="OperationCanceledException">The compilation was cancelled.</exception>
    public static byte[] CompileTogether(string assemblyName, IReadOnlyList<GeneratedModel> models, CancellationToken cancellation = default) =>
        KernelAssembly.Compile(
            assemblyName,
            models.SelectMany(model => model.Sources.Select(source => (File: FileOf(model, source.Key), source.Value))).DistinctBy(source => source.File).ToDictionary(),
            models.SelectMany(model => model.Resources).ToDictionary(),
            debug: false,
            cancellation).Assembly;

    /// <summary>The emulation is the same for all models of an assembly, and in it once.</summary>
    private static string FileOf(GeneratedModel model, string source) => source == Avx512Emulation.FileName ? source : $"{model.ModuleName}/{source}";

    private static (IReadOnlyList<Diagnostic> Diagnostics, T? Result) FromFile<T>(
        string path, CompileOptions options, CancellationToken cancellation, Func<Graph.Graph, string, PassContext, T> work)
        where T : class
    {
        List<Diagnostic> diagnostics = [];
        PassContext context = new(options, cancellation);
        try
        {
            options.Progress?.Report(("Reading", 0));
            (Graph.Graph? graph, IReadOnlyList<Diagnostic> read) = OnnxFrontEnd.Read(path, options);
            diagnostics.AddRange(read);
            if (graph is null || read.Any(d => d.Descriptor.Severity == Severity.Error)) return (diagnostics, null);

            cancellation.ThrowIfCancellationRequested();
            options.Progress?.Report(("Optimising", 0.1));
            T result = work(graph, options.ClassName ?? IdentifierNames.ClassName(Path.GetFileName(path)), context);
            return ([.. diagnostics, .. context.Diagnostics], result);
        }
        catch (DiagnosticException problem)
        {
            return ([.. diagnostics, .. context.Diagnostics, problem.Diagnostic], null);
        }
    }

    private static GeneratedModel Generate(Graph.Graph graph, string className, string modelName, PassContext context)
    {
        CompileOptions options = context.Options;
        if (!IdentifierNames.IsClassName(className))
            throw new DiagnosticException(new Diagnostic(DiagnosticTable.BadOption, null, "--class", $"'{className}' is no name that the typed class can have"));
        if (options.DevicePrecisions.Refusal(options.Precision, options.Device) is { } reason) throw new DiagnosticException(new Diagnostic(DiagnosticTable.BadOption, null, "--precision", reason));
        if (options.IsHetero) context.Permissions = Permissions.Of(graph, options);
        if (options.PrecisionRules.Count > 0) context.Precisions = Rules(graph, context);
        graph = Pipeline.RunNormalise(graph, context);
        Graph.Graph lowered = Pipeline.RunLower(graph, context);
        options.Progress?.Report(("Planning", 0.2));
        PlannedModel planned = PlanBuilder.Build(lowered, prepares: !options.UsesOpenCl, context.Placement?.Accelerators);
        if (options.UsesOpenCl) RefuseRoutines(planned.Steps, context);
        bool wantsNative = !options.UsesOpenCl && options.WantsNative(planned.MultipliesBytes);
        EmittedKernels kernels = KernelEmitter.Emit(className, planned, wantsNative, context.Decisions, options, context.Cancellation);
        if (options.Tuning is { } tuning && !context.Decisions.All.Any(d => d.IsTuned))
            context.Report(new Diagnostic(DiagnosticTable.TuningUnused, null, tuning.Entries.Count.ToString(CultureInfo.InvariantCulture), string.Join(", ", options.Isas.Select(i => i.Name()))));
        if (PrecisionNames.WeightsOf(options.Precision) is not null && options.PrecisionRules.Count == 0 && !planned.HasHalves)
            context.Report(new Diagnostic(DiagnosticTable.OptionWithoutEffect, null, "--precision", $"no product has weights of float32 that {options.Precision} could hold: the model is as without it"));
        if (wantsNative && ObjectCompiler.Version is null) context.Report(new Diagnostic(DiagnosticTable.NoLibLLVM, null));
        Plan plan = new(
            modelName,
            [.. planned.Symbols.Select((s, i) => new PlanSymbol(s.Name, s.Min, s.Max, Math.Clamp(1, s.Min, s.Max), i >= planned.GivenSymbols))],
            [.. planned.Inputs.Select(input => input with { Preprocessing = PreprocessingOf(input.Name, options) })],
            [.. planned.Outputs.Select((output, i) => output with { Labels = LabelsOf(output.Name, i, options) })],
            planned.Buffers,
            kernels.Kernels,
            planned.Steps,
            planned.ArenaBytes.ToSize(planned.Symbols),
            planned.Weights.Length)
        {
            KeepsDenormals = options.KeepDenormals,
            Device = options.Device,
            Accelerators = planned.Accelerators,
            CarriesFallback = options.DeviceFallback,
            RequiresDevice = options.RequireDevice,
            PrefersNative = wantsNative,
            Preparation = planned.Preparation,
            PreparedBytes = planned.PreparedBytes,
            NativeCode = [.. kernels.NativeCode.Select(code => code.Plan)],
        };

        foreach (Diagnostic warning in context.Placement is { } placement ? Explanation.MemoryWarnings(plan, placement) : []) context.Report(warning);
        using MemoryStream planBytes = new();
        PlanFormat.Write(plan, planBytes);
        string moduleName = IdentifierNames.ModuleName(className);
        string? weightsFile = planned.Weights.Length <= options.EmbedWeightsUpTo ? null : IdentifierNames.WeightsFile(className);
        Dictionary<string, byte[]> resources = new() { [ModuleEmitter.PlanResource(moduleName)] = planBytes.ToArray() };
        if (weightsFile is null) resources[ModuleEmitter.WeightsResource(moduleName)] = planned.Weights;
        LinkedCodeNames? linked = options.NativeCode == NativeCodeForm.Embedded || kernels.NativeCode.Count == 0 ? null
            : new(IdentifierNames.AssemblyName(className), LinkedCode.SymbolOf(plan.NativeCode), IsLibrary: options.NativeCode == NativeCodeForm.Library);
        if (options.NativeCode != NativeCodeForm.Embedded && !wantsNative)
            context.Report(new Diagnostic(DiagnosticTable.OptionWithoutEffect, null, "--native-code", "the model has no native kernels: they are made for the CPU, with --kernels native or of a model that multiplies bytes"));
        foreach (NativeKernels code in linked is { IsLibrary: true } ? [] : kernels.NativeCode) resources[ModuleEmitter.NativeResource(moduleName, code.Plan.Isa.Name())] = code.Native.Code;
        foreach ((Isa isa, string source) in kernels.OpenClSources) resources[ModuleEmitter.OpenClResource(moduleName, isa.Name())] = Encoding.UTF8.GetBytes(source);
        Dictionary<string, string> sources = new(kernels.Sources)
        {
            ["Module.cs"] = ModuleEmitter.Emit(moduleName, kernels.Functions, weightsFile, DevicesOf(planned, options), linked),
        };
        return new GeneratedModel(moduleName, graph, planned, plan, weightsFile, sources, resources, lowered.Inputs)
        {
            Linked = linked is null ? null : new LinkedImage(linked.Symbol, kernels.NativeCode.Select(code => (code.Plan.Isa, code.Native))),
            DeviceSources = kernels.OpenClSources.ToDictionary(source => $"Kernels.{source.Key}.cl", source => source.Value),
        };
    }

    /// <summary>The devices beside the CPU that a model needs.</summary>
    private static string[] DevicesOf(PlannedModel planned, CompileOptions options) => options.UsesOpenCl ? [options.Device] : [.. planned.Accelerators.Select(a => a.Device)];

    /// <summary>The rules for the nodes of a graph.</summary>
    /// <exception cref="DiagnosticException">A rule names no node, or asks for what cannot be had.</exception>
    private static NodePrecisions Rules(Graph.Graph graph, PassContext context)
    {
        CompileOptions options = context.Options;
        foreach (NodeRule rule in options.PrecisionRules)
        {
            string line = rule.Line.ToString(CultureInfo.InvariantCulture);
            if (rule.Value == PrecisionNames.Int8 && options.Quantized is null) throw new DiagnosticException(new Diagnostic(DiagnosticTable.RuleNeedsCalibration, null, NodePrecisions.Option, line));
        }

        NodePrecisions precisions = options.Quantized?.Precisions ?? NodePrecisions.Of(options.PrecisionRules, graph);
        foreach (Diagnostic warning in precisions.Warnings) context.Report(warning);
        return precisions;
    }

    /// <summary>Routines run on the CPU, where nothing may run unasked; what only looks at indices is part of the plan's control.</summary>
    /// <exception cref="DiagnosticException">There are some; all but the last are reported.</exception>
    private static void RefuseRoutines(IReadOnlyList<PlanStep> steps, PassContext context)
    {
        Diagnostic[] refused =
        [
            .. Routines(steps).Where(r => r.Routine != nameof(Operators.Movement.CheckIndices)).Select(r => new Diagnostic(DiagnosticTable.NotOnDevice, r.Node, r.Op, context.Options.Device)),
        ];
        foreach (Diagnostic diagnostic in refused.SkipLast(1)) context.Report(diagnostic);
        if (refused.Length > 0) throw new DiagnosticException(refused[^1]);

        static IEnumerable<RoutineStep> Routines(IReadOnlyList<PlanStep> steps) => steps.SelectMany(step => step switch
        {
            RoutineStep routine => [routine],
            IfStep branch => Routines(branch.Then).Concat(Routines(branch.Else)),
            LoopStep loop => Routines(loop.Body),
            _ => [],
        });
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
                Layout = Of(options.InputFormats, port)?.IsPlanar is { } isPlanar ? isPlanar ? "NCHW" : "NHWC" : null,
                Channels = Of(options.InputFormats, port)?.Order,
                Mean = Of(options.Mean, port) ?? [],
                Scale = Of(options.Scale, port) ?? [],
                Strided = [.. (port.Value.Type.Layout?.Levels.Items ?? []).Where(l => l.Stride is not null).Select(l => l.Axis)],
                Resize = graph.Users().GetValueOrDefault(graph.Inputs.Concat(graph.Outputs).First(p => p.Name == port.Name).Value.Node)?.Select(u => u.User.Op).OfType<ResizeImage>().FirstOrDefault(),
                Labels = first == 0 ? [] : LabelsOf(port.Name, i, options),
            }),
        ];

        T? Of<T>(IReadOnlyDictionary<string, T> given, GraphPort port)
            where T : class => first > 0 ? null : OfInput(given, port.Name);
    }

    /// <summary>What is said of an input: by its name, or of the only one.</summary>
    private static T? OfInput<T>(IReadOnlyDictionary<string, T> given, string name)
        where T : class => given.GetValueOrDefault(name) ?? given.GetValueOrDefault("");

    /// <summary>The names of an output's classes. The only output of a model is the first: further ones are added behind it.</summary>
    private static IReadOnlyList<string> LabelsOf(string name, int number, CompileOptions options) =>
        options.Labels.GetValueOrDefault(name) ?? (number == 0 ? options.Labels.GetValueOrDefault("") : null) ?? [];

    /// <summary>In words, what is compiled in between the application's images and the model's input.</summary>
    private static string PreprocessingOf(string name, CompileOptions options)
    {
        List<string> parts = [];
        if (OfInput(options.InputFormats, name) is { } format) parts.Add(format.ToString());
        if (OfInput(options.Mean, name) is { } mean) parts.Add($"mean {Joined(mean)}");
        if (OfInput(options.Scale, name) is { } scale) parts.Add($"scale {Joined(scale)}");
        if (OfInput(options.Resizing, name) is { } resizing) parts.Add($"resize {resizing.Mode}");
        return string.Join("; ", parts);

        static string Joined(float[] values) => string.Join(',', values.Select(v => v.ToString(CultureInfo.InvariantCulture)));
    }

    private static CompileReport Report(PlannedModel planned, Plan plan, long parameters, IReadOnlyCollection<Decision> decisions)
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
            plan.PreparedBytes,
            groups.Count(g => g.Op == nameof(Reorder)),
            groups,
            decisions)
        {
            DeviceArenas = [.. plan.Accelerators.Select(a => new DeviceArena(a.Device, a.ArenaBytes.Evaluate(dims)))],
        };

        string DeviceOf(KernelStep step) => step.Device == 0 ? "CPU" : plan.Accelerators[step.Device - 1].Device;

        IReadOnlyList<CompileChoice> Choices(PlannedKernel kernel) =>
        [
            .. decisions.Where(d => d.Signature == kernel.Convolution || d.Signature == kernel.Signature)
                .Select(d => new CompileChoice(d.Isa.Name(), d.Signature, d.Chosen, d.IsTuned ? CompileChoice.Tuning : CompileChoice.Model)),
        ];

        void Collect(IReadOnlyList<PlanStep> steps)
        {
            foreach (PlanStep step in steps)
            {
                if (step is KernelStep kernel)
                {
                    groups.Add(new CompileGroup(
                        kernel.Node, kernel.Op, plan.Kernels[kernel.Kernel].Name, plan.IsForOneDevice ? plan.Device : DeviceOf(kernel), kernel.Precision, kernel.Layout,
                        string.Join('x', planned.Kernels[kernel.Kernel].Computation.Outputs[0].Dims.Select(Size)),
                        kernel.Macs.Evaluate(dims), kernel.Traffic.Evaluate(dims), Choices(planned.Kernels[kernel.Kernel])));
                }
                // On a device, what is left of routines looks at indices and is none of the model's operators.
                else if (step is RoutineStep routine && !plan.IsForOneDevice)
                {
                    long bytes = routine.Operands.Where(o => o.Buffer >= 0).Sum(o => plan.Buffers[o.Buffer].Bytes.Evaluate(dims));
                    groups.Add(new CompileGroup(routine.Node, routine.Op, routine.Routine, "CPU", "", "", string.Join('x', routine.Operands[^1].Dims.Select(d => d.Evaluate(dims))), 0, bytes, []));
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
