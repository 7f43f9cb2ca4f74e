using Lathe.Cli.Models;
using Lathe.Cli.Verification;
using Lathe.Compiler;
using Lathe.Compiler.Diagnostics;
using Lathe.Runtime;

namespace Lathe.Cli.Conformance;

/// <summary>Compiles and runs a case in this process.</summary>
internal static class CaseRunner
{
    /// <summary>Runs a case on all its data sets. Whatever happens short of the process's end is a result.</summary>
    public static CaseResult Run(TestCase test, CompileOptions options, int? threads)
    {
        try
        {
            CompileResult result = Compilation.Compile(test.Model, options with { EmbedWeightsUpTo = long.MaxValue });
            return result.Module is null ? OfDiagnostics(test, result.Diagnostics) : RunCompiled(test, result.Module, threads);
        }
        catch (DiagnosticException failure)
        {
            return OfDiagnostics(test, [failure.Diagnostic]);
        }
        catch (Exception failure)
        {
            return new CaseResult(test.Name, CaseResult.Failed, $"{failure.GetType().Name}: {failure.Message}");
        }
    }

    private static CaseResult RunCompiled(TestCase test, CompiledOutput output, int? threads)
    {
        string folder = Directory.CreateTempSubdirectory("lathe-").FullName;
        try
        {
            string assembly = Path.Combine(folder, output.AssemblyName + ".dll");
            File.WriteAllBytes(assembly, output.Assembly);
            using CompiledModel model = CompiledModel.Load(assembly, new LatheOptions { Threads = threads, Unloadable = true });
            RunReport ran = new([]);
            foreach (string set in DataSet.Find(test.Folder))
            {
                DataSet data = DataSet.Read(set);
                foreach ((string name, TensorComparison comparison) in Verifier.Verify(model, data, Tolerance.OfBackendTests, ran))
                    if (!comparison.Ok) return new CaseResult(test.Name, CaseResult.Failed, $"{data.Name}, output '{name}': {comparison.Mismatch}");
            }

            return new CaseResult(test.Name, CaseResult.Passed, null);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static CaseResult OfDiagnostics(TestCase test, IReadOnlyList<Diagnostic> diagnostics)
    {
        IReadOnlyList<Diagnostic> errors = [.. diagnostics.Where(d => d.Descriptor.Severity == Severity.Error)];
        string status = errors.Count > 0 && errors.All(d => Diagnostics.IsUnsupported(d.Descriptor.Id)) ? CaseResult.Unsupported : CaseResult.Failed;
        return new CaseResult(test.Name, status, string.Join("; ", errors.Select(d => $"{d.Descriptor.Id}: {d.Message}")));
    }
}
