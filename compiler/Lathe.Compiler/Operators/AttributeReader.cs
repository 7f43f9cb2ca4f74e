using System.Reflection;
using System.Text;
using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Graph;
using Lathe.Kernels;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators;

/// <summary>Reads an operator's positional members from the attributes of an ONNX node: member <c>KernelShape</c> from attribute <c>kernel_shape</c>.</summary>
public static class AttributeReader
{
    /// <summary>Imports an operator whose members are its attributes, as they are.</summary>
    /// <exception cref="DiagnosticException">An attribute is missing or of the wrong kind.</exception>
    public static IReadOnlyList<Value> ImportPlain<TOp>(OnnxNode node, GraphBuilder builder)
        where TOp : Op => Results(builder.AddNode(Read<TOp>(node), [.. node.Inputs]));

    /// <summary>All outputs of a node.</summary>
    public static IReadOnlyList<Value> Results(Node node) => [.. Enumerable.Range(0, node.OutputTypes.Length).Select(i => node[i])];

    /// <summary>Makes an operator from the attributes of an ONNX node.</summary>
    /// <exception cref="DiagnosticException">An attribute is missing or of the wrong kind.</exception>
    public static TOp Read<TOp>(OnnxNode node)
        where TOp : Op
    {
        ConstructorInfo constructor = PrimaryConstructor(typeof(TOp));
        object?[] arguments = [.. constructor.GetParameters().Select(p => Argument(node, p))];
        return (TOp)constructor.Invoke(arguments);
    }

    /// <summary>The constructor of a positional record: the public one that does not copy.</summary>
    public static ConstructorInfo PrimaryConstructor(Type op) =>
        op.GetConstructors().OrderByDescending(c => c.GetParameters().Length).First(c => c.GetParameters() is not [var only] || only.ParameterType != op);

    /// <summary>An attribute's value, or a default where the node has none.</summary>
    /// <exception cref="DiagnosticException">It is of another kind.</exception>
    public static T Get<T>(OnnxNode node, string attribute, T otherwise)
    {
        if (!node.Attributes.TryGetValue(attribute, out object? value)) return otherwise;
        return value is T typed ? typed : throw Wrong(node, attribute, $"it is a {value.GetType().Name}, not a {typeof(T).Name}");
    }

    /// <summary>An element type that has a size, or a default where the node has none.</summary>
    /// <exception cref="DiagnosticException">It is none.</exception>
    public static ElementType Element(OnnxNode node, string attribute, ElementType otherwise)
    {
        long number = Get(node, attribute, (long)otherwise);
        ElementType element = number is > 0 and <= int.MaxValue ? (ElementType)number : ElementType.Undefined;
        return element.IsFloat() || element.IsInteger() || element == ElementType.Bool ? element : throw Wrong(node, attribute, $"{number} is no type of numbers");
    }

    /// <summary>The diagnostic for an attribute.</summary>
    public static DiagnosticException Wrong(OnnxNode node, string attribute, string reason) =>
        new(new Diagnostic(DiagnosticTable.BadAttribute, node.Name, attribute, node.OpType, reason));

    /// <summary>KernelShape → kernel_shape.</summary>
    public static string SnakeCase(string member)
    {
        StringBuilder text = new();
        foreach (char c in member)
        {
            if (char.IsUpper(c) && text.Length > 0) text.Append('_');
            text.Append(char.ToLowerInvariant(c));
        }

        return text.ToString();
    }

    private static object? Argument(OnnxNode node, ParameterInfo parameter)
    {
        string attribute = SnakeCase(parameter.Name!), camelCase = char.ToLowerInvariant(parameter.Name![0]) + parameter.Name[1..];
        // A few attributes of ONNX are written the other way: transA.
        if (node.Attributes.ContainsKey(camelCase)) attribute = camelCase;
        Type type = parameter.ParameterType;
        if (!node.Attributes.TryGetValue(attribute, out object? value))
        {
            if (parameter.HasDefaultValue) return parameter.DefaultValue ?? (type.IsValueType && Nullable.GetUnderlyingType(type) is null ? Activator.CreateInstance(type) : null);
            throw Wrong(node, attribute, "it is required");
        }

        Type wanted = Nullable.GetUnderlyingType(type) ?? type;
        return (value, wanted) switch
        {
            (long number, _) when wanted == typeof(long) => number,
            (long number, _) when wanted == typeof(bool) => number != 0,
            (long number, _) when wanted == typeof(ElementType) && number is > 0 and <= int.MaxValue && Enum.IsDefined((ElementType)number) => (ElementType)number,
            (float number, _) when wanted == typeof(float) => number,
            (string text, _) when wanted == typeof(string) => text,
            (long[] numbers, _) when wanted == typeof(EquatableArray<long>) => (EquatableArray<long>)numbers,
            (float[] numbers, _) when wanted == typeof(EquatableArray<float>) => (EquatableArray<float>)numbers,
            (string[] texts, _) when wanted == typeof(EquatableArray<string>) => (EquatableArray<string>)texts,
            (TensorData data, _) when wanted == typeof(TensorData) => data,
            _ => throw Wrong(node, attribute, $"it is a {value.GetType().Name}, not a {wanted.Name}"),
        };
    }
}
