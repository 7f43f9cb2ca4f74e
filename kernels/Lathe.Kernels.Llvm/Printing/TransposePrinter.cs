using Lathe.Kernels.Loops;

namespace Lathe.Kernels.Llvm.Printing;

/// <summary>
/// Prints a transposed block of elements of 32 bits in registers: pairs, then fours of rows are interleaved within 128 bits, then quarters change places.
/// </summary>
internal sealed class TransposePrinter(FunctionWriter writer)
{
    private const string Scalar = "float";

    /// <summary>Prints a block: rows of <paramref name="columns"/> elements are written from columns of <paramref name="rows"/> elements.</summary>
    public void Print(string to, string toStride, string from, string fromStride, int rows, int columns, int lanes)
    {
        if (rows < 3 || columns < 3)
        {
            for (int i = 0; i < rows; i++)
                for (int j = 0; j < columns; j++)
                    Store(Scalar, writer.Value($"load {Scalar}, ptr {At(At(from, fromStride, j), "1", i)}, align 4"), At(At(to, toStride, i), "1", j));
            return;
        }

        string[] r = [.. Enumerable.Range(0, lanes).Select(j => j < columns ? Load(At(from, fromStride, j), rows, lanes) : "zeroinitializer")];
        r = Interleave(r, lanes, 1);
        r = Interleave(r, lanes, 2);
        // Each vector now holds, in its quarters q, four columns 4g.. of row 4q + k: quarters of all groups g come together.
        int quarters = lanes / 4;
        for (int k = 0; k < 4; k++)
        {
            string[] group = [.. Enumerable.Range(0, quarters).Select(g => r[(4 * g) + k])];
            for (int q = 0; q < quarters; q++)
            {
                int row = (4 * q) + k;
                if (row < rows) StoreFirst(Quarters(group, q, lanes), columns, lanes, At(to, toStride, row));
            }
        }
    }

    /// <summary>Interleaves parts of 1 or 2 elements of rows that lie as far apart, within quarters: afterwards vector 4g + k holds element k of each quarter of rows 4g, 4g + 1 …</summary>
    private string[] Interleave(string[] rows, int lanes, int part)
    {
        string[] result = new string[lanes];
        for (int first = 0; first < lanes; first += 4)
        {
            for (int k = 0; k < 4; k++)
            {
                // Pairs of neighbours first, low and high halves; then pairs of those that hold the same half.
                (int a, int b, bool isHigh) = part == 1 ? (first + (k / 2 * 2), first + (k / 2 * 2) + 1, k % 2 == 1) : (first + (k / 2), first + (k / 2) + 2, k % 2 == 1);
                int[] pattern = new int[lanes];
                for (int i = 0; i < lanes; i++)
                {
                    int within = i % 4, piece = within / part, source = (i - within) + (isHigh ? 2 : 0) + (piece / 2 * part) + (within % part);
                    pattern[i] = piece % 2 == 0 ? source : lanes + source;
                }

                result[first + k] = writer.Shuffle(Scalar, lanes, rows[a], rows[b], pattern);
            }
        }

        return result;
    }

    /// <summary>Quarter <paramref name="q"/> of every vector, in order.</summary>
    private string Quarters(string[] vectors, int q, int lanes)
    {
        string[] parts = [.. vectors.Select(v => writer.Shuffle(Scalar, lanes, v, "undef", [.. Enumerable.Range(4 * q, 4)]))];
        for (int width = 4; parts.Length > 1; width *= 2)
            parts = [.. Enumerable.Range(0, parts.Length / 2).Select(i => writer.Shuffle(Scalar, width, parts[2 * i], parts[(2 * i) + 1], [.. Enumerable.Range(0, 2 * width)]))];
        return parts[0];
    }

    private string Load(string address, int count, int lanes)
    {
        string part = writer.Value($"load {IrType.WithLanes(Scalar, count)}, ptr {address}, align 4");
        return count == lanes ? part : writer.Shuffle(Scalar, count, part, "undef", [.. Enumerable.Range(0, lanes).Select(i => i < count ? i : -1)]);
    }

    private void StoreFirst(string value, int count, int lanes, string address) =>
        Store(IrType.WithLanes(Scalar, count), count == lanes ? value : writer.Shuffle(Scalar, lanes, value, "undef", [.. Enumerable.Range(0, count)]), address);

    private void Store(string type, string value, string address) => writer.Do($"store {type} {value}, ptr {address}, align 4");

    private string At(string pointer, string stride, int number)
    {
        if (number == 0) return pointer;
        string offset = stride == "1" ? IndexPrinter.Number(number) : writer.Value($"mul i64 {stride}, {IndexPrinter.Number(number)}");
        return writer.Value($"getelementptr {Scalar}, ptr {pointer}, i64 {offset}");
    }
}
