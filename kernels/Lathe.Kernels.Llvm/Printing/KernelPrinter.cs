using System.Globalization;
using Lathe.Kernels.Loops;
using Lathe.Kernels.Targets;

namespace Lathe.Kernels.Llvm.Printing;

/// <summary>
/// Prints one kernel as two functions: what the runtime calls, which takes the buffers apart, and the program itself, whose parameters say that no two
/// buffers overlap of which one is written.
/// </summary>
internal sealed class KernelPrinter
{
    private readonly Kernel _kernel;
    private readonly int _lanes;
    private readonly string _attributes;
    private readonly FunctionWriter _writer;
    private readonly PlaceNames _names = new();
    private readonly IndexPrinter _indices;
    private readonly ExpressionPrinter _expressions;
    private IndexExpr _scratch = IndexExpr.Zero;

    public KernelPrinter(Kernel kernel, Machine machine, CpuLevel level, ModuleWriter module)
    {
        if (!FunctionWriter.IsName(kernel.Name)) throw new ArgumentException($"'{kernel.Name}' is no identifier.", nameof(kernel));
        _kernel = kernel;
        _lanes = machine.Lanes;
        _attributes = string.Create(CultureInfo.InvariantCulture, $"nounwind \"no-builtins\" \"min-legal-vector-width\"=\"{machine.VectorBytes * 8}\"");
        _writer = new FunctionWriter(module);
        _indices = new IndexPrinter(_writer, _names.IndexOf);
        _expressions = new ExpressionPrinter(_writer, _indices, _names, level.HasVnni);
    }

