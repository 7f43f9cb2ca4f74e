using Lathe.Compiler.Graph;
using Lathe.Compiler.Passes;
using Lathe.Runtime;
using Lathe.Runtime.Plans;
using ModelGraph = Lathe.Compiler.Graph.Graph;

namespace Lathe.Compiler.Tests;

/// <summary>A graph that was compiled and loaded, for one instruction set.</summary>
internal sealed class CompiledGraph : IDisposable
{
    private readonly TemporaryDirectory _folder = new();

    public CompiledGraph(ModelGraph graph, bool optimize = true, Isa isa = Isa.Vector128, int threads = 1, IReadOnlyDictionary<string, long>? dims = null, bool keepDenormals = false, bool? flushDenormals = null, CompileOptions? options = null, IReadOnlyDictionary<string, ImageFormat>? formats = null)
    {
        CompiledOutput compiled = Compilation.Compile(
            graph, "Tests.Subject", "model", "", new PassContext((options ?? new CompileOptions()) with { Optimize = optimize, Verify = true, Isas = [isa], KeepDenormals = keepDenormals }));
        Manifest = compiled.Manifest;
        Report = compiled.Report;
        Steps = [.. compiled.Report.Groups.Select(g => g.Kernel)];
        string path = Path.Combine(_folder.Path, compiled.AssemblyName + ".dll");
        File.WriteAllBytes(path, compiled.Assembly);
        if (compiled.Weights is { } weights) File.WriteAllBytes(Path.Combine(_folder.Path, compiled.WeightsName), weights);
        LatheOptions how = new() { Isa = isa, Threads = threads, Unloadable = true, FlushDenormals = flushDenormals };
        Model = CompiledModel.Load(path, formats is null ? how : how with { InputFormats = formats });
        Request = dims is null ? Model.CreateRequest() : Model.CreateRequest(dims);
    }

    /// <summary>The text of the manifest.</summary>
    public string Manifest { get; }

    /// <summary>What is known of the plan.</summary>
    public CompileReport Report { get; }

    public CompiledModel Model { get; }

    /// <summary>The kernels and routines of the plan's steps, in order.</summary>
    public IReadOnlyList<string> Steps { get; }

    public InferRequest Request { get; }

    /// <summary>Runs the model.</summary>
    public TensorData[] Run(params IReadOnlyList<TensorData> inputs)
    {
        for (int i = 0; i < inputs.Count; i++) inputs[i].Bytes.CopyTo(Request.InputBytes(i));
        Request.Infer();
        return [.. Model.Info.Outputs.Select((o, i) => TensorData.FromBytes(o.Type, Request.OutputShape(i).ToArray(), Request.OutputBytes(i).ToArray()))];
    }

    public void Dispose()
    {
        Request.Dispose();
        Model.Dispose();
        _folder.Dispose();
    }
}
