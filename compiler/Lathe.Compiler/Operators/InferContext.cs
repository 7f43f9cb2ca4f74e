using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Graph;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators;

/// <summary>What <see cref="Op.Infer"/> reads and sets.</summary>
public sealed class InferContext(Op op, ImmutableArray<Value> inputs, string? node)
{
    private const int MaxDimText = 2000, MaxTerms = 2000;

    private readonly List<TensorType> _outputs = [];
    private readonly List<EquatableArray<IndexExpr>?> _contents = [];

    /// <summary>The inputs.</summary>
    public ImmutableArray<Value> Inputs => inputs;

    /// <summary>The output types set so far.</summary>
    public ImmutableArray<TensorType> Outputs => [.. _outputs];

    /// <summary>The outputs' known elements set so far.</summary>
    public ImmutableArray<EquatableArray<IndexExpr>?> Contents => [.. _contents];

    /// <summary>True if an optional input is given.</summary>
    public bool Has(int input) => input < inputs.Length && !inputs[input].IsNone;

    /// <summary>The type of an input.</summary>
    /// <exception cref="DiagnosticException">It is not given.</exception>
    public TensorType Type(int input)
    {
        if (!Has(input)) Fail($"input {input} is missing");
        return inputs[input].Type;
    }

    /// <summary>The type of an input of floats.</summary>
    /// <exception cref="DiagnosticException">It is not given or of other elements.</exception>
    public TensorType Float(int input) => Typed(input, ElementTypes.IsFloat, "floats");

    /// <summary>The type of an input of floats or integers.</summary>
    /// <exception cref="DiagnosticException">It is not given or of other elements.</exception>
    public TensorType Numeric(int input) => Typed(input, e => e.IsFloat() || e.IsInteger(), "numbers");

    /// <summary>The type of an input of integers.</summary>
    /// <exception cref="DiagnosticException">It is not given or of other elements.</exception>
    public TensorType Integer(int input) => Typed(input, ElementTypes.IsInteger, "integers");

    /// <summary>The elements of an integer input where they are known, as expressions over symbols; null otherwise.</summary>
    public EquatableArray<IndexExpr>? Content(int input) => Has(input) ? inputs[input].Contents : null;

    /// <summary>The elements of a constant input; null if it is absent or no constant.</summary>
    public TensorData? Constant(int input) => Has(input) ? inputs[input].Constant : null;

    /// <summary>Sets the next output.</summary>
    public void Output(TensorType type) => Output(type, null);

    /// <summary>Sets the next output.</summary>
    /// <param name="type">Its type.</param>
    /// <param name="content">Its elements, where they are known.</param>
    public void Output(TensorType type, EquatableArray<IndexExpr>? content)
    {
        // Sizes are never trusted: what cannot be held is refused where it arises. That holds for the text of a dim too, and for that of their product.
        double terms = 1;
        foreach (IndexExpr dim in type.Dims)
        {
            terms *= Math.Max(1, dim.Terms.Length);
            if (!dim.IsConstant && dim.ToString().Length > MaxDimText) throw new OverflowException("a dim is no expression of a reasonable size");
        }

        if (terms > MaxTerms) throw new OverflowException("the product of its dims is no expression of a reasonable size");
        IndexExpr bytes = type.Count * (type.Element == ElementType.String ? 1 : type.Element.Size());
        if (bytes.IsConstant && bytes.Value > 1L << 40) throw new OverflowException($"{type} takes {bytes.Value} bytes");
        foreach (IndexExpr dim in type.Dims)
            if (dim.Range.Max < 0) Fail($"a dim of its output is negative ({dim})");
        _outputs.Add(type);
        _contents.Add(KnownContents.Held(content, type.Element));
    }

    /// <summary>Sets the next output by element type and dims.</summary>
    public void Output(ElementType element, params ReadOnlySpan<IndexExpr> dims) => Output(new TensorType(element, EquatableArray.Create(dims)));

    /// <summary>Fails unless a condition holds.</summary>
    /// <exception cref="DiagnosticException">It does not.</exception>
    public void Require([DoesNotReturnIf(false)] bool condition, string otherwise)
    {
        if (!condition) Fail(otherwise);
    }

    /// <summary>Fails because the inputs do not fit.</summary>
    [DoesNotReturn]
    public void Fail(string reason) => throw new DiagnosticException(new Diagnostic(DiagnosticTable.BadInputs, node, op.Name, reason));

    /// <summary>Fails because the output's shape depends on data.</summary>
    [DoesNotReturn]
    public void FailDataDependent(string what) => throw new DiagnosticException(new Diagnostic(DiagnosticTable.DataDependentShape, node, op.Name, what));

    /// <summary>An axis counted from the end where negative.</summary>
    public int Axis(long axis, int rank)
    {
        Require(axis >= -rank && axis < rank, $"axis {axis} is outside a tensor of rank {rank}");
        return (int)(axis < 0 ? axis + rank : axis);
    }

    /// <summary>The shape that shapes broadcast to, as NumPy does. A symbolic dim meets another only if they are equal or one of them is 1.</summary>
    public EquatableArray<IndexExpr> Broadcast(params ReadOnlySpan<EquatableArray<IndexExpr>> shapes)
    {
        int rank = 0;
        foreach (EquatableArray<IndexExpr> shape in shapes) rank = Math.Max(rank, shape.Length);
        IndexExpr[] result = new IndexExpr[rank];
        Array.Fill(result, IndexExpr.One);
        foreach (EquatableArray<IndexExpr> shape in shapes)
        {
            for (int i = 0; i < shape.Length; i++)
            {
                ref IndexExpr dim = ref result[rank - shape.Length + i];
                if (dim == IndexExpr.One) dim = shape[i];
                else Require(shape[i] == dim || shape[i] == IndexExpr.One, $"dims {dim} and {shape[i]} do not broadcast");
            }
        }

        return result;
    }

    /// <summary>Fails unless two inputs have the same element type.</summary>
    public void RequireSameElement(int input, int other) =>
        Require(Type(input).Element == Type(other).Element, $"input {other} has elements of type {Type(other).Element.Name()}, not {Type(input).Element.Name()}");

    private TensorType Typed(int input, Func<ElementType, bool> allowed, string what)
    {
        TensorType type = Type(input);
        Require(allowed(type.Element), $"input {input} has elements of type {type.Element.Name()}, not {what}");
        return type;
    }
}
