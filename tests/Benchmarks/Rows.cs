using Lathe.Kernels.Loops;
using Lathe.Kernels.Tests.Emitted;

namespace Lathe.Benchmarks;

/// <summary>What is measured.</summary>
internal static class Rows
{
    /// <summary>Names, floating-point operations and computations.</summary>
    public static IEnumerable<(string Name, double Flops, Computation Computation)> All
    {
        get
        {
            yield return Conv("conv3x3 64->64 56x56", 64, 64, 56, 3, 1, 1);
            yield return Conv("conv3x3 128->128 28x28", 128, 128, 28, 3, 1, 1);
            yield return Conv("conv3x3 256->256 14x14", 256, 256, 14, 3, 1, 1);
            yield return Conv("conv3x3 512->512 7x7", 512, 512, 7, 3, 1, 1);
            yield return Conv("conv3x3/2 64->128 56x56", 64, 128, 56, 3, 2, 1);
            yield return Conv("conv1x1 256->64 56x56", 256, 64, 56, 1, 1, 0);
            yield return Conv("conv1x1 64->256 56x56", 64, 256, 56, 1, 1, 0);
            yield return Conv("conv1x1 24->144 56x56", 24, 144, 56, 1, 1, 0);
            yield return Conv("conv1x1 144->24 56x56", 144, 24, 56, 1, 1, 0);
            yield return Conv("conv1x1 512->2048 7x7", 512, 2048, 7, 1, 1, 0);
            yield return Conv("conv1x1 32->16 112x112", 32, 16, 112, 1, 1, 0);
            yield return Winograd("winograd4 64->64 56x56", 4, 64, 64, 56);
            yield return Winograd("winograd4 128->128 28x28", 4, 128, 128, 28);
            yield return Winograd("winograd2 256->256 14x14", 2, 256, 256, 14);
            yield return Conv("conv7x7/2 3->64 224x224 row-major", 3, 64, 224, 7, 2, 3, rowMajor: true);
            yield return Conv("conv3x3/2 3->32 224x224 row-major", 3, 32, 224, 3, 2, 1, rowMajor: true);
            yield return Bytes("int8 conv3x3 64->64 56x56", 64, 64, 56, 3, 1, 1);
            yield return Bytes("int8 conv3x3 128->128 28x28", 128, 128, 28, 3, 1, 1);
            yield return Bytes("int8 conv3x3 512->512 7x7", 512, 512, 7, 3, 1, 1);
            yield return Bytes("int8 conv1x1 256->64 56x56", 256, 64, 56, 1, 1, 0);
            yield return Bytes("int8 conv1x1 64->256 56x56", 64, 256, 56, 1, 1, 0);
            yield return Bytes("int8 conv1x1 144->24 56x56", 144, 24, 56, 1, 1, 0);
            yield return Bytes("int8 conv1x1 512->2048 7x7", 512, 2048, 7, 1, 1, 0);
            yield return Bytes("int8 conv1x1 64->384 14x14", 64, 384, 14, 1, 1, 0);
            yield return Bytes("int8 conv1x1 16->96 112x112", 16, 96, 112, 1, 1, 0);
            yield return Bytes("int8 conv3x3 256->256 14x14", 256, 256, 14, 3, 1, 1);
            yield return Bytes("int8 conv1x1 32->16 112x112", 32, 16, 112, 1, 1, 0);
            yield return Bytes("int8 conv7x7/2 3->64 224x224 row-major", 3, 64, 224, 7, 2, 3);
            yield return ("int8 depthwise3x3/2 96 112x112", 2.0 * 96 * 9 * 56 * 56, Sample.DepthwiseOfBytes(96, 112, 3, 2, 1));
            yield return ("int8 depthwise3x3 144 56x56", 2.0 * 144 * 9 * 56 * 56, Sample.DepthwiseOfBytes(144, 56, 3, 1, 1));
            yield return Depthwise("depthwise3x3 144 56x56", 144, 56, 3, 1, 1);
            yield return Depthwise("depthwise3x3/2 96 112x112", 96, 112, 3, 2, 1);
            yield return Depthwise("depthwise5x5 240 28x28", 240, 28, 5, 1, 2);
        }
    }

    private static (string, double, Computation) Conv(string name, long ic, long oc, long size, long k, long stride, long pad, bool rowMajor = false)
    {
        long outSize = ((size + (2 * pad) - k) / stride) + 1;
        return (name, 2.0 * ic * oc * k * k * outSize * outSize, Sample.Convolution(1, ic, oc, size, size, k, stride, pad, rowMajorInput: rowMajor));
    }

    private static (string, double, Computation) Bytes(string name, long ic, long oc, long size, long k, long stride, long pad)
    {
        long outSize = ((size + (2 * pad) - k) / stride) + 1;
        return (name, 2.0 * ic * oc * k * k * outSize * outSize, Sample.OfBytes((ic + 3) / 4, oc, size, size, k, stride, pad, quantised: true, rowMajor: ic < 4));
    }

    /// <summary>Counted as the direct convolution, so that shares of the peak compare.</summary>
    private static (string, double, Computation) Winograd(string name, long tile, long ic, long oc, long size) =>
        (name, 2.0 * ic * oc * 9 * size * size, Sample.Winograd(tile, 1, ic, oc, size, size));

    private static (string, double, Computation) Depthwise(string name, long channels, long size, long k, long stride, long pad)
    {
        long outSize = ((size + (2 * pad) - k) / stride) + 1;
        return (name, 2.0 * channels * k * k * outSize * outSize, Sample.Depthwise(1, channels, size, size, k, stride, pad));
    }
}
