using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Compiler.Operators.Movement;
using Lathe.Compiler.Operators.Shapes;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Signal;

/// <summary>
/// Discrete Fourier transforms along an axis: y[k] = Σ x[n]·exp(-2πi·k·n/N), and for the inverse +2πi and a division by N. The last axis holds real and
/// imaginary parts, or only real ones. Inputs: x; N, to which x is cut off or filled up with zeros; the axis. Both are scalars that are known when it runs.
/// </summary>
/// <param name="Dims">The shape of the output.</param>
/// <param name="Axis">The axis where input 2 is not given.</param>
/// <param name="Inverse">The inverse transform.</param>
/// <param name="Onesided">Of a transform of real numbers only the first half and one more, in the output, or for the inverse in the input.</param>
public sealed record DFT(EquatableArray<IndexExpr> Dims, long Axis = -2, bool Inverse = false, bool Onesided = false) : Op, IOp<DFT>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("DFT", 1, 3);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Opaque;

    /// <inheritdoc/>
    /// <remarks>Up to opset 19 the axis is an attribute. Where length or axis are not known, the shape is computed when the model runs.</remarks>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder)
    {
        bool isInverse = AttributeReader.Get(node, "inverse", 0L) != 0, isHalf = AttributeReader.Get(node, "onesided", 0L) != 0;
        long stated = node.Opset < 20 ? AttributeReader.Get(node, "axis", 1L) : -2;
        Value x = node.Inputs[0], length = node.Has(1) ? Whole(node, 1, builder) : Value.None, axis = node.Has(2) ? Whole(node, 2, builder) : Value.None;
        int axes = x.Type.Rank - 1;
        if (axes < 1) throw node.Bad($"its input is {x.Type}");
        IndexExpr parts = isInverse && isHalf ? 1 : 2;
        DFT op = new([], stated, isInverse, isHalf);
        if (node.IsKnown(1) && node.IsKnown(2))
        {
            if (node.Has(2)) stated = OnnxInputs.Numbers(node, 2, "its axis")[0];
            int at = node.Axis(stated, x.Type.Rank);
            if (at == axes) throw node.Bad("its axis is that of real and imaginary parts");
            IndexExpr n = node.Has(1) ? OnnxInputs.Known(node, 1, "its length")[0] : isInverse && isHalf ? 2 * (x.Type.Dims[at] - 1) : x.Type.Dims[at];
            IndexExpr[] dims = [.. x.Type.Dims.SkipLast(1), parts];
            dims[at] = isHalf && !isInverse ? (n / 2) + 1 : n;
            return [builder.Add(op with { Dims = dims, Axis = at }, x, length)];
        }

        // Which dim changes is known only when it runs.
        Value own = RuntimeShapes.Dims(builder, x), where = axis.IsNone ? RuntimeShapes.Vector(builder, stated) : axis, two = RuntimeShapes.Vector(builder, 2);
        Value one = RuntimeShapes.Vector(builder, 1), given = own;
        if (!length.IsNone) given = length;
        else if (isInverse && isHalf) given = builder.Add(new Mul(), two, builder.Add(new Sub(), own, one));
        if (isHalf && !isInverse) given = builder.Add(new Add(), builder.Add(new Div(), given, two), one);
        Value changes = RuntimeShapes.Any(builder, RuntimeShapes.Matches(builder, where, axes + 1));
        Value measured = Measure.Of(builder, builder.Add(new Slice([0], [axes]), builder.Add(new Where(), changes, given, own)), 0, RuntimeShapes.Max);
        return [builder.Add(op with { Dims = (IndexExpr[])[.. measured.Contents!.Value, parts] }, View.After(builder, x, measured), length, axis)];
    }

    /// <inheritdoc/>
    public override Op Substitute(Func<IndexVar, IndexExpr?> replacement) => this with { Dims = Dims.Select(d => d.Substitute(replacement)).ToEquatableArray() };

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        TensorType x = context.Float(0);
        context.Require(x.Rank >= 2 && Dims.Length == x.Rank, $"{x} is not transformed to [{string.Join(", ", Dims)}]");
        context.Require(x.Dims[^1] == IndexExpr.One || x.Dims[^1] == 2, $"{x} is not of real or complex numbers");
        context.Require(!Onesided || Inverse || x.Dims[^1] == IndexExpr.One, "half a transform is that of real numbers");
        context.Require(!Onesided || !Inverse || x.Dims[^1] == 2, "half a transform is of complex numbers");
        context.Axis(Axis, x.Rank);
        for (int i = 1; i < 3; i++) context.Require(!context.Has(i) || context.Integer(i).Count == IndexExpr.One, $"input {i} is no scalar");
        context.Output(new TensorType(x.Element, Dims));
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        TensorData x = inputs[0]!, y = TensorData.Zeros(x.Element, outputs[0].StaticDims);
        int axes = x.Dims.Length - 1;
        long axis = inputs.Count > 2 && inputs[2] is { } given ? given.GetInt64(0) : Axis;
        axis = axis < 0 ? axis + axes + 1 : axis;
        long n = inputs.Count > 1 && inputs[1] is { } length ? length.GetInt64(0) : Inverse && Onesided ? 2 * (x.Dims[axis] - 1) : x.Dims[axis];
        if (axis < 0 || axis >= axes || n < 1 || y.Dims[axis] != (Onesided && !Inverse ? (n / 2) + 1 : n)) throw new ArgumentException("Its length or its axis do not fit.");
        int next = 0;
        foreach (long[] index in RowMajor.Indices(y.Dims))
        {
            double sum = 0;
            for (long i = 0; i < n; i++)
            {
                // Full turns are taken away before the angle is made, which keeps it exact.
                (double sin, double cos) = Math.SinCos((Inverse ? 2 : -2) * Math.PI * (i * index[axis] % n) / n);
                (double re, double im) = At(i);
                sum += index[axes] == 0 ? (re * cos) - (im * sin) : (re * sin) + (im * cos);
            }

            y.SetDouble(next++, Inverse ? sum / n : sum);

            (double Re, double Im) At(long i)
            {
                if (Inverse && Onesided && i > n / 2) return At(n - i) is var mirrored ? (mirrored.Re, -mirrored.Im) : default;
                if (i >= x.Dims[axis]) return (0, 0);
                long[] from = [.. index];
                (from[axis], from[axes]) = (i, 0);
                int offset = (int)RowMajor.Offset(x.Dims, from);
                return (x.GetDouble(offset), x.Dims[axes] == 2 ? x.GetDouble(offset + 1) : 0);
            }
        }

        return [y];
    }

    /// <inheritdoc/>
    public override RoutineUse Routine(IReadOnlyList<TensorType?> inputs, IReadOnlyList<TensorType> outputs)
    {
        // A transform is as long as one of the dims, or about twice as long where only half of it is stored.
        IndexExpr longest = outputs[0].Dims.Aggregate((IndexExpr)0, (sum, dim) => sum + dim);
        return new(nameof(DFT), [inputs.Count, Axis < 0 ? Axis + outputs[0].Rank : Axis, Inverse ? 1 : 0, Onesided ? 1 : 0], ScratchBytes: 192 * 2 * longest);
    }

    private static Value Whole(OnnxNode node, int input, GraphBuilder builder)
    {
        Value value = node.Inputs[input];
        return value.Type.Element.IsInteger() && value.Type.Count == IndexExpr.One ? RuntimeShapes.AsVector(builder, value) : throw node.Bad($"input {input} is {value.Type}");
    }
}
