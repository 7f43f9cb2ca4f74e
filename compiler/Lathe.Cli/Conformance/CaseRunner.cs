using Lathe.Cli.Models;
using Lathe.Cli.Verification;
using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Onnx;
using Lathe.Runtime;

namespace Lathe.Cli.Conformance;

/// <summary>Judges a case in this process. Whatever happens short of the process's end is a result.</summary>
internal static class CaseRunner
{
    /// <summary>Runs a compiled case on all its data sets.</summary>
    /// <param name="test">The case.</param>
    /// <param name="load">Loads its model.</param>
    public static CaseResult Run(TestCase test, Func<CompiledModel> load) => Guard(test, () =>
    {
        using CompiledModel model = load();
        RunReport ran = new([]);
        Tolerance tolerance = Tolerance.OfBackendTests with { FormOnly = OnnxFrontEnd.IsRandom(test.Model) };
        foreach (string set in DataSet.Find(test.Folder))
        {
            DataSet data = DataSet.Read(set);
            foreach ((string name, TensorComparison comparison) in Verifier.Verify(model, data, tolerance, ran))
                if (!comparison.Ok) return new CaseResult(test.Name, CaseResult.Failed, $"{data.Name}, output '{name}': {comparison.Mismatch}");
        }

        return new CaseResult(test.Name, CaseResult.Passed, null);
    });

    /// <summary>Does something about a case; what it throws becomes the case's result.</summary>
    public static CaseResult Guard(TestCase test, Func<CaseResult> work)
    {
        try
        {
            return work();
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

    /// <summary>The result of a case that could not be compiled.</summary>
    public static CaseResult OfDiagnostics(TestCase test, IReadOnlyList<Diagnostic> diagnostics)
    {
        IReadOnlyList<Diagnostic> errors = [.. diagnostics.Where(d => d.Descriptor.Severity == Severity.Error)];
        string status = errors.Count > 0 && errors.All(d => Diagnostics.IsUnsupported(d.Descriptor.Id)) ? CaseResult.Unsupported : CaseResult.Failed;
        return new CaseResult(test.Name, status, string.Join("; ", errors.Select(d => $"{d.Descriptor.Id}: {d.Message}")));
    }
}
