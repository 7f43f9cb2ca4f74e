using Lathe.Kernels.Loops;
using Lathe.Kernels.Schedules;
using Lathe.Kernels.Targets;
using Lathe.Runtime;

namespace Lathe.Kernels.Tests.Emitted;

/// <summary>Products, pools, depthwise convolutions and plain reductions, with every tail.</summary>
public sealed class ReductionTests : KernelCaseTests<ReductionTests>, ICaseSource
{
    private static readonly IndexVar N = new("N", 1, 100), M = new("M", 1, 1000);

    /// <inheritdoc/>
    public static IReadOnlyList<KernelCase> Cases { get; } =
    [
        new("product, row-major", Sample.MatMul([], 15, 9, 33)),
        new("product, one row of packed weights", Sample.MatMul([], 1, 20, 40, PackedLayouts.MatMulWeights())),
        new("product, packed weights, 29 rows", Sample.MatMul([], 29, 17, 70, PackedLayouts.MatMulWeights())),
        new("product, packed weights, whole panels", Sample.MatMul([], 13, 17, 64, PackedLayouts.MatMulWeights())),
        new("product, one row of whole panels", Sample.MatMul([], 1, 20, 48, PackedLayouts.MatMulWeights())),
        new("product, few columns", Sample.MatMul([], 5, 7, 3)),
        new("product, one column", Sample.MatMul([], 5, 7, 1)),
        new("product, batches", Sample.MatMul([2, 3], 4, 8, 20)),
        new("product, batches of one right side", Sample.MatMul([3], 5, 8, 20, PackedLayouts.MatMulWeights(), sharedB: true)),
        new("product, transposed right side", Sample.MatMul([2], 5, 37, 6, transposed: true)),
        new("product, symbolic rows", Sample.MatMul([], M, 8, 20, PackedLayouts.MatMulWeights(), dims: [M]), 17),
        // Every rest of the tiles: 5, 6 or 14 rows, by smaller ones.
        .. Enumerable.Range(1, 13).Select(rows => new KernelCase($"product, {rows} symbolic rows", Sample.MatMul([], M, 9, 70, PackedLayouts.MatMulWeights(), dims: [M]), rows)),
        new("depthwise 3x3", Sample.Depthwise(1, 32, 5, 17, 3, 1, 1)),
        new("depthwise 3x3, 20 channels, stride 2", Sample.Depthwise(2, 20, 9, 9, 3, 2, 1)),
        new("depthwise 5x5, one column", Sample.Depthwise(1, 16, 4, 1, 5, 1, 2)),
        new("depthwise 3x3, symbolic", Sample.Depthwise(1, 16, N, M, 3, 1, 1, [N, M]), 5, 6),
        new("max pool 3x3/2", Sample.Pool(1, 24, 9, 11, 3, 2, 1, average: false)),
        new("average pool 2x2", Sample.Pool(2, 16, 6, 4, 2, 2, 0, average: true)),
        new("sum of rows to a block of one channel", Sample.Reduction(X([2, 1, 3, 7]), [3], Plus, 0, layout: Layout.Blocked(4, 16))),
        new("sum of rows", Sample.Reduction(X([3, 5, 67]), [2], Plus, 0)),
        new("sum of short rows", Sample.Reduction(X([3, 5]), [1], Plus, 0)),
        new("sum of long rows", Sample.Reduction(X([2, 300]), [1], Plus, 0)),
        // Each part of a sum that some elements of a block do not have is a block of its own.
        new("sum of rows into one channel of a block", Sample.Reduction(X([1, 1, 6, 20]), [3], Plus, 0, layout: Layout.Blocked(4, 16))),
        new("sum of columns", Sample.Reduction(X([7, 37]), [0], Plus, 0)),
        new("sum of everything", Sample.Reduction(X([3, 5, 9]), [0, 1, 2], Plus, 0)),
        new("maximum of a plane", Sample.Reduction(X([2, 3, 5, 9]), [2, 3], (a, b) => new Binary(BinaryOp.Max, a, b), double.NegativeInfinity)),
        new("product of rows", Sample.Reduction(X([3, 19]), [1], (a, b) => new Binary(BinaryOp.Multiply, a, b), 1)) { Value = r => 0.8 + (0.4 * r.NextDouble()) },
        new("sum of squares, symbolic", Sample.Reduction(new Tensor("x0", ElementType.Float32, [N, M], Layout.RowMajor(2)), [1], (a, b) => new Fma(b, b, a), 0, a => new Unary(UnaryOp.Sqrt, a), [N, M]), 3, 21),
        new("mean of blocked planes", Sample.Reduction(new Tensor("x0", ElementType.Float32, [2, 20, 3, 5], Layout.Blocked(4, 16)), [2, 3], Plus, 0, a => new Binary(BinaryOp.Multiply, a, Const.Of(ElementType.Float32, 1 / 15f)), layout: Layout.Blocked(4, 16))),
        new("mean of blocked planes to rows", Sample.Reduction(new Tensor("x0", ElementType.Float32, [2, 20, 3, 5], Layout.Blocked(4, 16)), [2, 3], Plus, 0)),
        // Columns are as far apart as a block is wide, but the rest of the last block is in between.
        new("sum of columns and of the channels of blocks with a rest", Sample.Reduction(new Tensor("x0", ElementType.Float32, [2, 20, 3, 5], Layout.Blocked(4, 16)), [1, 3], Plus, 0)),
        new("sum of int64", Sample.Reduction(new Tensor("x0", ElementType.Int64, [3, 19], Layout.RowMajor(2)), [1], Plus, 0)),
        new("maximum of uint8", Sample.Reduction(new Tensor("x0", ElementType.UInt8, [3, 19], Layout.RowMajor(2)), [0], (a, b) => new Binary(BinaryOp.Max, a, b), 0)),
        new("sum of float64", Sample.Reduction(new Tensor("x0", ElementType.Float64, [3, 19], Layout.RowMajor(2)), [1], Plus, 0)),
        new("sum of rows of int32", Sample.Reduction(new Tensor("x0", ElementType.Int32, [3, 37], Layout.RowMajor(2)), [1], Plus, 0)),
        new("product of rows of int32", Sample.Reduction(new Tensor("x0", ElementType.Int32, [3, 37], Layout.RowMajor(2)), [1], (a, b) => new Binary(BinaryOp.Multiply, a, b), 1)),
        new("smallest of rows of int32", Sample.Reduction(new Tensor("x0", ElementType.Int32, [3, 37], Layout.RowMajor(2)), [1], (a, b) => new Binary(BinaryOp.Min, a, b), int.MaxValue)),
        new("largest of rows of int32", Sample.Reduction(new Tensor("x0", ElementType.Int32, [3, 37], Layout.RowMajor(2)), [1], (a, b) => new Binary(BinaryOp.Max, a, b), int.MinValue)),
        new("smallest of int32", Sample.Reduction(new Tensor("x0", ElementType.Int32, [3, 21], Layout.RowMajor(2)), [0], (a, b) => new Binary(BinaryOp.Min, a, b), int.MaxValue)),
    ];

    /// <summary>Scalar products of packed weights would be right, and thirty times slower.</summary>
    [TestCase(1, 48)]
    [TestCase(1, 40)]
    [TestCase(29, 70)]
    [TestCase(13, 64)]
    public void PackedProducts_RunInVectors(int rows, int columns)
    {
        foreach (Machine machine in (Machine[])[Machine.Avx512, Machine.Avx2, Machine.Vector128])
        {
            Kernel kernel = KernelCompiler.Compile(Sample.MatMul([], rows, 20, columns, PackedLayouts.MatMulWeights()), machine).Kernel;
            int[] lanes = [.. StatementWalk.All(kernel.Body).SelectMany(StatementWalk.Expressions).SelectMany(ExprWalk.All).OfType<Fma>().Select(f => f.Type.Lanes).Distinct()];
            Assert.That(lanes, Is.EqualTo(new[] { machine.Lanes }), machine.Isa.ToString());
        }
    }

    private static Tensor X(IndexExpr[] dims) => new("x0", ElementType.Float32, dims, Layout.RowMajor(dims.Length));

    private static Expr Plus(Expr a, Expr b) => new Binary(BinaryOp.Add, a, b);
}
