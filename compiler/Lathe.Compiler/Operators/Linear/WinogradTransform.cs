namespace Lathe.Compiler.Operators.Linear;

/// <summary>
/// The matrices of F(m, r), which computes m outputs of a correlation with r weights by m + r - 1 products: y = Aᵀ((G·g) ⊙ (Bᵀ·d)). They evaluate
/// polynomials at m + r - 2 points and at infinity, multiply there, and interpolate (Toom and Cook; Winograd, "Arithmetic Complexity of Computations",
/// 1980; in this form Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2016).
/// </summary>
public sealed class WinogradTransform
{
    /// <summary>
    /// The points by how many are needed at most, in pairs of either sign, whose coefficients float32 holds exactly. Those of 5 and 7 are the best of a search over small
    /// fractions: F(4x4, 3x3) errs by 0.8e-6 of the largest output over 32 channels, with the usual 1 and 2 by 2.9e-6, a direct sum by 0.55e-6
    /// (Barabasz et al., "Error Analysis and Improving the Accuracy of Winograd Convolution for Deep Neural Networks", 2020, says why).
    /// </summary>
    private static readonly double[][] Points = [[0, 1, -1], [0, 11 / 16.0, -11 / 16.0, 1.5, -1.5], [0, 0.5, -0.5, 1, -1, 1.75, -1.75]];

    private readonly double[] _points;

    private WinogradTransform(int outputs, int kernel)
    {
        int size = outputs + kernel - 1, last = size - 1;
        if (outputs < 1 || kernel < 1 || last > Points[^1].Length) throw new ArgumentOutOfRangeException(nameof(outputs));
        _points = Points.First(p => p.Length >= last);
        (Outputs, Kernel) = (outputs, kernel);
        (Output, Weights, Input) = (new double[outputs, size], new double[size, kernel], new double[size, size]);
        for (int p = 0; p < last; p++)
        {
            double scale = 1;
            for (int other = 0; other < last; other++)
                if (other != p) scale *= _points[p] - _points[other];
            for (int i = 0; i < outputs; i++) Output[i, p] = Math.Pow(_points[p], i);
            for (int k = 0; k < kernel; k++) Weights[p, k] = Math.Pow(_points[p], k) / scale;
            double[] product = Product(last, p);
            for (int k = 0; k < product.Length; k++) Input[p, k] = product[k];
        }

        Output[outputs - 1, last] = 1;
        Weights[last, kernel - 1] = 1;
        double[] all = Product(last, -1);
        for (int k = 0; k < size; k++) Input[last, k] = all[k];
    }

    /// <summary>How many outputs a tile has along an axis: m.</summary>
    public int Outputs { get; }

    /// <summary>How many weights there are along an axis: r.</summary>
    public int Kernel { get; }

    /// <summary>How many elements a tile of the input has along an axis: m + r - 1.</summary>
    public int Size => Outputs + Kernel - 1;

    /// <summary>Aᵀ, m by m + r - 1.</summary>
    public double[,] Output { get; }

    /// <summary>G, m + r - 1 by r.</summary>
    public double[,] Weights { get; }

    /// <summary>Bᵀ, square.</summary>
    public double[,] Input { get; }

    /// <summary>The matrices of F(<paramref name="outputs"/>, <paramref name="kernel"/>).</summary>
    public static WinogradTransform Of(int outputs, int kernel) => new(outputs, kernel);

    /// <summary>M·x·Mᵀ.</summary>
    public static double[,] Apply(double[,] matrix, double[,] x)
    {
        int rows = matrix.GetLength(0), inner = matrix.GetLength(1);
        double[,] left = new double[rows, inner], result = new double[rows, rows];
        for (int i = 0; i < rows; i++)
            for (int j = 0; j < inner; j++)
                for (int k = 0; k < inner; k++) left[i, j] += matrix[i, k] * x[k, j];
        for (int i = 0; i < rows; i++)
            for (int j = 0; j < rows; j++)
                for (int k = 0; k < inner; k++) result[i, j] += left[i, k] * matrix[j, k];
        return result;
    }

    /// <summary>The elements of a matrix, row by row.</summary>
    public static double[] Elements(double[,] matrix) => [.. matrix.Cast<double>()];

    /// <summary>The coefficients of Π (x - point) over all points but one.</summary>
    private double[] Product(int points, int without)
    {
        double[] product = [1];
        for (int p = 0; p < points; p++)
        {
            if (p == without) continue;
            double[] next = new double[product.Length + 1];
            for (int k = 0; k < product.Length; k++)
            {
                next[k + 1] += product[k];
                next[k] -= _points[p] * product[k];
            }

            product = next;
        }

        return product;
    }
}
