using Lathe.Cli.Models;
using Lathe.Cli.Tensors;
using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Graph;
using Lathe.Runtime;

namespace Lathe.Cli.Verification;

/// <summary>Runs a model on test data and compares what it computes.</summary>
internal static class Verifier
{
    /// <summary>The comparison of each output of a data set.</summary>
    /// <exception cref="DiagnosticException">The data set does not fit the model.</exception>
    /// <exception cref="LatheException">The inference failed.</exception>
    public static IReadOnlyList<(string Name, TensorComparison Comparison)> Verify(CompiledModel model, DataSet data, Tolerance tolerance, RunReport report)
    {
        ModelInfo info = model.Info;
        if (data.Inputs.Count != info.Inputs.Count)
            throw Bad(data.Name, $"it has {data.Inputs.Count} inputs, the model {info.Inputs.Count}");
        Dictionary<string, TensorData> inputs = [];
        for (int i = 0; i < data.Inputs.Count; i++) inputs.Add(info.Inputs[i].Name, As(info.Inputs[i].Type, data.Inputs[i]));

        using InferRequest request = InputSet.CreateRequest(model, inputs);
        request.InferAndCount(report);
        IReadOnlyList<NamedTensor> outputs = InputSet.OutputsOf(request);
        if (data.Outputs.Count != outputs.Count)
            throw Bad(data.Name, $"it has {data.Outputs.Count} outputs, the model {outputs.Count}");
        return [.. outputs.Zip(data.Outputs, (ours, theirs) => (ours.Name, Compare(ours, theirs, tolerance)))];
    }

    private static TensorComparison Compare(NamedTensor ours, (string Name, TensorData Data) theirs, Tolerance tolerance) =>
        theirs.Name.Length > 0 && theirs.Name != ours.Name
            ? TensorComparison.Incomparable($"its name in the test data is '{theirs.Name}'")
            : TensorComparison.Of(ours.Data, As(ours.Data.Element, theirs.Data), tolerance);

    /// <summary>Test data hold bfloat16 as the uint16 of its bits where NumPy wrote them, which has no such type.</summary>
    private static TensorData As(ElementType element, TensorData data) =>
        element == ElementType.BFloat16 && data.Element == ElementType.UInt16 ? TensorData.FromBytes(element, data.Dims, data.Bytes) : data;

    private static DiagnosticException Bad(string place, string reason) => new(new Diagnostic(DiagnosticTable.BadTestData, null, place, reason));
}
