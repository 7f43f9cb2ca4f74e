using System.Globalization;
using System.Text;
using Lathe.Runtime.Native;

namespace Lathe.Kernels.Llvm.Printing;

/// <summary>What the functions of a module share: declarations, and the table of functions that the runtime fills in when it maps the code.</summary>
internal sealed class ModuleWriter
{
    /// <summary>The name of the table and of its section.</summary>
    public const string ImportTable = "lathe.functions", ImportSection = ".lathe.functions";

    private readonly StringBuilder _functions = new();
    private readonly SortedSet<string> _declarations = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, string> _helpers = new(StringComparer.Ordinal);
    private bool _imports;

    /// <summary>Declares an intrinsic.</summary>
    public void Declare(string result, string name, IEnumerable<string> parameters) => _declarations.Add($"declare {result} @{name}({string.Join(", ", parameters)})");

    /// <summary>Adds a function that kernels call, once.</summary>
    public void Help(string name, Func<string> text)
    {
        if (!_helpers.ContainsKey(name)) _helpers[name] = text();
    }

    /// <summary>The place of a function of <see cref="MathFunctions"/> in the table.</summary>
    public string Import(string function)
    {
        int number = MathFunctions.Names.ToList().IndexOf(function);
        if (number < 0) throw new NotSupportedException($"The runtime has no function {function}.");
        _imports = true;
        return string.Create(CultureInfo.InvariantCulture, $"getelementptr (ptr, ptr @{ImportTable}, i64 {number})");
    }

    /// <summary>Adds a function.</summary>
    public void Add(string function) => _functions.Append(function).Append('\n');

    /// <inheritdoc/>
    public override string ToString()
    {
        StringBuilder text = new();
        text.Append("target triple = \"x86_64-unknown-linux-gnu\"\n\n");
        // Not constant: no optimisation may know what is in it before it is mapped.
        if (_imports)
            text.Append(CultureInfo.InvariantCulture, $"@{ImportTable} = hidden externally_initialized global [{MathFunctions.Names.Count} x ptr] zeroinitializer, section \"{ImportSection}\", align 8\n\n");
        text.Append(_functions);
        foreach (string helper in _helpers.Values) text.Append(helper).Append('\n');
        foreach (string declaration in _declarations) text.Append(declaration).Append('\n');
        // What a store that bypasses the caches refers to.
        text.Append("\n!0 = !{i32 1}\n");
        return text.ToString();
    }
}
