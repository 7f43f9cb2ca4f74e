using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Kernels.Targets;

/// <summary>Prints the statements of a kernel in a language like C. Locals are declared where they are first assigned; scratch memory is one block, which they divide.</summary>
/// <param name="writer">Where the text goes.</param>
/// <param name="indexType">The type of loop variables and indices.</param>
/// <param name="zero">What a local starts with that is not assigned where it is declared.</param>
internal abstract class StatementText(CodeWriter writer, string indexType, string zero)
{
    private readonly HashSet<string> _undeclared = new(StringComparer.Ordinal);

    /// <summary>The element types of buffers and of pointers into them.</summary>
    protected Dictionary<string, ElementType> Elements { get; } = new(StringComparer.Ordinal);

    /// <summary>The types of values that have names.</summary>
    protected Dictionary<string, VectorType> Locals { get; } = new(StringComparer.Ordinal);

    /// <summary>How much scratch memory those around the statement take.</summary>
    protected IndexExpr Scratch { get; set; } = IndexExpr.Zero;

    /// <summary>Prints expressions.</summary>
    protected abstract ExpressionText Expressions { get; }

    /// <summary>Prints a statement of the final dialect.</summary>
    protected virtual void Statements(Statement body)
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
                foreach (string line in s.Text.Split('\n')) writer.Line("// " + Comment(line));
                break;
            case For s:
                string name = NameOf(s.Variable.Name);
                (string lo, string hi) = s.Kind switch
                {
                    LoopKind.Parallel => ("from", "to"),
                    LoopKind.Serial => (Expressions.Index(s.Lo), Expressions.Index(s.Hi)),
                    _ => throw new InvalidOperationException($"The loop '{s.Variable}' is {s.Kind}, which is not of the final dialect."),
                };
                writer.Open($"for ({indexType} {name} = {lo}; {name} < {hi}; {name}++)");
                Statements(s.Body);
                writer.Close();
                break;
            case If s:
                writer.Open($"if ({Expressions.Top(s.Condition)})");
                Statements(s.Then);
                writer.Close();
                if (s.Else is null) break;
                writer.Open("else");
                Statements(s.Else);
                writer.Close();
                break;
            case Let s:
                Locals[s.Name] = s.Value.Type;
                writer.Line($"{TypeOf(s.Value.Type)} {NameOf(s.Name)} = {Expressions.Top(s.Value)};");
                break;
            case LetIndex s:
                writer.Line($"{indexType} {NameOf(s.Variable.Name)} = {Expressions.Index(s.Value)};");
                break;
            case Local s:
                Locals[s.Name] = s.Type;
                break;
            case Assign s:
                string declared = _undeclared.Remove(s.Name) ? TypeOf(Locals[s.Name]) + " " : "";
                writer.Line($"{declared}{NameOf(s.Name)} = {Expressions.Top(s.Value)};");
                break;
            case Pointer s:
                Elements[s.Name] = Elements[s.Buffer];
                writer.Line($"{PointerInto(s.Buffer, s.Name)} {NameOf(s.Name)} = {Expressions.Address(s.Buffer, s.Offset)};");
                break;
            case Alloc { Scope: MemoryScope.Thread } s:
                Elements[s.Name] = s.Element;
                string pointer = PointerInto(null, s.Name);
                string at = Scratch == IndexExpr.Zero ? "scratch" : $"(scratch + {Expressions.Index(Scratch, true)})";
                writer.Line($"{pointer} {NameOf(s.Name)} = ({pointer}){at};");
                IndexExpr before = Scratch;
                Scratch = ScratchMemory.After(Scratch, s);
                Statements(s.Body);
                Scratch = before;
                break;
            case Store or TransposeBlock or Prefetch or Fail:
                writer.Line(Line(body));
                break;
            default:
                throw new InvalidOperationException($"A {body.GetType().Name} is not of the final dialect of a CPU.");
        }
    }

    /// <summary>The text of what moves data, or ends the kernel.</summary>
    protected abstract string Line(Statement statement);

    /// <summary>The type of a value.</summary>
    protected abstract string TypeOf(VectorType type);

    /// <summary>The type of a pointer of a name, into a buffer or, where that is null, into scratch memory.</summary>
    protected abstract string PointerInto(string? buffer, string name);

    /// <summary>The identifier of a name.</summary>
    protected abstract string NameOf(string name);

    /// <summary>A line of a comment.</summary>
    protected virtual string Comment(string line) => line.TrimEnd('\r');

    /// <summary>A local is declared by its first assignment, but on its own where that stands in an inner block.</summary>
    private void Declare(Local local, IEnumerable<Statement> following)
    {
        Statement? first = following.FirstOrDefault(s => StatementWalk.All(s).OfType<Assign>().Any(a => a.Name == local.Name));
        if (first is Assign) _undeclared.Add(local.Name);
        else if (first is not null) writer.Line($"{TypeOf(local.Type)} {NameOf(local.Name)} = {zero};");
    }
}
