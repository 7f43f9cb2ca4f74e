using System.Globalization;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Kernels.Targets.OpenCl;

/// <summary>
/// Prints one kernel as two functions: the program itself by the ABI of all targets, whose parameters say that no two buffers overlap of which one is written, and what a device launches,
/// which takes the buffers apart and gives each work-item its slice.
/// </summary>
internal sealed class KernelPrinter : StatementText
{
    private readonly Kernel _kernel;
    private readonly CodeWriter _writer;
    private readonly ExpressionPrinter _expressions;
    private readonly Dictionary<string, string> _qualifiers = new(StringComparer.Ordinal);

    public KernelPrinter(Kernel kernel, int width, CodeWriter writer, ISet<string> used)
        : base(writer, "long", "0")
    {
        _kernel = kernel;
        _writer = writer;
        _expressions = new ExpressionPrinter(width, Elements, kernel.Dims.Items.Select(dim => dim.Name).ToHashSet(StringComparer.Ordinal), used);
    }

    /// <inheritdoc/>
    protected override ExpressionText Expressions => _expressions;

    public void Print()
    {
        List<string> parameters = [], arguments = [], entry = [];
        for (int i = 0; i < _kernel.Parameters.Length; i++)
        {
            Parameter parameter = _kernel.Parameters[i];
            Elements[parameter.Name] = parameter.Element;
            _qualifiers[parameter.Name] = parameter.Written ? "" : "const ";
            string pointer = $"__global {_qualifiers[parameter.Name]}{Types.Memory(parameter.Element)}*";
            parameters.Add($"{pointer} restrict {Identifiers.Of(parameter.Name)}");
            arguments.Add($"({pointer})(memory{Number(i)} + offset{Number(i)})");
            entry.Add($"__global {_qualifiers[parameter.Name]}char* memory{Number(i)}, ulong offset{Number(i)}");
        }

        foreach (IndexVar dim in _kernel.Dims)
        {
            string name = Identifiers.OfDim(dim.Name);
            parameters.Add($"long {name}");
            arguments.Add(name);
            entry.Add($"long {name}");
        }

        foreach (string line in _kernel.Summary.Split('\n')) _writer.Line($"// {Comment(line)}");
        string kernelName = Identifiers.Plain(_kernel.Name);
        _writer.Open($"static inline void {kernelName}_slice({string.Join(", ", [.. parameters, "long from", "long to", "__global char* restrict scratch"])})");
        Statements(_kernel.Body);
        _writer.Close();
        _writer.Line();
        // Of one size, so that a compiled program needs no other form of a kernel.
        _writer.Line("__kernel __attribute__((reqd_work_group_size(1, 1, 1)))");
        _writer.Open($"void {kernelName}{OpenClPrinter.KernelEnding}({string.Join(", ", [.. entry, "long from", "long to", "long slice", "__global char* scratch", "ulong scratch_bytes"])})");
        _writer.Line("long item = get_global_id(0), begin = from + item * slice, end = min(begin + slice, to);");
        _writer.Line($"{kernelName}_slice({string.Join(", ", [.. arguments, "begin", "end", "scratch + item * scratch_bytes"])});");
        _writer.Close();
    }

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);

    /// <inheritdoc/>
    /// <remarks>Text from a model: what would go on in the next line is cut.</remarks>
    protected override string Comment(string line) => line.TrimEnd('\r').TrimEnd('\\');

    /// <inheritdoc/>
    protected override string Line(Statement statement) => statement switch
    {
        Store s => _expressions.Store(s),
        TransposeBlock s => _expressions.Transpose(s),
        Prefetch s => $"prefetch({_expressions.Address(s.Buffer, s.Index)}, 1);",
        _ => throw new NotSupportedException("A kernel on a device has nobody who waits for its error code."),
    };

    /// <inheritdoc/>
    protected override string TypeOf(VectorType type) => Types.Of(type);

    /// <inheritdoc/>
    protected override string PointerInto(string? buffer, string name)
    {
        _qualifiers[name] = buffer is null ? "" : _qualifiers[buffer];
        return $"__global {_qualifiers[name]}{Types.Memory(Elements[name])}*";
    }

    /// <inheritdoc/>
    protected override string NameOf(string name) => Identifiers.Of(name);
}
