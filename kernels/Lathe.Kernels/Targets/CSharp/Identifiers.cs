namespace Lathe.Kernels.Targets.CSharp;

/// <summary>Writes the names of a program as C# identifiers.</summary>
internal static class Identifiers
{
    private static readonly HashSet<string> Keywords = new(
        [
            .. ("abstract as base bool break byte case catch char checked class const continue decimal default delegate do double else enum event " +
                "explicit extern false finally fixed float for foreach goto if implicit in int interface internal is lock long namespace new null " +
                "object operator out override params private protected public readonly ref return sbyte sealed short sizeof stackalloc static string " +
                "struct switch this throw true try typeof uint ulong unchecked unsafe ushort using virtual void volatile while nint nuint").Split(' '),
        ],
        StringComparer.Ordinal);

    /// <summary>The local that holds a named dim: the name is the model's, and may be that of a parameter or buffer too.</summary>
    /// <exception cref="ArgumentException">It has characters that no identifier has.</exception>
    public static string OfDim(string name) => "dim_" + Of(name).TrimStart('@');

    /// <summary>The name, escaped where it is a keyword.</summary>
    /// <exception cref="ArgumentException">It has characters that no identifier has.</exception>
    public static string Of(string name)
    {
        if (name.Length == 0 || char.IsAsciiDigit(name[0]) || !name.All(c => char.IsAsciiLetterOrDigit(c) || c == '_'))
            throw new ArgumentException($"'{name}' is no identifier.", nameof(name));
        return Keywords.Contains(name) ? "@" + name : name;
    }
}
