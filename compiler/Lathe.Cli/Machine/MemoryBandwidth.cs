using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Lathe.Cli.Machine;

/// <summary>How fast one core reads memory.</summary>
internal static class MemoryBandwidth
{
    // Beyond the last-level cache of all but the largest servers, where a part of it stays cached and the figure comes out too good.
    private const int Bytes = 256 << 20;
    private const int Repeats = 5;

    // Where the sums go, so that they are computed.
    private static volatile float _sink;

    /// <summary>The fastest of several passes, in GB/s.</summary>
    public static unsafe double Measure()
    {
        float* data = (float*)NativeMemory.AlignedAlloc(Bytes, 64);
        try
        {
            // Every page must be there, and be another: reading untouched memory would read one page of zeros.
            new Span<byte>(data, Bytes).Fill(1);
            double best = 0;
            for (int i = 0; i < Repeats; i++)
            {
                long start = Stopwatch.GetTimestamp();
                _sink = Sum(data, Bytes / sizeof(float));
                best = Math.Max(best, Bytes / Stopwatch.GetElapsedTime(start).TotalSeconds / 1e9);
            }

            return best;
        }
        finally
        {
            NativeMemory.AlignedFree(data);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static unsafe float Sum(float* data, int count)
    {
        Vector<float> a = default, b = default, c = default, d = default;
        int lanes = Vector<float>.Count;
        for (float* end = data + count; data < end; data += 4 * lanes)
        {
            a += Vector.Load(data);
            b += Vector.Load(data + lanes);
            c += Vector.Load(data + (2 * lanes));
            d += Vector.Load(data + (3 * lanes));
        }

        return Vector.Sum(a + b + c + d);
    }
}
