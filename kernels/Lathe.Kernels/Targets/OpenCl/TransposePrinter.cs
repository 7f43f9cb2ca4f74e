using System.Globalization;

namespace Lathe.Kernels.Targets.OpenCl;

/// <summary>Functions that transpose a block of elements of 32 bits.</summary>
internal static class TransposePrinter
{
    /// <summary>The function of a name such as <c>Transpose16x12</c>: 16 rows of 12 elements are written.</summary>
    public static string Print(string name)
    {
        string[] sizes = name["Transpose".Length..].Split('x');
        int rows = int.Parse(sizes[0], CultureInfo.InvariantCulture), columns = int.Parse(sizes[1], CultureInfo.InvariantCulture);
        return $$"""
            static inline void {{name}}(__global uint* to, long toStride, __global const uint* from, long fromStride)
            {
                for (int i = 0; i < {{rows}}; i++)
                    for (int j = 0; j < {{columns}}; j++) to[i * toStride + j] = from[j * fromStride + i];
            }
            """;
    }
}
