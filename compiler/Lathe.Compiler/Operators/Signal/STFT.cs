using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Compiler.Operators.Movement;
using Lathe.Compiler.Operators.Shapes;
using Lathe.Kernels.Loops;
using Lathe.Runtime;
using Range = Lathe.Compiler.Operators.Shapes.Range;

namespace Lathe.Compiler.Operators.Signal;

/// <summary>Fourier transforms of the frames of a signal, of which each begins some steps after the one before; what is left at the end is dropped.</summary>
public sealed class STFT : IComposite<STFT>
{
    private STFT()
    {
    }

    /// <inheritdoc/>
    public static OpSchema Schema => new("STFT", 2, 4);

    /// <inheritdoc/>
    /// <remarks>Inputs: the signal [batch, length, 1 or 2]; the step; the window [frame length]; the frame length. One of the last two has to be there.</remarks>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder g)
    {
        Value signal = node.Inputs[0];
        if (signal.Type.Rank == 2) signal = g.Add(new Unsqueeze([2]), signal);
        if (signal.Type.Rank != 3) throw node.Bad($"its signal is {signal.Type}");
        if (!node.Has(2) && !node.Has(3)) throw node.Bad("it has neither a window nor a frame length");
        if (node.Has(2) && node.Inputs[2].Type.Rank != 1) throw node.Bad($"its window is {node.Inputs[2].Type}");
        (Value step, IndexExpr every) = Measured(1);
        (Value waits, IndexExpr length) = node.Has(3) ? Measured(3) : (RuntimeShapes.Dims(g, node.Inputs[2]), node.Inputs[2].Type.Dims[0]);
        // A signal that is shorter than a frame has none.
        IndexExpr frames = IndexExpr.Max(0, signal.Type.Dims[1] - length + every) / every;

        Value begins = g.Add(new Mul(), Count(frames, View.After(g, step, waits)), step);
        Value places = g.Add(new Add(), g.Add(new Unsqueeze([1]), begins), g.Add(new Unsqueeze([0]), Count(length, waits)));
        Value framed = g.Add(new Movement.Gather(1), signal, places);
        if (node.Has(2)) framed = g.Add(new Mul(), framed, g.Add(new Unsqueeze([1]), node.Inputs[2]));
        bool isHalf = AttributeReader.Get(node, "onesided", 1L) != 0;
        IndexExpr[] dims = [signal.Type.Dims[0], frames, isHalf ? (length / 2) + 1 : length, 2];
        return [g.Add(new DFT(dims, 2, false, isHalf), framed)];

        Value Count(IndexExpr count, Value after)
        {
            Range numbers = new(IndexExpr.Zero, IndexExpr.One, count, ElementType.Int64);
            return count.IsConstant ? g.Add(numbers) : g.Add(numbers, after);
        }

        (Value Value, IndexExpr Symbol) Measured(int input)
        {
            Value value = node.Inputs[input];
            if (!value.Type.Element.IsInteger() || value.Type.Count != IndexExpr.One) throw node.Bad($"input {input} is {value.Type}");
            value = Measure.Of(g, RuntimeShapes.AsVector(g, value), 1, RuntimeShapes.Max);
            if (value.Contents!.Value[0].Range.Min < 1) throw node.Bad($"input {input} is {value.Contents.Value[0]}");
            return (value, value.Contents.Value[0]);
        }
    }
}