    public void Print()
    {
        List<string> parameters = [];
        for (int i = 0; i < _kernel.Parameters.Length; i++)
        {
            string name = $"%buffer{Number(i)}";
            parameters.Add($"ptr noalias {name}");
            _names.SetBuffer(_kernel.Parameters[i].Name, name, _kernel.Parameters[i].Element);
        }

        for (int i = 0; i < _kernel.Dims.Length; i++)
        {
            parameters.Add($"i64 %dim{Number(i)}");
            _names.SetIndex(_kernel.Dims[i].Name, $"%dim{Number(i)}");
        }

        _names.SetIndex(Kernel.From.Name, "%from");
        _names.SetIndex(Kernel.To.Name, "%to");
        parameters.AddRange(["i64 %from", "i64 %to", "ptr noalias %scratch"]);
        Statement(_kernel.Body);
        _writer.Do("ret i32 0");
        _writer.Module.Add($"{FunctionWriter.Comment(_kernel.Summary)}define internal i32 @{_kernel.Name}.body({string.Join(", ", parameters)}) {_attributes} {{\n{_writer}}}\n");
        _writer.Module.Add(Entry());
    }

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);

    private string Entry()
    {
        FunctionWriter writer = new(_writer.Module);
        List<string> arguments = [];
        for (int i = 0; i < _kernel.Parameters.Length; i++)
            arguments.Add("ptr " + writer.Value($"load ptr, ptr {writer.Value($"getelementptr ptr, ptr %buffers, i64 {Number(i)}")}, align 8"));
        for (int i = 0; i < _kernel.Dims.Length; i++)
            arguments.Add("i64 " + writer.Value($"load i64, ptr {writer.Value($"getelementptr i64, ptr %dims, i64 {Number(i)}")}, align 8"));
        arguments.AddRange(["i64 %from", "i64 %to", "ptr %scratch"]);
        writer.Do($"ret i32 {writer.Value($"call i32 @{_kernel.Name}.body({string.Join(", ", arguments)})")}");
        return $"define hidden i32 @{_kernel.Name}(ptr %buffers, ptr %dims, i64 %from, i64 %to, ptr %scratch) {_attributes} {{\n{writer}}}\n";
    }

    private void Statement(Statement statement)
    {
        switch (statement)
        {
            case Sequence s:
                foreach (Statement inner in s.Statements) Statement(inner);
                break;
            case Note s:
                _writer.Note(s.Text);
                break;
            case For s:
                Loop(s);
                break;
            case If s:
                Branch(s);
                break;
            case Let s:
                // Vectors are read where the program says: code generation would bring those together that lie together, and take registers for them that the tile needs.
                if (s.Value is Load { Type.Lanes: > 1 }) _expressions.Barrier();
                _names.SetValue(s.Name, _expressions.Print(s.Value));
                break;
            case LetIndex s:
                _names.SetIndex(s.Variable.Name, _indices.Print(s.Value));
                break;
            case Local s:
                _names.SetPlace(s.Name, _writer.Place(IrType.Of(s.Type), s.Name));
                break;
            case Assign s:
                string value = _expressions.Print(s.Value);
                _writer.Do($"store {IrType.Of(s.Value.Type)} {value}, ptr {_names.ValueOf(s.Name).Text}");
                break;
            case Pointer s:
                _names.SetBuffer(s.Name, _expressions.Address(s.Buffer, s.Offset), _names.BufferOf(s.Buffer).Element);
                break;
            case Alloc { Scope: MemoryScope.Thread } s:
                _names.SetBuffer(s.Name, _scratch == IndexExpr.Zero ? "%scratch" : _writer.Value($"getelementptr i8, ptr %scratch, i64 {_indices.Print(_scratch)}"), s.Element);
                IndexExpr before = _scratch;
                _scratch = ScratchMemory.After(_scratch, s);
                Statement(s.Body);
                _scratch = before;
                break;
            case Store s:
                _expressions.Store(s);
                break;
            case TransposeBlock s:
                new TransposePrinter(_writer).Print(
                    _expressions.Address(s.To, s.ToIndex), _indices.Print(s.ToStride), _expressions.Address(s.From, s.FromIndex), _indices.Print(s.FromStride), (int)s.Rows, (int)s.Columns, _lanes);
                break;
            case Prefetch s:
                _writer.Call("void", "llvm.prefetch.p0", ("ptr", _expressions.Address(s.Buffer, s.Index)), ("i32", "0"), ("i32", "3"), ("i32", "1"));
                break;
            case Fail s:
                _writer.Do($"ret i32 {Number(s.Code)}");
                // Nothing reaches what follows.
                _writer.Begin(_writer.Name("after"));
                break;
            default:
                throw new InvalidOperationException($"A {statement.GetType().Name} is not of the final dialect of a CPU.");
        }
    }

    /// <summary>The condition stands at the end, as the code generator's own loops have it.</summary>
    private void Loop(For loop)
    {
        (string lo, string hi) = loop.Kind switch
        {
            LoopKind.Parallel => ("%from", "%to"),
            LoopKind.Serial => (_indices.Print(loop.Lo), _indices.Print(loop.Hi)),
            _ => throw new InvalidOperationException($"The loop '{loop.Variable}' is {loop.Kind}, which is not of the final dialect."),
        };
        string body = _writer.Name("loop"), step = _writer.Name("step"), end = _writer.Name("end"), next = "%" + _writer.Name("next"), before = _writer.Block;
        _writer.Branch(_writer.Value($"icmp slt i64 {lo}, {hi}"), body, end);
        _writer.Begin(body);
        string variable = _writer.Value($"phi i64 [ {lo}, %{before} ], [ {next}, %{step} ]", loop.Variable.Name);
        _names.SetIndex(loop.Variable.Name, variable);
        Statement(loop.Body);
        _writer.Jump(step);
        _writer.Begin(step);
        _writer.Do($"{next} = add nsw i64 {variable}, 1");
        _writer.Branch(_writer.Value($"icmp slt i64 {next}, {hi}"), body, end);
        _writer.Begin(end);
    }

    private void Branch(If choice)
    {
        string condition = _expressions.Print(choice.Condition);
        if (choice.Else is null)
        {
            _expressions.If(condition, () => Statement(choice.Then));
            return;
        }

        string then = _writer.Name("then"), otherwise = _writer.Name("else"), end = _writer.Name("end");
        _writer.Branch(condition, then, otherwise);
        _writer.Begin(then);
        Statement(choice.Then);
        _writer.Jump(end);
        _writer.Begin(otherwise);
        Statement(choice.Else);
        _writer.Jump(end);
        _writer.Begin(end);
    }
}
