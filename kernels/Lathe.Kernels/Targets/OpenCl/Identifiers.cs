namespace Lathe.Kernels.Targets.OpenCl;

/// <summary>Writes the names of a program as identifiers of OpenCL C.</summary>
internal static class Identifiers
{
    /// <summary>Keywords, types, and the built-in functions that kernels call: a local of that name would hide them.</summary>
    private static readonly HashSet<string> Taken = new(
        [
            .. ("auto bool break case char complex const constant continue default do double else enum extern false float for generic global goto half if image1d_t imaginary inline int " +
                "kernel local long main pipe private quad read_only read_write register restrict return short signed sizeof static struct switch true typedef uchar uint ulong uniform union " +
                "unsigned ushort void volatile write_only event_t sampler_t size_t ptrdiff_t intptr_t uintptr_t NAN INFINITY M_PI " +
                "acos acosh asin asinh atan atanh ceil clamp cos cosh erf exp fabs floor fma fmod isnan log max min pow prefetch rint select sin sinh sqrt tan tanh trunc abs mad mul_hi dot " +
                "from to scratch slice").Split(' '),
        ],
        StringComparer.Ordinal);

    private static readonly HashSet<string> Elements = new(["char", "uchar", "short", "ushort", "int", "uint", "long", "ulong", "half", "float", "double", "bool"], StringComparer.Ordinal);

    /// <summary>The local that holds a named dim: the name is the model's, and may be that of a parameter or buffer too.</summary>
    /// <exception cref="ArgumentException">It has characters that no identifier has.</exception>
    public static string OfDim(string name) => "dim_" + Plain(name);

    /// <summary>The name, with a line below where it means something else.</summary>
    /// <exception cref="ArgumentException">It has characters that no identifier has.</exception>
    public static string Of(string name)
    {
        // Vector types, such as float4, and conversions of them follow from types by digits and prefixes.
        bool isTaken = Taken.Contains(name) || Elements.Contains(name.TrimEnd("0123456789".ToCharArray())) || name.StartsWith('_')
            || name.StartsWith("as_", StringComparison.Ordinal) || name.StartsWith("convert_", StringComparison.Ordinal) || name.StartsWith("get_", StringComparison.Ordinal)
            || name.StartsWith("vload", StringComparison.Ordinal) || name.StartsWith("vstore", StringComparison.Ordinal);
        return isTaken ? Plain(name) + "_" : Plain(name);
    }

    /// <summary>The name as it is, for what has an ending of its own.</summary>
    /// <exception cref="ArgumentException">It has characters that no identifier has.</exception>
    public static string Plain(string name) => name.Length > 0 && !char.IsAsciiDigit(name[0]) && name.All(c => char.IsAsciiLetterOrDigit(c) || c == '_')
        ? name
        : throw new ArgumentException($"'{name}' is no identifier.", nameof(name));
}
