using System.Globalization;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Kernels.Targets.OpenCl;

/// <summary>
/// Prints one kernel as two functions: the program itself by the ABI of all targets, whose parameters say that no two buffers overlap of which one is written, and what a device launches,
/// which takes the buffers apart and gives each work-item its slice.
/// </summary>
internal sealed class KernelPrinter
{
    private readonly Kernel _kernel;
    private readonly CodeWriter _writer;
    private readonly ExpressionPrinter _expressions;
    private readonly Dictionary<string, ElementType> _elements = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _qualifiers = new(StringComparer.Ordinal);
    private readonly HashSet<string> _undeclared = new(StringComparer.Ordinal);
    private readonly Dictionary<string, VectorType> _locals = new(StringComparer.Ordinal);
    private IndexExpr _scratch = IndexExpr.Zero;

    public KernelPrinter(Kernel kernel, int width, CodeWriter writer, ISet<string> used)
    {
        _kernel = kernel;
        _writer = writer;
        _expressions = new ExpressionPrinter(width, _elements, kernel.Dims.Items.Select(dim => dim.Name).ToHashSet(StringComparer.Ordinal), used);
    }

    public void Print()
    {
        List<string> parameters = [], arguments = [], entry = [];
        for (int i = 0; i < _kernel.Parameters.Length; i++)
        {
            Parameter parameter = _kernel.Parameters[i];
            _elements[parameter.Name] = parameter.Element;
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

    /// <summary>Text from a model in a comment of one line: what would go on in the next one is cut.</summary>
    private static string Comment(string line) => line.TrimEnd('\r').TrimEnd('\\');

    private void Statements(Statement body)
    {
        switch (body)
        {
            case Sequence sequence:
                for (int i = 0; i < sequence.Statements.Length; i++)
                {
                    Statements(sequence.Statements[i]);
                    if (sequence.Statements[i] is Local local) Declare(local, sequence.Statements.Items.Skip(i + 1));
                }

                break;
            case Note s:
                foreach (string line in s.Text.Split('\n')) _writer.Line("// " + Comment(line));
                break;
            case For s:
                string name = Identifiers.Of(s.Variable.Name);
                (string lo, string hi) = s.Kind switch
                {
                    LoopKind.Parallel => ("from", "to"),
                    LoopKind.Serial => (_expressions.Index(s.Lo), _expressions.Index(s.Hi)),
                    _ => throw new InvalidOperationException($"The loop '{s.Variable}' is {s.Kind}, which is not of the final dialect."),
                };
                _writer.Open($"for (long {name} = {lo}; {name} < {hi}; {name}++)");
                Statements(s.Body);
                _writer.Close();
                break;
            case If s:
                _writer.Open($"if ({_expressions.Top(s.Condition)})");
                Statements(s.Then);
                _writer.Close();
                if (s.Else is null) break;
                _writer.Open("else");
                Statements(s.Else);
                _writer.Close();
                break;
            case Let s:
                _locals[s.Name] = s.Value.Type;
                _writer.Line($"{Types.Of(s.Value.Type)} {Identifiers.Of(s.Name)} = {_expressions.Top(s.Value)};");
                break;
            case LetIndex s:
                _writer.Line($"long {Identifiers.Of(s.Variable.Name)} = {_expressions.Index(s.Value)};");
                break;
            case Local s:
                _locals[s.Name] = s.Type;
                break;
            case Assign s:
                string declared = _undeclared.Remove(s.Name) ? Types.Of(_locals[s.Name]) + " " : "";
                _writer.Line($"{declared}{Identifiers.Of(s.Name)} = {_expressions.Top(s.Value)};");
                break;
            case Pointer s:
                ElementType element = _elements[s.Buffer];
                _elements[s.Name] = element;
                _qualifiers[s.Name] = _qualifiers[s.Buffer];
                _writer.Line($"__global {_qualifiers[s.Buffer]}{Types.Memory(element)}* {Identifiers.Of(s.Name)} = {_expressions.Address(s.Buffer, s.Offset)};");
                break;
            case Alloc { Scope: MemoryScope.Thread } s:
                _elements[s.Name] = s.Element;
                _qualifiers[s.Name] = "";
                string memory = $"__global {Types.Memory(s.Element)}*";
                string at = _scratch == IndexExpr.Zero ? "scratch" : $"(scratch + {_expressions.Index(_scratch, true)})";
                _writer.Line($"{memory} {Identifiers.Of(s.Name)} = ({memory}){at};");
                IndexExpr before = _scratch;
                _scratch = ScratchMemory.After(_scratch, s);
                Statements(s.Body);
                _scratch = before;
                break;
            case Store s:
                _writer.Line(_expressions.Store(s));
                break;
            case TransposeBlock s:
                _writer.Line(_expressions.Transpose(s));
                break;
            case Prefetch s:
                _writer.Line($"prefetch({_expressions.Address(s.Buffer, s.Index)}, 1);");
                break;
            case Fail:
                throw new NotSupportedException("A kernel on a device has nobody who waits for its error code.");
            default:
                throw new InvalidOperationException($"A {body.GetType().Name} is not of the final dialect of a CPU.");
        }
    }

    /// <summary>A local is declared by its first assignment, but on its own where that stands in an inner block.</summary>
    private void Declare(Local local, IEnumerable<Statement> following)
    {
        Statement? first = following.FirstOrDefault(s => StatementWalk.All(s).OfType<Assign>().Any(a => a.Name == local.Name));
        if (first is Assign) _undeclared.Add(local.Name);
        else if (first is not null) _writer.Line($"{Types.Of(local.Type)} {Identifiers.Of(local.Name)} = 0;");
    }
}
