using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Operators;
using Kind = Lathe.Compiler.Onnx.AttributeProto.Types.AttributeType;

namespace Lathe.Compiler.Onnx;

/// <summary>Turns the attributes of a node into the values that operators read: see <see cref="OnnxNode"/>.</summary>
internal static class AttributeValues
{
    /// <summary>The attributes of a node by name.</summary>
    /// <param name="node">The node.</param>
    /// <param name="name">Its name, for messages.</param>
    /// <param name="bound">Inside a function: what its caller gave for the function's attributes.</param>
    /// <param name="tensors">Reads tensors.</param>
    /// <param name="body">Makes the value for a body.</param>
    /// <exception cref="DiagnosticException">An attribute is malformed.</exception>
    public static Dictionary<string, object> Read(
        NodeProto node,
        string name,
        IReadOnlyDictionary<string, object>? bound,
        TensorReader tensors,
        Func<GraphProto, OnnxGraph> body)
    {
        Dictionary<string, object> values = new(StringComparer.Ordinal);
        foreach (AttributeProto attribute in node.Attribute)
        {
            object? value;
            if (attribute.RefAttrName.Length > 0)
            {
                if (bound is null) throw Bad(attribute.Name, "it refers to an attribute of a function, but is in none");
                // A reference to an attribute that the caller left out leaves this one out too.
                if (!bound.TryGetValue(attribute.RefAttrName, out value)) continue;
            }
            else
            {
                value = Value(attribute, tensors, body);
            }

            if (value is null) throw Bad(attribute.Name, $"its type {(int)KindOf(attribute)} is not known or its value is missing");
            if (!values.TryAdd(attribute.Name, value)) throw Bad(attribute.Name, "it is given twice");
        }

        return values;

        DiagnosticException Bad(string attribute, string reason) =>
            new(new Diagnostic(DiagnosticTable.BadAttribute, name, attribute, node.OpType, reason));
    }

    /// <summary>The value of an attribute; null if it is of a kind that operators do not read.</summary>
    public static object? Value(AttributeProto attribute, TensorReader tensors, Func<GraphProto, OnnxGraph> body) => KindOf(attribute) switch
    {
        Kind.Float => attribute.F,
        Kind.Int => attribute.I,
        Kind.String => TensorReader.Text(attribute.S),
        Kind.Tensor => attribute.T is null ? null : tensors.Read(attribute.T),
        Kind.Graph => attribute.G is null ? null : body(attribute.G),
        Kind.Floats => (float[])[.. attribute.Floats],
        Kind.Ints => (long[])[.. attribute.Ints],
        Kind.Strings => (string[])[.. attribute.Strings.Select(TensorReader.Text)],
        Kind.Graphs => (OnnxGraph[])[.. attribute.Graphs.Select(body)],
        Kind.SparseTensor => attribute.SparseTensor is null ? null : tensors.Read(attribute.SparseTensor),
        _ => null,
    };

    /// <summary>What an attribute says it holds; files from before there was a type say it by what is there.</summary>
    private static Kind KindOf(AttributeProto attribute)
    {
        if (attribute.Type != Kind.Undefined) return attribute.Type;
        if (attribute.HasF) return Kind.Float;
        if (attribute.HasI) return Kind.Int;
        if (attribute.HasS) return Kind.String;
        if (attribute.T is not null) return Kind.Tensor;
        if (attribute.G is not null) return Kind.Graph;
        if (attribute.Floats.Count > 0) return Kind.Floats;
        if (attribute.Ints.Count > 0) return Kind.Ints;
        return attribute.Strings.Count > 0 ? Kind.Strings : Kind.Undefined;
    }
}
