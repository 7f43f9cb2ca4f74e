using Lathe.Cli.Arguments;
using Lathe.Compiler;
using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Graph;
using Lathe.Compiler.Onnx;
using Lathe.Kernels.Loops;

namespace Lathe.Cli.Bench;

/// <summary>
/// Gives a model a batch size: the first dim of the inputs where the model names one, or else of those where it is 1. What it does to the rest of
/// the model, shape inference finds out.
/// </summary>
internal static class BatchShapes
{
    /// <summary>The request with shapes for a batch size.</summary>
    /// <exception cref="FailedException">The model cannot be read or has no such dim.</exception>
    public static ModelRequest Apply(ModelRequest request, int batch)
    {
        (Graph? graph, IReadOnlyList<Diagnostic> diagnostics) = OnnxFrontEnd.Read(request.Path, request.Options);
        if (graph is null) throw new FailedException(request.Path, diagnostics);
        Dictionary<string, string> shapes = new(request.Options.Shapes);
        bool named = graph.Inputs.Any(input => FirstOf(input) is { } first && !IsConstant(first, out _));
        bool any = false;
        foreach (GraphPort input in graph.Inputs)
        {
            if (FirstOf(input) is not { } first || (named ? IsConstant(first, out _) : !IsConstant(first, out long value) || value != 1)) continue;
            shapes[input.Name] = string.Join(',', input.Value.Type.Dims.Items.Select((dim, i) => i == 0 ? batch.ToString() : dim.ToString()));
            any = true;
        }

        return any
            ? request with { Options = request.Options with { Shapes = shapes } }
            : throw new FailedException(request.Path, DiagnosticTable.BadOption, "-b", "no input has a first dim that is named or 1");
    }

    private static IndexExpr? FirstOf(GraphPort input) => input.Value.Type.Dims.Items is { Length: > 0 } dims ? dims[0] : null;

    private static bool IsConstant(IndexExpr dim, out long value)
    {
        value = dim.Range.Min;
        return dim.Range.Min == dim.Range.Max;
    }
}
