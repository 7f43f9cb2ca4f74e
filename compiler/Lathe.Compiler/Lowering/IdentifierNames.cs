#nullable enable

using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text;

namespace Lathe.Compiler.Lowering;

/// <summary>
/// Makes identifiers of generated code from names that come from models, files and options: sanitised, unique, no keyword, no member of
/// the classes they become part of. The MSBuild task compiles this file too, so that both give a model the same class name.
/// </summary>
public static class IdentifierNames
{
    private const int LongestName = 80;

    private static readonly HashSet<string> Keywords = new(StringComparer.Ordinal)
    {
        "abstract", "as", "base", "bool", "break", "byte", "case", "catch", "char", "checked", "class", "const", "continue", "decimal", "default",
        "delegate", "do", "double", "else", "enum", "event", "explicit", "extern", "false", "finally", "fixed", "float", "for", "foreach", "goto",
        "if", "implicit", "in", "int", "interface", "internal", "is", "lock", "long", "namespace", "new", "null", "object", "operator", "out",
        "override", "params", "private", "protected", "public", "readonly", "ref", "return", "sbyte", "sealed", "short", "sizeof", "stackalloc",
        "static", "string", "struct", "switch", "this", "throw", "true", "try", "typeof", "uint", "ulong", "unchecked", "unsafe", "ushort", "using",
        "virtual", "void", "volatile", "while", "__arglist", "__makeref", "__reftype", "__refvalue",
        // Contextual keywords that are refused as names of types.
        "allows", "await", "dynamic", "extension", "field", "file", "global", "managed", "nint", "notnull", "nuint", "partial", "record", "required",
        "scoped", "unmanaged", "value", "var", "when", "where", "with", "yield",
    };

    /// <summary>Members of the typed class, of the runtime's request from which its request derives, and of object.</summary>
    private static readonly HashSet<string> Members = new(StringComparer.Ordinal)
    {
        "Counters", "CreateRequest", "Dispose", "Equals", "Finalize", "GetHashCode", "GetType", "Infer", "InferAsync", "Info", "InputBytes", "Load",
        "MemberwiseClone", "Model", "OptimalRequestCount", "OutputBytes", "Ran", "ReferenceEquals", "Rent", "Request", "SetInput", "StartAsync",
        "ToString", "Wait",
    };

    /// <summary>Methods of the runtime's request that a property must not hide, but that the methods of a tensor named "Input" or "Output" may overload.</summary>
    private static readonly HashSet<string> Overloads = new(StringComparer.Ordinal) { "BindInput", "BindOutput", "UnbindInput", "UnbindOutput" };

    /// <summary>What follows a property's name in the names of further members.</summary>
    private static readonly string[] Suffixes = ["", "Shape", "Length", "Labels", "Map"];

    /// <summary>True for a name that can stand in source as it is: letters, digits and underscores, not a digit first, no keyword, of bounded length.</summary>
    public static bool IsIdentifier(string name)
    {
        if (name.Length is 0 or > 2 * LongestName || char.IsDigit(name[0]) || Keywords.Contains(name)) return false;
        foreach (char c in name)
            if (!IsNamePart(c)) return false;
        return true;
    }

    /// <summary>True for a name that the typed class can have: identifiers joined with dots, the last of them no member of the class.</summary>
    public static bool IsClassName(string fullName)
    {
        string[] parts = fullName.Split('.');
        foreach (string part in parts)
            if (!IsIdentifier(part)) return false;
        return fullName.Length <= 4 * LongestName && !Members.Contains(parts[parts.Length - 1]);
    }

    /// <summary>The class's name without its namespace.</summary>
    public static string SimpleName(string fullName) => fullName.Substring(fullName.LastIndexOf('.') + 1);

    /// <summary>The class's namespace; empty for none.</summary>
    public static string Namespace(string fullName) => fullName.LastIndexOf('.') is var dot && dot < 0 ? "" : fullName.Substring(0, dot);

    /// <summary>The name of the kernel assembly of a class. It has the namespace in it: two libraries of one application may each have a class of one name.</summary>
    public static string AssemblyName(string fullName) => fullName + ".Lathe";

    /// <summary>The full name of the module class in the kernel assembly.</summary>
    public static string ModuleName(string fullName) => fullName + "_Module";

    /// <summary>The name of the manifest's file.</summary>
    public static string ManifestFile(string fullName) => fullName + ".lathe.json";

    /// <summary>The name of the file of weights beside the kernel assembly.</summary>
    public static string WeightsFile(string fullName) => fullName + ".Lathe.weights";

