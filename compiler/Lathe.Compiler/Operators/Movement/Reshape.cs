using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Compiler.Operators.Reductions;
using Lathe.Compiler.Operators.Shapes;
using Lathe.Kernels;
using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Movement;

/// <summary>The same elements in the shape <paramref name="Dims"/>, in which ONNX's 0 and -1 are resolved.</summary>
public sealed record Reshape(EquatableArray<IndexExpr> Dims) : ReshapeOperator, IOp<Reshape>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("Reshape", 1, 2);

    /// <inheritdoc/>
    /// <remarks>Up to opset 4 the shape is an attribute.</remarks>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder)
    {
        if (!node.IsKnown(1)) return [OfData(node, builder)];
        EquatableArray<IndexExpr> wanted = node.Inputs.Count > 1
            ? OnnxInputs.Known(node, 1, "its shape")
            : AttributeReader.Get<long[]>(node, "shape", []).Select(d => (IndexExpr)d).ToEquatableArray();
        TensorType x = node.Inputs[0].Type;
        bool keepsZero = AttributeReader.Get(node, "allowzero", 0L) != 0;
        IndexExpr[] dims = new IndexExpr[wanted.Length];
        int? free = null;
        for (int i = 0; i < dims.Length; i++)
        {
            dims[i] = wanted[i];
            if (wanted[i] == IndexExpr.Zero && !keepsZero)
            {
                if (i >= x.Rank) throw node.Bad($"its shape takes dim {i} of an input of rank {x.Rank}");
                dims[i] = x.Dims[i];
            }
            else if (wanted[i] == -1)
            {
                if (free is not null) throw node.Bad("its shape leaves more than one dim open");
                free = i;
                dims[i] = IndexExpr.One;
            }
        }

        if (free is { } open)
        {
            IndexExpr others = IndexExpr.Product(dims);
            if (others == IndexExpr.Zero) throw node.Bad("its shape leaves a dim open that other dims of 0 do not determine");
            dims[open] = x.Count / others;
            if (x.Count % others != IndexExpr.Zero) throw node.Bad($"{x.Count} elements do not divide by {others}");
        }

        return [builder.Add(new Reshape(dims), node.Inputs[0])];
    }

    /// <summary>A shape that data determine, with the same rules.</summary>
    private static Value OfData(OnnxNode node, GraphBuilder builder)
    {
        Value x = node.Inputs[0], wanted = node.Inputs[1];
        if (!Measure.CanBeMeasured(wanted) || wanted.Type.Rank != 1) throw node.Bad($"its shape is {wanted.Type}");
        int rank = (int)wanted.Type.Dims[0].Value;
        Value zero = RuntimeShapes.Vector(builder, 0), one = RuntimeShapes.Vector(builder, 1);
        if (rank == 0) return builder.Add(new Reshape([]), x);
        if (AttributeReader.Get(node, "allowzero", 0L) == 0)
        {
            // A 0 beyond the input's rank stays: no other dim can then make up for it, and the check fails unless the input is empty.
            Value own = RuntimeShapes.Dims(builder, x);
            if (x.Type.Rank > rank) own = builder.Add(new Slice([0], [rank]), own);
            else if (x.Type.Rank < rank) own = builder.Add(new Concat(0), own, RuntimeShapes.Vector(builder, new long[rank - x.Type.Rank]));
            wanted = builder.Add(new Where(), builder.Add(new Equal(), wanted, zero), own, wanted);
        }

        Value open = builder.Add(new Equal(), wanted, RuntimeShapes.Vector(builder, -1));
        Value others = builder.Add(new ReduceProd((EquatableArray<long>)[0L], true), builder.Add(new Where(), open, one, wanted));
        Value rest = builder.Add(new Div(), RuntimeShapes.Count(builder, x), builder.Add(new Max(), others, one));
        return RuntimeShapes.InShape(builder, x, builder.Add(new Where(), open, rest, wanted));
    }

    /// <inheritdoc/>
    public override Op Substitute(Func<IndexVar, IndexExpr?> replacement) => new Reshape(Dims.Select(d => d.Substitute(replacement)).ToEquatableArray());

    /// <inheritdoc/>
    protected override IEnumerable<IndexExpr> Shape(InferContext context, TensorType x) => Dims;
}
