using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Quantization;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Rules.Quantization;

/// <summary>
/// f(x) → table(x), or x itself where f changes nothing, where bytes are computed of bytes element by element, and of nothing else: quantise(sigmoid(dequantise(x))) say, or a product of x and its sigmoid. The table
/// has what the operators mean, to the bit. What is computed in less time than it takes to look up stays as it is, and is fused with what makes its bytes.
/// </summary>
public static class FunctionOfByte
{
    /// <summary>How many operators are looked at: no network has so many between bytes.</summary>
    private const int MostOperators = 64;

    // What an element takes in vectors of 16 floats, as measured: an arithmetic operation, a division or a square root, a function such as e^x; and a load from a table.
    private const int Arithmetic = 2, Division = 10, Function = 40, Lookup = 60;

    /// <summary>Applies the rule.</summary>
    public static Value? TryRewrite(Node node, Rewriting g)
    {
        if (node.Op is TableOfBytes || node.OutputTypes.Length != 1 || !IsOfByte(node[0])) return null;
        if (SourceOf(node, []) is not { } x || x.Constant is not null || x.Type.Dims != node.OutputTypes[0].Dims) return null;
        TensorData table = Table(node[0], x);
        // Bytes as they are: pixels whose mean and scale are those of the quantisation.
        if (table.Element == x.Type.Element && Enumerable.Range(0, table.Count).All(i => table.GetInt64(i) == Least(x) + i)) return x;
        HashSet<Node> between = [];
        Collect(node);
        return between.Sum(Cost) < Lookup ? null : g.Add(new TableOfBytes(), x, g.Constant(table));

        void Collect(Node inner)
        {
            if (!between.Add(inner)) return;
            foreach (Value input in inner.Inputs)
                if (!input.IsNone && input.Constant is null && input != x) Collect(input.Node);
        }
    }

    /// <summary>The bytes that a value is a function of, element by element; null if there are none or several.</summary>
    /// <param name="node">What makes the value.</param>
    /// <param name="sources">What is known by now, failures included.</param>
    private static Value? SourceOf(Node node, Dictionary<Node, Value?> sources)
    {
        if (sources.TryGetValue(node, out Value? known)) return known;
        if (sources.Count == MostOperators) return null;
        sources[node] = null;
        if (node.Op.Role != OpRole.Elementwise || node.OutputTypes.Length != 1 || !node.Op.IsDeterministic) return null;
        Value? source = null;
        for (int i = 0; i < node.Inputs.Length; i++)
        {
            Value input = node.Inputs[i];
            if (input.IsNone || input.Constant is { Count: 1 } || IsTable(node, i)) continue;
            Value? found = SourceOf(input.Node, sources) ?? (IsOfByte(input) ? input : null);
            if (found is null || (source is { } other && other != found)) return null;
            source = found;
        }

        return sources[node] = source;
    }

    private static bool IsTable(Node node, int input) => node.Op is TableOfBytes && input == 1;

    private static int Cost(Node node)
    {
        if (node.Op is TableOfBytes) return Lookup;
        LowerContext context = new([.. node.Inputs.Select(v => v.IsNone ? null : v.Type)], node.OutputTypes, 0, "", null, (input, _) => new Var($"x{input}", node.Inputs[input].Type.Element));
        return ExprWalk.All(node.Op.Lower(context)!.Passes[0].Result).Sum(e => e switch
        {
            Binary { Op: BinaryOp.Power or BinaryOp.Remainder } or Unary { Op: > UnaryOp.Truncate and not UnaryOp.IsNaN } => Function,
            Binary { Op: BinaryOp.Divide } or Unary { Op: UnaryOp.Sqrt } => Division,
            Binary or Unary or Select => Arithmetic,
            _ => 0,
        });
    }

    /// <summary>What a value is for every byte.</summary>
    private static TensorData Table(Value value, Value source)
    {
        TensorData bytes = TensorData.Zeros(source.Type.Element, [TableOfBytes.Entries]);
        for (int i = 0; i < bytes.Count; i++) bytes.SetInt64(i, Least(source) + i);
        Dictionary<Value, TensorData> known = new() { [source] = bytes };
        return Of(value);

        TensorData Of(Value v)
        {
            if (known.TryGetValue(v, out TensorData? data)) return data;
            if (v.Constant is { } constant) return constant.Count == 1 ? constant.Reshape([]) : constant;
            TensorType type = TensorType.Of(v.Type.Element, TableOfBytes.Entries);
            return known[v] = v.Op.Evaluate([.. v.Node.Inputs.Select(input => input.IsNone ? null : Of(input))], [type])[0];
        }
    }

    private static long Least(Value bytes) => (long)Elements.Lowest(bytes.Type.Element).Integer;

    private static bool IsOfByte(Value value) => value.Type.Element is ElementType.UInt8 or ElementType.Int8;
}