    /// <summary>A class name from a file name: <c>squeezenet1.0-7.onnx</c> gives <c>Squeezenet107</c>.</summary>
    /// <param name="fileName">The file's name, with or without folder and extension.</param>
    public static string ClassName(string fileName)
    {
        string name = fileName.Substring(fileName.LastIndexOfAny(['/', '\\']) + 1);
        int dot = name.LastIndexOf('.');
        string pascal = Pascal(dot > 0 ? name.Substring(0, dot) : name, "Model");
        return IsClassName(pascal) ? pascal : pascal + "Model";
    }

    /// <summary>
    /// The properties of tensors in the order of their names: <c>input.1</c> gives <c>Input1</c>. Each is unique among the others, also with
    /// <c>Shape</c>, <c>Length</c>, <c>Labels</c> or <c>Map</c> behind it or <c>Bind</c> before it, and is no member of the typed class or its request.
    /// </summary>
    /// <param name="className">The typed class, which can have no member of its own name.</param>
    /// <param name="tensorNames">The inputs' names, then the outputs'.</param>
    public static IReadOnlyList<string> Properties(string className, IReadOnlyList<string> tensorNames)
    {
        HashSet<string> reserved = new(Members.Concat(Overloads), StringComparer.Ordinal) { SimpleName(className) };
        HashSet<string> taken = new(reserved.Except(Overloads), StringComparer.Ordinal);
        Dictionary<string, int> numbers = new(StringComparer.Ordinal);
        List<string> properties = [];
        foreach (string tensorName in tensorNames)
        {
            string property = Unique(Pascal(tensorName, "Tensor"), "Tensor", reserved, numbers, IsFree);
            foreach (string member in MembersOf(property)) taken.Add(member);
            properties.Add(property);
        }

        return properties;

        bool IsFree(string name)
        {
            foreach (string member in MembersOf(name))
                if (taken.Contains(member)) return false;
            return IsIdentifier(name) && !reserved.Contains(name);
        }
    }

    /// <summary>The parameters of named dims in the order of their names: <c>batch_size</c> gives <c>batchSize</c>, <c>in</c> gives <c>inDim</c>.</summary>
    public static IReadOnlyList<string> Parameters(IReadOnlyList<string> symbolNames)
    {
        HashSet<string> taken = new(StringComparer.Ordinal);
        Dictionary<string, int> numbers = new(StringComparer.Ordinal);
        List<string> parameters = [];
        foreach (string symbolName in symbolNames)
        {
            string pascal = Pascal(symbolName, "Dim");
            string camel = char.ToLowerInvariant(pascal[0]) + pascal.Substring(1);
            string parameter = Unique(camel, "Dim", Keywords, numbers, name => IsIdentifier(name) && !taken.Contains(name));
            taken.Add(parameter);
            parameters.Add(parameter);
        }

        return parameters;
    }

    private static IEnumerable<string> MembersOf(string property)
    {
        foreach (string suffix in Suffixes) yield return property + suffix;
        yield return "Bind" + property;
        yield return "Unbind" + property;
    }

    /// <summary>The name, with its kind behind it where it is reserved, or the first of its numbered forms that is free. The last number given to a name is kept: many equal names cost no more.</summary>
    private static string Unique(string name, string kind, HashSet<string> reserved, Dictionary<string, int> numbers, Func<string, bool> isFree)
    {
        if (isFree(name)) return name;
        if (reserved.Contains(name) && isFree(name + kind)) return name + kind;
        string separator = char.IsDigit(name[name.Length - 1]) ? "_" : "";
        numbers.TryGetValue(name, out int number);
        number = Math.Max(number, 1);
        string numbered;
        do numbered = name + separator + (++number).ToString(CultureInfo.InvariantCulture);
        while (!isFree(numbered));
        numbers[name] = number;
        return numbered;
    }

    /// <summary>Letters and digits, each letter after another character made upper case; the fallback before a leading digit and where nothing is left.</summary>
    private static string Pascal(string name, string fallback)
    {
        StringBuilder text = new();
        bool starts = true;
        foreach (char c in name)
        {
            if (text.Length == LongestName) break;
            bool taken = IsNamePart(c) && c != '_';
            if (taken) text.Append(starts ? char.ToUpperInvariant(c) : c);
            starts = !taken;
        }

        return text.Length == 0 || char.IsDigit(text[0]) ? fallback + text : text.ToString();
    }

    /// <summary>Letters and decimal digits of the basic plane. Surrogates, marks, control and formatting characters are none of these.</summary>
    private static bool IsNamePart(char c) => c == '_' || char.IsLetter(c) || char.IsDigit(c);
}
