using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Graph;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators;

/// <summary>Inputs of ONNX nodes that have to be known when a model is compiled, since shapes depend on them: they become attributes.</summary>
internal static class OnnxInputs
{
    /// <summary>True if an optional input is given.</summary>
    public static bool Has(this OnnxNode node, int input) => input < node.Inputs.Count && !node.Inputs[input].IsNone;

    /// <summary>The elements of an input as expressions over symbols.</summary>
    /// <exception cref="DiagnosticException">They are not known.</exception>
    public static EquatableArray<IndexExpr> Known(OnnxNode node, int input, string what)
    {
        if (!node.Has(input)) throw new DiagnosticException(new Diagnostic(DiagnosticTable.BadInputs, node.Name, node.OpType, $"input {input}, {what}, is missing"));
        Value value = node.Inputs[input];
        if (value.Contents is { } contents) return contents;
        // Larger tensors than those that inference follows may still be constants.
        if (value.Constant is { } constant && constant.Element.IsInteger()) return constant.ToInt64s().Select(v => (IndexExpr)v).ToEquatableArray();
        throw new DiagnosticException(new Diagnostic(DiagnosticTable.DataDependentShape, node.Name, node.OpType, what));
    }

    /// <summary>The elements of an input, which are numbers.</summary>
    /// <exception cref="DiagnosticException">They are not known, or depend on a symbol.</exception>
    public static EquatableArray<long> Numbers(OnnxNode node, int input, string what)
    {
        EquatableArray<IndexExpr> known = Known(node, input, what);
        return known.All(e => e.IsConstant)
            ? known.Select(e => e.Value).ToEquatableArray()
            : throw new DiagnosticException(new Diagnostic(DiagnosticTable.DataDependentShape, node.Name, node.OpType, $"{what} depends on a named dim"));
    }

    /// <summary>The elements of an optional input, or else of an attribute; null if there is neither. What newer opsets take as input, older ones take as attribute.</summary>
    /// <exception cref="DiagnosticException">They are not known, or depend on a symbol.</exception>
    public static EquatableArray<long>? NumbersOrAttribute(OnnxNode node, int input, string attribute)
    {
        if (node.Has(input)) return Numbers(node, input, attribute);
        if (!node.Attributes.ContainsKey(attribute)) return null;
        return (EquatableArray<long>)AttributeReader.Get<long[]>(node, attribute, []);
    }

    /// <summary>The elements of a constant input of floats.</summary>
    /// <exception cref="DiagnosticException">It is no constant.</exception>
    public static EquatableArray<float> Floats(OnnxNode node, int input, string what)
    {
        Value value = node.Inputs[input];
        if (value.Constant is { } constant) return constant.ToDoubles().Select(v => (float)v).ToEquatableArray();
        if (value.Contents is { } known && known.All(e => e.IsConstant)) return known.Select(e => (float)e.Value).ToEquatableArray();
        throw new DiagnosticException(new Diagnostic(DiagnosticTable.DataDependentShape, node.Name, node.OpType, what));
    }

    /// <summary>The diagnostic for inputs that do not fit.</summary>
    public static DiagnosticException Bad(this OnnxNode node, string reason) =>
        new(new Diagnostic(DiagnosticTable.BadInputs, node.Name, node.OpType, reason));

    /// <summary>An axis counted from the end where negative.</summary>
    /// <exception cref="DiagnosticException">There is no such axis.</exception>
    public static int Axis(this OnnxNode node, long axis, int rank) =>
        axis >= -rank && axis < rank ? (int)(axis < 0 ? axis + rank : axis) : throw node.Bad($"axis {axis} is outside a tensor of rank {rank}");
}
