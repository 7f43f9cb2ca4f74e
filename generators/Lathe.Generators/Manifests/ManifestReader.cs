using System.Globalization;
using Microsoft.CodeAnalysis.CSharp;

namespace Lathe.Generators.Manifests;

/// <summary>Reads a manifest and checks all that becomes source: see <c>docs/decisions/0002-manifest.md</c>.</summary>
internal static class ManifestReader
{
    private static readonly Dictionary<string, string> Elements = new(StringComparer.Ordinal)
    {
        ["float32"] = "float",
        ["float64"] = "double",
        ["float16"] = "global::System.Half",
        ["bfloat16"] = "ushort",
        ["uint8"] = "byte",
        ["int8"] = "sbyte",
        ["uint16"] = "ushort",
        ["int16"] = "short",
        ["uint32"] = "uint",
        ["int32"] = "int",
        ["uint64"] = "ulong",
        ["int64"] = "long",
        ["bool"] = "bool",
    };

    /// <summary>The schema of a manifest.</summary>
    /// <exception cref="MalformedTextException">It has none.</exception>
    public static long Schema(JsonValue root) => Integer(Member(root, "schema"));

    /// <summary>Reads a manifest of <see cref="Manifest.Schema"/>.</summary>
    /// <exception cref="MalformedTextException">A member is missing, of another kind, or no name where a name must be.</exception>
    public static Manifest Read(JsonValue root)
    {
        Manifest manifest = new(
            Text(root, "lathe"),
            Identifier(Member(root, "class")),
            Names(Member(root, "namespace"), mayBeEmpty: true),
            Names(Member(root, "module"), mayBeEmpty: false),
            Text(root, "model"),
            Text(root, "precision"),
            Text(root, "device"),
            List(root, "isas", String),
            List(root, "symbols", ReadSymbol),
            List(root, "inputs", ReadTensor),
            List(root, "outputs", ReadTensor),
            Integer(Member(root, "arenaBytes")),
            Integer(Member(root, "weightBytes")));
        RequireUnique(root, manifest.Inputs.Concat(manifest.Outputs).Select(tensor => tensor.Property).Append(manifest.Class));
        RequireUnique(root, manifest.Symbols.Select(symbol => symbol.Parameter));
        return manifest;
    }

    private static ManifestSymbol ReadSymbol(JsonValue value) => new(
        Text(value, "name"),
        Identifier(Member(value, "parameter")),
        Integer(Member(value, "min")),
        Integer(Member(value, "max")),
        Integer(Member(value, "default")));

    private static ManifestTensor ReadTensor(JsonValue value)
    {
        string type = Text(value, "type");
        if (!Elements.TryGetValue(type, out string? element)) throw new MalformedTextException($"the type '{type}' is unknown", Member(value, "type").Start);
        return new(
            Text(value, "name"),
            Identifier(Member(value, "property")),
            type,
            element,
            List(value, "dims", ReadDim),
            OptionalText(value, "layout"),
            OptionalText(value, "channels"),
            Numbers(value, "mean"),
            Numbers(value, "scale"),
            value.Members.ContainsKey("strided") ? List(value, "strided", Integer) : new([]),
            value.Members.TryGetValue("resize", out JsonValue? resize) ? ReadResize(resize, Member(value, "dims").Items.Count) : null,
            value.Members.ContainsKey("labels") ? List(value, "labels", String) : new([]),
            OptionalText(value, "doc"));
    }

    private static ManifestResize ReadResize(JsonValue value, int rank)
    {
        string factory = Text(value, "mode") switch
        {
            "stretch" => "Stretch",
            "letterbox" => "Letterbox",
            "crop" => "Crop",
            var other => throw new MalformedTextException($"the mode '{other}' is unknown", value.Start),
        };
        JsonValue aligns = Member(value, "alignCorners");
        return aligns.Kind == JsonKind.Literal && aligns.Text is "true" or "false"
            ? new(factory, aligns.Text == "true", Number("rows", 0, rank - 2), Number("height", 1, int.MaxValue), Number("width", 1, int.MaxValue))
            : throw new MalformedTextException("true or false is expected", aligns.Start);

        int Number(string name, int min, int max) => Integer(Member(value, name)) is var number && number >= min && number <= max
            ? (int)number
            : throw new MalformedTextException($"'{name}' is {number}", Member(value, name).Start);
    }

    private static ManifestDim ReadDim(JsonValue value)
    {
        if (value.Kind == JsonKind.String) return new(null, value.Text);
        long dim = Integer(value);
        return dim >= 0 ? new(dim, value.Text) : throw new MalformedTextException("a dim is negative", value.Start);
    }

    private static JsonValue Member(JsonValue value, string name)
    {
        if (value.Kind != JsonKind.Object) throw new MalformedTextException("an object is expected", value.Start);
        return value.Members.TryGetValue(name, out JsonValue? member)
            ? member
            : throw new MalformedTextException($"the member '{name}' is missing", value.Start);
    }

    private static string Text(JsonValue value, string name) => String(Member(value, name));

    private static string OptionalText(JsonValue value, string name) => value.Members.TryGetValue(name, out JsonValue? member) ? String(member) : "";

    private static string Numbers(JsonValue value, string name) =>
        value.Members.ContainsKey(name) ? string.Join(", ", List(value, name, Number)) : "";

    private static EquatableArray<T> List<T>(JsonValue value, string name, Func<JsonValue, T> read)
        where T : IEquatable<T>
    {
        JsonValue list = Member(value, name);
        return list.Kind == JsonKind.Array ? new([.. list.Items.Select(read)]) : throw new MalformedTextException($"'{name}' is no array", list.Start);
    }

    private static string String(JsonValue value) =>
        value.Kind == JsonKind.String ? value.Text : throw new MalformedTextException("a string is expected", value.Start);

    private static string Number(JsonValue value) =>
        value.Kind == JsonKind.Number ? value.Text : throw new MalformedTextException("a number is expected", value.Start);

    private static long Integer(JsonValue value) =>
        long.TryParse(Number(value), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number)
            ? number
            : throw new MalformedTextException("an integer of 64 bits is expected", value.Start);

    private static string Identifier(JsonValue value)
    {
        string name = String(value);
        return SyntaxFacts.IsValidIdentifier(name) && SyntaxFacts.GetKeywordKind(name) == SyntaxKind.None
            ? name
            : throw new MalformedTextException("an identifier is expected", value.Start);
    }

    private static string Names(JsonValue value, bool mayBeEmpty)
    {
        string names = String(value);
        if (mayBeEmpty && names.Length == 0) return names;
        foreach (string name in names.Split('.')) Identifier(value with { Text = name });
        return names;
    }

    private static void RequireUnique(JsonValue root, IEnumerable<string> names)
    {
        HashSet<string> seen = new(StringComparer.Ordinal);
        foreach (string name in names)
            if (!seen.Add(name)) throw new MalformedTextException($"the name '{name}' is there twice", root.Start);
    }
}
