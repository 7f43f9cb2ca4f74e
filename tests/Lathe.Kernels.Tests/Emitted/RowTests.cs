using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Kernels.Tests.Emitted;

/// <summary>Several stages, row by row.</summary>
public sealed class RowTests : KernelCaseTests<RowTests>, ICaseSource
{
    private static readonly IndexVar N = new("N", 1, 100), C = new("C", 1, 1000);

    /// <inheritdoc/>
    public static IReadOnlyList<KernelCase> Cases { get; } =
    [
        new("softmax of rows", Sample.Softmax(X([3, 37]), 1)),
        new("softmax of a vector", Sample.Softmax(X([21]), 0)),
        new("softmax of columns", Sample.Softmax(X([2, 5, 19]), 1)),
        new("softmax of blocked channels", Sample.Softmax(new Tensor("x0", ElementType.Float32, [1, 20, 3, 2], Layout.Blocked(4, 16)), 1)),
        new("softmax along the rows of blocked channels", Sample.Softmax(new Tensor("x0", ElementType.Float32, [1, 20, 3, 5], Layout.Blocked(4, 16)), 3)),
        new("softmax, symbolic", Sample.Softmax(new Tensor("x0", ElementType.Float32, [N, C], Layout.RowMajor(2)), 1, [N, C]), 2, 35),
        new("softmax of float64", Sample.Softmax(new Tensor("x0", ElementType.Float64, [3, 7], Layout.RowMajor(2)), 1)),
    ];

    private static Tensor X(IndexExpr[] dims) => new("x0", ElementType.Float32, dims, Layout.RowMajor(dims.Length));
}
