using System.Globalization;
using Lathe.Kernels.Loops;

namespace Lathe.Kernels.Passes;

/// <summary>Gives every name of a kernel once.</summary>
internal sealed class Names
{
    private readonly HashSet<string> _taken = new(StringComparer.Ordinal) { "buffers", "dims", "from", "to", "scratch" };
    private readonly Dictionary<string, int> _counts = new(StringComparer.Ordinal);

    /// <summary>The names that a kernel uses.</summary>
    public static Names In(Kernel kernel)
    {
        Names names = new();
        foreach (Parameter parameter in kernel.Parameters) names.Reserve(parameter.Name);
        foreach (IndexVar dim in kernel.Dims) names.Reserve(dim.Name);
        foreach (Statement statement in StatementWalk.All(kernel.Body))
        {
            string? name = statement switch
            {
                For s => s.Variable.Name,
                Let s => s.Name,
                LetIndex s => s.Variable.Name,
                Local s => s.Name,
                Pointer s => s.Name,
                Alloc s => s.Name,
                Table s => s.Name,
                _ => null,
            };
            if (name is not null) names.Reserve(name);
        }

        return names;
    }

    public void Reserve(string name) => _taken.Add(name);

    /// <summary>The name itself, or with a number if it is taken.</summary>
    public string Unique(string wanted) => _taken.Add(wanted) ? wanted : Next(wanted + "_");

    /// <summary>The name with the next number that is free.</summary>
    public string Next(string prefix)
    {
        int count = _counts.GetValueOrDefault(prefix);
        string name;
        do name = prefix + (++count).ToString(CultureInfo.InvariantCulture);
        while (!_taken.Add(name));
        _counts[prefix] = count;
        return name;
    }
}
