using System.Collections.Immutable;
using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Shapes;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators;

/// <summary>Inputs of ONNX nodes that have to be known when a model is compiled, since shapes depend on them: they become attributes.</summary>
internal static class OnnxInputs
{
    /// <summary>How many nodes may stand behind a value that is needed as a constant.</summary>
    private const int MaxConstantNodes = 256;

    /// <summary>True if an optional input is given.</summary>
    public static bool Has(this OnnxNode node, int input) => input < node.Inputs.Count && !node.Inputs[input].IsNone;

    /// <summary>The elements of an input as expressions over symbols.</summary>
    /// <exception cref="DiagnosticException">They are not known.</exception>
    public static EquatableArray<IndexExpr> Known(OnnxNode node, int input, string what)
    {
        if (!node.Has(input)) throw new DiagnosticException(new Diagnostic(DiagnosticTable.BadInputs, node.Name, node.OpType, $"input {input}, {what}, is missing"));
        Value value = node.Inputs[input];
        if (value.Contents is { } contents) return contents;
        if (value.Type.Count == IndexExpr.Zero) return [];
        if (ConstantOf(value) is { } constant && constant.Element.IsInteger()) return constant.ToInt64s().Select(v => (IndexExpr)v).ToEquatableArray();
        throw new UnknownElementsException(new Diagnostic(DiagnosticTable.DataDependentShape, node.Name, node.OpType, what), input);
    }

    /// <summary>True if the elements of an input are known, as expressions over symbols, or if it is not given.</summary>
    public static bool IsKnown(this OnnxNode node, int input) =>
        !node.Has(input) || node.Inputs[input].Contents is not null || node.Inputs[input].Type.Count == IndexExpr.Zero || ConstantOf(node.Inputs[input]) is not null;

    /// <summary>An input of integers that is not known but has a known, small number of elements, as a vector of int64.</summary>
    /// <exception cref="DiagnosticException">How many elements it has is not known, or they are no integers.</exception>
    public static Value Vector(OnnxNode node, GraphBuilder builder, int input, string what)
    {
        Value value = node.Inputs[input];
        if (!value.Type.Element.IsInteger() || value.Type.Rank > 1) throw node.Bad($"{what} are {value.Type}");
        if (!Measure.CanBeMeasured(value)) throw new DiagnosticException(new Diagnostic(DiagnosticTable.DataDependentShape, node.Name, node.OpType, $"how many {what} there are"));
        return RuntimeShapes.AsVector(builder, value);
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

    /// <summary>The elements of a constant input.</summary>
    /// <exception cref="DiagnosticException">It is no constant.</exception>
    public static TensorData Constant(OnnxNode node, int input, string what)
    {
        if (!node.Has(input)) throw node.Bad($"input {input}, {what}, is missing");
        return ConstantOf(node.Inputs[input]) ?? throw new DiagnosticException(new Diagnostic(DiagnosticTable.DataDependentShape, node.Name, node.OpType, what));
    }

    /// <summary>The elements of a constant input as floats.</summary>
    /// <exception cref="DiagnosticException">It is no constant.</exception>
    public static EquatableArray<float> Floats(OnnxNode node, int input, string what) =>
        Constant(node, input, what) is { Strings: null } constant
            ? constant.ToDoubles().Select(v => (float)v).ToEquatableArray()
            : throw node.Bad($"{what} are strings");

    /// <summary>The only element of a constant input.</summary>
    /// <exception cref="DiagnosticException">It is no constant scalar.</exception>
    public static double Double(OnnxNode node, int input, string what) =>
        Constant(node, input, what) is { Count: 1, Strings: null } scalar ? scalar.GetDouble(0) : throw node.Bad($"{what} is no scalar");

    /// <summary>
    /// The elements of a constant, or of a value computed from small constants only: exporters like to write a shape or a scale as a few nodes. Null for
    /// any other.
    /// </summary>
    public static TensorData? ConstantOf(Value value)
    {
        if (value.Constant is { } constant) return constant;
        if (KnownContents.Constants(value.Contents) is { } known && value.Type.IsStatic)
        {
            TensorData tensor = TensorData.Zeros(value.Type.Element, value.Type.StaticDims);
            for (int i = 0; i < known.Length; i++) tensor.SetInt64(i, known[i]);
            return tensor;
        }

        Graph.Graph cone = new("constant", [], [new GraphPort("value", value)], [], ImmutableDictionary<Node, string>.Empty);
        // Walked with bounds: the nodes come from a file, and this runs for many of them.
        Queue<Node> open = new([value.Node]);
        HashSet<Node> seen = [value.Node];
        while (open.TryDequeue(out Node? node))
        {
            if (node.Op is Input || !node.Op.IsDeterministic || seen.Count > MaxConstantNodes || node.OutputTypes.Any(t => KnownContents.Static(t.Dims) is null)) return null;
            foreach (Value input in node.Inputs)
                if (!input.IsNone && seen.Add(input.Node)) open.Enqueue(input.Node);
        }

        return GraphEvaluator.Run(cone, [])[0];
    }

    /// <summary>The diagnostic for inputs that do not fit.</summary>
    public static DiagnosticException Bad(this OnnxNode node, string reason) =>
        new(new Diagnostic(DiagnosticTable.BadInputs, node.Name, node.OpType, reason));

    /// <summary>An axis counted from the end where negative.</summary>
    /// <exception cref="DiagnosticException">There is no such axis.</exception>
    public static int Axis(this OnnxNode node, long axis, int rank) =>
        axis >= -rank && axis < rank ? (int)(axis < 0 ? axis + rank : axis) : throw node.Bad($"axis {axis} is outside a tensor of rank {rank}");
}
