using System.Runtime.Loader;
using Lathe.Compiler;
using Lathe.Compiler.Diagnostics;
using Lathe.Runtime;

namespace Lathe.Cli.Conformance;

/// <summary>
/// Compiles a batch of cases into common assemblies and runs them one after the other, in this process. Nearly all the time of a small case goes into
/// what an assembly costs whatever is in it, so that many share one.
/// </summary>
/// <param name="options">How the cases are compiled.</param>
/// <param name="threads">How many threads an inference may use.</param>
/// <param name="report">Is told what is done next, and every result.</param>
internal sealed class BatchRunner(CompileOptions options, int threads, Action<WorkerMessage> report)
{
    // Bounds the memory of an emit; that much source costs seconds, beside which an assembly more does not count.
    private const int SourceLengthOfAssembly = 1 << 20;

    private int _assemblies;

    /// <summary>Runs a batch: each case gets a result.</summary>
    public void Run(IReadOnlyList<TestCase> cases)
    {
        List<Generated> waiting = [];
        for (int i = 0; i < cases.Count; i++)
        {
            report(new WorkerMessage(WorkerStage.Compiling, i, null));
            GeneratedModel? model = null;
            CaseResult result = CaseRunner.Guard(cases[i], () => Compile(cases[i], i, out model));
            if (model is null) report(new WorkerMessage(WorkerStage.Compiling, i, result));
            else waiting.Add(new Generated(i, cases[i], model));
            if (waiting.Sum(one => one.Model.Sources.Values.Sum(source => source.Length)) < SourceLengthOfAssembly) continue;
            RunTogether(waiting);
            waiting.Clear();
        }

        RunTogether(waiting);
    }

    private CaseResult Compile(TestCase test, int number, out GeneratedModel? model)
    {
        (IReadOnlyList<Diagnostic> diagnostics, model) =
            Compilation.Generate(test.Model, options with { ClassName = $"Cases.Case{number}", EmbedWeightsUpTo = long.MaxValue });
        return model is null ? CaseRunner.OfDiagnostics(test, diagnostics) : new CaseResult(test.Name, CaseResult.Passed, null);
    }

    private void RunTogether(IReadOnlyList<Generated> cases)
    {
        if (cases.Count == 0) return;
        report(new WorkerMessage(WorkerStage.Emitting, cases.Count == 1 ? cases[0].Number : null, null));
        string name = $"Cases{_assemblies++}";
        byte[] assembly;
        try
        {
            assembly = Compilation.CompileTogether(name, [.. cases.Select(one => one.Model)]);
        }
        catch (Exception failure) when (cases.Count > 1 && failure is not OutOfMemoryException)
        {
            // One of them has source that does not compile, which must not be the others' failure.
            RunTogether([.. cases.Take(cases.Count / 2)]);
            RunTogether([.. cases.Skip(cases.Count / 2)]);
            return;
        }
        catch (Exception failure)
        {
            foreach (Generated one in cases)
                report(new WorkerMessage(WorkerStage.Emitting, one.Number, new CaseResult(one.Test.Name, CaseResult.Failed, $"{failure.GetType().Name}: {failure.Message}")));
            return;
        }

        AssemblyLoadContext context = new(name, isCollectible: true);
        try
        {
            System.Reflection.Assembly loaded = context.LoadFromStream(new MemoryStream(assembly));
            foreach (Generated one in cases)
            {
                report(new WorkerMessage(WorkerStage.Running, one.Number, null));
                CaseResult result = CaseRunner.Run(one.Test, () => CompiledModel.Create(
                    (CompiledModule)Activator.CreateInstance(loaded.GetType(one.Model.ModuleName, throwOnError: true)!)!, new LatheOptions { Threads = threads }));
                report(new WorkerMessage(WorkerStage.Running, one.Number, result));
            }
        }
        finally
        {
            context.Unload();
        }
    }

    private sealed record Generated(int Number, TestCase Test, GeneratedModel Model);
}
