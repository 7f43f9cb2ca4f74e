using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Shapes;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Selection;

/// <summary>
/// For each batch and class the boxes with the greatest scores of which none overlaps a chosen one by more than a threshold: rows of batch, class and box at
/// the start of a tensor with room for all, and their number. Inputs: boxes [batch, box, 4], scores [batch, class, box], and scalars: how many boxes of a
/// class are chosen at most, the greatest overlap (intersection over union), and the score that boxes are above (absent: all are).
/// </summary>
/// <param name="CenterPointBox">Boxes are given by center and size (x, y, width, height) instead of two opposite corners (y, x, y, x).</param>
public sealed record NonMaxSuppression(bool CenterPointBox = false) : Op, IOp<NonMaxSuppression>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("NonMaxSuppression", 2, 5);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Opaque;

    /// <inheritdoc/>
    /// <remarks>ONNX gives a matrix with as many rows as boxes are chosen.</remarks>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder) =>
        [Chosen(builder, AttributeReader.Read<NonMaxSuppression>(node), [.. node.Inputs])];

    /// <summary>The rows of the boxes that are chosen, and no more.</summary>
    public static Value Chosen(GraphBuilder builder, NonMaxSuppression op, params ReadOnlySpan<Value> inputs)
    {
        Node chosen = builder.AddNode(op, inputs);
        Value count = Measure.Of(builder, chosen[1], 0, RuntimeShapes.Max);
        return builder.Add(new View((IndexExpr[])[count.Contents!.Value[0], 3]), chosen[0], count);
    }

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        TensorType boxes = context.Type(0), scores = context.Type(1);
        context.Require(boxes.Element == ElementType.Float32 && scores.Element == ElementType.Float32, $"{boxes} and {scores} are not of float32");
        context.Require(boxes.Rank == 3 && scores.Rank == 3 && boxes.Dims[2] == 4, $"boxes {boxes} and scores {scores} do not have the dims that they should");
        Same(boxes.Dims[0], scores.Dims[0]);
        Same(boxes.Dims[1], scores.Dims[2]);
        for (int i = 2; i < 5; i++)
        {
            if (!context.Has(i)) continue;
            TensorType scalar = context.Type(i);
            context.Require(scalar.Count == IndexExpr.One && scalar.Element == (i == 2 ? ElementType.Int64 : ElementType.Float32), $"input {i} is {scalar}");
        }

        IndexExpr most = KnownContents.Constants(context.Content(2)) is [var known] ? IndexExpr.Min(boxes.Dims[1], Math.Max(0, known)) : boxes.Dims[1];
        context.Output(ElementType.Int64, context.Has(2) ? scores.Dims[0] * scores.Dims[1] * most : 0, 3);
        context.Output(ElementType.Int64);

        void Same(IndexExpr a, IndexExpr b) => context.Require((a - b).Range is { Min: <= 0, Max: >= 0 }, $"boxes {boxes} and scores {scores} do not fit");
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        float[] boxes = inputs[0]!.Span<float>().ToArray(), scores = inputs[1]!.Span<float>().ToArray();
        long batches = inputs[1]!.Dims[0], classes = inputs[1]!.Dims[1], count = inputs[1]!.Dims[2];
        if (inputs[0]!.Dims[0] != batches || inputs[0]!.Dims[1] != count) throw new ArgumentException("There is not one score for each box.");
        long most = Given(2)?.GetInt64(0) ?? 0;
        float overlap = (float)(Given(3)?.GetDouble(0) ?? 0), above = (float)(Given(4)?.GetDouble(0) ?? 0);
        List<long> rows = [];
        for (long batch = 0; batch < batches; batch++)
        {
            for (long @class = 0; @class < classes; @class++)
            {
                List<int> chosen = [];
                long row = ((batch * classes) + @class) * count;
                IEnumerable<int> best = Enumerable.Range(0, (int)count)
                    .Where(box => Given(4) is null || scores[row + box] > above)
                    .OrderByDescending(box => row + box, Comparer<long>.Create((a, b) => ElementOrder.Compare(inputs[1]!, a, b)));
                foreach (int box in best)
                {
                    if (chosen.Count >= most) break;
                    if (chosen.All(other => !(Overlap(BoxAt(batch, box), BoxAt(batch, other)) > overlap))) chosen.Add(box);
                }

                foreach (int box in chosen) rows.AddRange(batch, @class, box);
            }
        }

        TensorData places = TensorData.Zeros(ElementType.Int64, outputs[0].StaticDims);
        for (int i = 0; i < rows.Count; i++) places.SetInt64(i, rows[i]);
        return [places, TensorData.Of(ElementType.Int64, (ReadOnlySpan<long>)[rows.Count / 3])];

        TensorData? Given(int input) => input < inputs.Count ? inputs[input] : null;

        (float Top, float Left, float Bottom, float Right) BoxAt(long batch, int box)
        {
            float[] b = boxes[(int)(((batch * count) + box) * 4)..][..4];
            return CenterPointBox
                ? (b[1] - (b[3] / 2), b[0] - (b[2] / 2), b[1] + (b[3] / 2), b[0] + (b[2] / 2))
                : (Math.Min(b[0], b[2]), Math.Min(b[1], b[3]), Math.Max(b[0], b[2]), Math.Max(b[1], b[3]));
        }
    }

    /// <inheritdoc/>
    public override RoutineUse Routine(IReadOnlyList<TensorType?> inputs, IReadOnlyList<TensorType> outputs) =>
        new(nameof(NonMaxSuppression), [inputs.Count, CenterPointBox ? 1 : 0], ScratchBytes: 16 * inputs[1]!.Dims[2]);

    /// <summary>Intersection over union, in float32 as ONNX's boxes are; boxes without area overlap nothing.</summary>
    private static float Overlap((float Top, float Left, float Bottom, float Right) a, (float Top, float Left, float Bottom, float Right) b)
    {
        float height = Math.Min(a.Bottom, b.Bottom) - Math.Max(a.Top, b.Top), width = Math.Min(a.Right, b.Right) - Math.Max(a.Left, b.Left);
        float intersection = Math.Max(0, height) * Math.Max(0, width);
        float first = (a.Bottom - a.Top) * (a.Right - a.Left), second = (b.Bottom - b.Top) * (b.Right - b.Left), union = first + second - intersection;
        return first > 0 && second > 0 && union > 0 ? intersection / union : 0;
    }
}
