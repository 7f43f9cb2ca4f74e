using System.Globalization;
using System.Text;

namespace Lathe.Kernels.Llvm.Printing;

/// <summary>
/// Writes the body of one function, instruction by instruction. What changes is memory on the stack here, which LLVM's pass <c>mem2reg</c> turns into
/// registers, so that no printer has to place a phi for it.
/// </summary>
internal sealed class FunctionWriter(ModuleWriter module)
{
    private readonly StringBuilder _entry = new(), _body = new();
    private int _next;

    /// <summary>The module around.</summary>
    public ModuleWriter Module => module;

    /// <summary>The label of the block that is written to.</summary>
    public string Block { get; private set; } = "entry";

    /// <summary>A name that nothing else in the function has.</summary>
    public string Name(string stem) => string.Create(CultureInfo.InvariantCulture, $"{(IsName(stem) ? stem : "t")}.{_next++}");

    /// <summary>An instruction with a result.</summary>
    /// <returns>The name of the result.</returns>
    public string Value(string instruction, string stem = "t")
    {
        string name = "%" + Name(stem);
        Do($"{name} = {instruction}");
        return name;
    }

    /// <summary>An instruction without a result.</summary>
    public void Do(string instruction) => _body.Append("  ").Append(instruction).Append('\n');

    /// <summary>A comment of one line or several.</summary>
    public void Note(string text) => _body.Append(Comment(text, "  "));

    /// <summary>A text as comments, whatever ends its lines.</summary>
    public static string Comment(string text, string indent = "") => string.Concat(text.Split('\n', '\r').Where(line => line.Length > 0).Select(line => $"{indent}; {line}\n"));

    /// <summary>True if a text can be a name as it is.</summary>
    public static bool IsName(string text) => text.Length > 0 && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '.');

    /// <summary>A place on the stack that lives as long as the call.</summary>
    public string Place(string type, string stem)
    {
        string name = "%" + Name(stem);
        _entry.Append("  ").Append(name).Append(" = alloca ").Append(type).Append('\n');
        return name;
    }

    /// <summary>Ends the block with an unconditional branch.</summary>
    public void Jump(string label) => Do($"br label %{label}");

    /// <summary>Ends the block with a conditional branch.</summary>
    public void Branch(string condition, string then, string otherwise) => Do($"br i1 {condition}, label %{then}, label %{otherwise}");

    /// <summary>Begins a block.</summary>
    public void Begin(string label)
    {
        _body.Append(label).Append(":\n");
        Block = label;
    }

    /// <summary>A call of an intrinsic.</summary>
    public string Call(string result, string intrinsic, params ReadOnlySpan<(string Type, string Value)> arguments)
    {
        List<string> types = [], values = [];
        foreach ((string type, string value) in arguments)
        {
            types.Add(type);
            values.Add($"{type} {value}");
        }

        module.Declare(result, intrinsic, types);
        string call = $"call {result} @{intrinsic}({string.Join(", ", values)})";
        if (result != "void") return Value(call);
        Do(call);
        return "";
    }

    /// <summary>A value in all lanes.</summary>
    public string Splat(string scalar, string value, int lanes)
    {
        string vector = IrType.WithLanes(scalar, lanes), count = lanes.ToString(CultureInfo.InvariantCulture);
        string first = Value($"insertelement {vector} undef, {scalar} {value}, i32 0");
        return Value($"shufflevector {vector} {first}, {vector} undef, <{count} x i32> zeroinitializer");
    }

    /// <summary>A vector of constants, or the constant itself for one lane.</summary>
    public static string Constants(string scalar, int lanes, Func<int, string> lane) =>
        lanes == 1 ? lane(0) : $"<{string.Join(", ", Enumerable.Range(0, lanes).Select(i => $"{scalar} {lane(i)}"))}>";

    /// <summary>The lanes of two vectors that a pattern names.</summary>
    public string Shuffle(string scalar, int lanes, string a, string b, IReadOnlyList<int> pattern)
    {
        string vector = IrType.WithLanes(scalar, lanes);
        string mask = string.Join(", ", pattern.Select(p => p < 0 ? "i32 undef" : "i32 " + p.ToString(CultureInfo.InvariantCulture)));
        return Value($"shufflevector {vector} {a}, {vector} {b}, {IrType.WithLanes("i32", pattern.Count)} <{mask}>");
    }

    /// <summary>One of two values, each made in a block of its own: only the chosen one is computed.</summary>
    public string Choose(string condition, string type, Func<string> then, Func<string> otherwise)
    {
        string left = Name("then"), right = Name("else"), end = Name("end");
        Branch(condition, left, right);
        Begin(left);
        string a = then(), fromA = Block;
        Jump(end);
        Begin(right);
        string b = otherwise(), fromB = Block;
        Jump(end);
        Begin(end);
        return Value($"phi {type} [ {a}, %{fromA} ], [ {b}, %{fromB} ]");
    }

    /// <summary>The blocks, without the function's head.</summary>
    public override string ToString() => $"entry:\n{_entry}{_body}";
}
