using System.Globalization;

namespace Lathe.Kernels.Targets.CSharp;

/// <summary>
/// Functions that transpose a block of elements of 32 bits in registers: pairs, then fours of rows are interleaved within 128 bits, then quarters change places.
/// </summary>
internal static class TransposePrinter
{
    /// <summary>The function of a name such as <c>Transpose16x12</c>: 16 rows of 12 elements are written.</summary>
    public static string Print(string name, Machine machine)
    {
        string[] sizes = name["Transpose".Length..].Split('x');
        int rows = int.Parse(sizes[0], CultureInfo.InvariantCulture), columns = int.Parse(sizes[1], CultureInfo.InvariantCulture), lanes = machine.Lanes;
        CodeWriter writer = new();
        writer.Open($"public static void {name}(float* to, nint toStride, float* from, nint fromStride)");
        if (lanes < 8 || rows < 3 || columns < 3)
        {
            writer.Line($"for (nint i = 0; i < {Text(rows)}; i++)");
            writer.Line($"    for (nint j = 0; j < {Text(columns)}; j++) to[(i * toStride) + j] = from[(j * fromStride) + i];");
            writer.Close();
            return writer.ToString().TrimEnd('\n');
        }

        for (int j = 0; j < lanes; j++) writer.Line($"VecF r{Text(j)} = {(j < columns ? Load(j, rows, lanes) : "VecF.Zero")};");
        string unit = lanes == 16 ? "Avx512F" : "Avx";
        for (int j = 0; j < lanes; j += 2)
        {
            writer.Line($"VecF a{Text(j)} = {unit}.UnpackLow(r{Text(j)}, r{Text(j + 1)});");
            writer.Line($"VecF a{Text(j + 1)} = {unit}.UnpackHigh(r{Text(j)}, r{Text(j + 1)});");
        }

        for (int g = 0; g < lanes; g += 4)
        {
            for (int k = 0; k < 4; k++)
            {
                string half = k % 2 == 0 ? "Low" : "High";
                writer.Line($"VecF b{Text(g + k)} = {unit}.Unpack{half}(a{Text(g + (k / 2))}.AsDouble(), a{Text(g + (k / 2) + 2)}.AsDouble()).AsSingle();");
            }
        }

        for (int k = 0; k < 4; k++)
        {
            if (lanes == 8)
            {
                Store(writer, k, rows, columns, lanes, $"Avx.Permute2x128(b{Text(k)}, b{Text(k + 4)}, 0x20)");
                Store(writer, k + 4, rows, columns, lanes, $"Avx.Permute2x128(b{Text(k)}, b{Text(k + 4)}, 0x31)");
                continue;
            }

            foreach ((int half, string even) in (ReadOnlySpan<(int, string)>)[(0, "0x88"), (4, "0xDD")])
            {
                string c = $"c{Text(k + half)}", d = $"d{Text(k + half)}";
                writer.Line($"VecF {c} = Avx512F.Shuffle4x128(b{Text(k)}, b{Text(k + 4)}, {even}), {d} = Avx512F.Shuffle4x128(b{Text(k + 8)}, b{Text(k + 12)}, {even});");
                Store(writer, k + half, rows, columns, lanes, $"Avx512F.Shuffle4x128({c}, {d}, 0x88)");
                Store(writer, k + half + 8, rows, columns, lanes, $"Avx512F.Shuffle4x128({c}, {d}, 0xDD)");
            }
        }

        writer.Close();
        return writer.ToString().TrimEnd('\n');
    }

    private static string Load(int row, int count, int lanes)
    {
        string address = row == 0 ? "from" : $"from + ({Text(row)} * fromStride)";
        if (count == lanes) return $"*(VecF*)({address})";
        string mask = string.Join(", ", Enumerable.Range(0, lanes).Select(i => i < count ? "-1" : "0"));
        return $"Simd.MaskLoad({address}, Vec.Create({mask}))";
    }

    private static void Store(CodeWriter writer, int row, int rows, int columns, int lanes, string value)
    {
        if (row >= rows) return;
        string address = row == 0 ? "to" : $"to + ({Text(row)} * toStride)";
        writer.Line(columns == lanes ? $"*(VecF*)({address}) = {value};" : $"Simd.StoreFirst{Text(columns)}({address}, {value});");
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
