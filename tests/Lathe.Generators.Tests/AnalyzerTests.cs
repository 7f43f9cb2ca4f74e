using System.Collections.Immutable;
using Lathe.Generators.Analyzers;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Lathe.Generators.Tests;

/// <summary>Each case is the body of a method that has a <c>model</c> of the typed class; what is between ‹ and › is what is reported.</summary>
public sealed class AnalyzerTests
{
    [TestCase("var ‹r› = model.CreateRequest(); r.Infer();")]
    [TestCase("SqueezeNet.Request ‹r› = model.Rent(); values.CopyTo(r.Data); r.Infer();")]
    [TestCase("Lathe.Runtime.InferRequest ‹r› = model.Model.CreateRequest(); r.Infer();")]
    [TestCase("using var r = model.CreateRequest(); r.Infer();")]
    [TestCase("using (var r = model.CreateRequest()) r.Infer();")]
    [TestCase("var r = model.CreateRequest(); try { r.Infer(); } finally { r.Dispose(); }")]
    [TestCase("var r = model.CreateRequest(); Keep(r);")]
    [TestCase("var r = model.CreateRequest(); requests.Add(r);")]
    [TestCase("var r = model.CreateRequest(); using (r) r.Infer();")]
    [TestCase("var r = model.CreateRequest(); System.IDisposable d = r; d.Dispose();")]
    [TestCase("var r = requests[0]; r.Infer();")]
    public Task UndisposedRequest(string body) => Check(new UndisposedRequestAnalyzer(), body);

    [TestCase("‹new float[1000].CopyTo(request.Data)›;")]
    [TestCase("‹new float[] { 1, 2 }.AsSpan().CopyTo(request.Data)›;")]
    [TestCase("var a = new float[3 * 224 * 225]; ‹a.CopyTo(request.Data)›;")]
    [TestCase("{ System.ReadOnlySpan<float> a = new float[8]; ‹a.TryCopyTo(request.Data)›; }")]
    [TestCase("new float[3 * 224 * 224].CopyTo(request.Data);")]
    [TestCase("new float[SqueezeNet.DataLength].CopyTo(request.Data);")]
    [TestCase("var a = new float[8]; a = values; a.CopyTo(request.Data);")]
    [TestCase("var a = new float[8]; System.Array.Resize(ref a, 9); a.CopyTo(request.Data);")]
    [TestCase("new float[8].CopyTo(request.Data.Slice(8));")]
    [TestCase("values.CopyTo(request.Data);")]
    [TestCase("new float[values.Length].CopyTo(request.Data);")]
    public Task InputLength(string body) => Check(new InputLengthAnalyzer(), body);

    [TestCase("Parallel.For(0, 8, i => ‹request›.Infer());")]
    [TestCase("Parallel.ForEach(values, v => { ‹request›.Data[0] = v; request.Infer(); });")]
    [TestCase("Parallel.Invoke(() => ‹request›.Infer(), () => ‹request›.Infer());")]
    [TestCase("for (int i = 0; i < 8; i++) tasks.Add(Task.Run(() => ‹request›.Infer()));")]
    [TestCase("foreach (float v in values) new Thread(() => ‹request›.Infer()).Start();")]
    [TestCase("while (true) ThreadPool.QueueUserWorkItem(_ => ‹request›.Infer());")]
    [TestCase("Parallel.For(0, 8, i => { using var r = model.Rent(); r.Infer(); });")]
    [TestCase("for (int i = 0; i < 8; i++) { var r = model.Rent(); tasks.Add(Task.Run(() => { using (r) r.Infer(); })); }")]
    [TestCase("for (int i = 0; i < 8; i++) await Task.Run(() => request.Infer());")]
    [TestCase("await Task.Run(() => request.Infer());")]
    [TestCase("foreach (float v in values) System.Array.ForEach(values, w => request.Data[0] = w);")]
    public Task SharedRequest(string body) => Check(new SharedRequestAnalyzer(), body);

    private static async Task Check(DiagnosticAnalyzer analyzer, string body)
    {
        string awaits = body.Contains("await", StringComparison.Ordinal) ? "async " : "";
        string source = $$"""
            using System; using System.Collections.Generic; using System.Threading; using System.Threading.Tasks;
            namespace MyApp
            {
                internal static class Caller
                {
                    private static void Keep(SqueezeNet.Request r) { }
                    internal static {{awaits}}{{(awaits.Length > 0 ? "Task" : "void")}} Call(SqueezeNet model, SqueezeNet.Request request, List<SqueezeNet.Request> requests, List<Task> tasks, float[] values)
                    {
                        {{body}}
                    }
                }
            }
            """;
        List<string> expected = [];
        for (int start; (start = source.IndexOf('‹', StringComparison.Ordinal)) >= 0;)
        {
            int end = source.IndexOf('›', StringComparison.Ordinal);
            expected.Add($"{start}..{end - 1}");
            source = source.Remove(end, 1).Remove(start, 1);
        }

        CSharpCompilation compilation = GeneratorRun.Compilation(source, "MyApp.SqueezeNet_Module");
        GeneratorRun.Driver([("/p/X.lathe.json", TestManifests.Fixed)]).RunGeneratorsAndUpdateCompilation(compilation, out Compilation output, out _);
        Assert.That(output.GetDiagnostics().Where(diagnostic => diagnostic.DefaultSeverity == DiagnosticSeverity.Error), Is.Empty);
        ImmutableArray<Diagnostic> diagnostics = await output.WithAnalyzers([analyzer]).GetAnalyzerDiagnosticsAsync().ConfigureAwait(false);
        Assert.That(
            diagnostics.OrderBy(diagnostic => diagnostic.Location.SourceSpan.Start).Select(diagnostic => diagnostic.Location.SourceSpan.ToString().Trim('[', ')')),
            Is.EqualTo(expected),
            string.Join('\n', diagnostics));
    }
}
