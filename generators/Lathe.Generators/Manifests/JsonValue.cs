namespace Lathe.Generators.Manifests;

/// <summary>The kinds of <see cref="JsonValue"/>.</summary>
internal enum JsonKind
{
    /// <summary><c>null</c>, <c>true</c> or <c>false</c>; the text says which.</summary>
    Literal,

    /// <summary>A number; the text is as it was written.</summary>
    Number,

    /// <summary>A string; the text is without escapes.</summary>
    String,

    /// <summary>An array.</summary>
    Array,

    /// <summary>An object.</summary>
    Object,
}

/// <summary>A value of a JSON text, with its place in it.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Start">Where it starts.</param>
/// <param name="Text">The text of a literal, number or string; otherwise empty.</param>
/// <param name="Items">The elements of an array, otherwise none.</param>
/// <param name="Members">The members of an object, otherwise none.</param>
internal sealed record JsonValue(JsonKind Kind, int Start, string Text, IReadOnlyList<JsonValue> Items, IReadOnlyDictionary<string, JsonValue> Members)
{
    private static readonly IReadOnlyDictionary<string, JsonValue> NoMembers = new Dictionary<string, JsonValue>();

    /// <summary>A literal, number or string.</summary>
    public JsonValue(JsonKind kind, int start, string text)
        : this(kind, start, text, [], NoMembers)
    {
    }

    /// <summary>An array.</summary>
    public JsonValue(int start, IReadOnlyList<JsonValue> items)
        : this(JsonKind.Array, start, "", items, NoMembers)
    {
    }

    /// <summary>An object.</summary>
    public JsonValue(int start, IReadOnlyDictionary<string, JsonValue> members)
        : this(JsonKind.Object, start, "", [], members)
    {
    }
}

/// <summary>A text is not what its reader expects.</summary>
/// <param name="message">What is wrong.</param>
/// <param name="start">Where.</param>
internal sealed class MalformedTextException(string message, int start) : Exception(message)
{
    /// <summary>Where, in characters from the text's start.</summary>
    public int Start { get; } = start;
}
