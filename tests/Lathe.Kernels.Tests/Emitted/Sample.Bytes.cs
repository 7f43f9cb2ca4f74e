using System.Globalization;
using Lathe.Kernels.Loops;
using Lathe.Kernels.Loops.Text;

namespace Lathe.Kernels.Tests.Emitted;

/// <content>Convolutions of bytes, four of which are an element, in text.</content>
public static partial class Sample
{
    /// <summary>A convolution of unsigned bytes with signed ones, four channels an element, and a bias.</summary>
    /// <param name="c">The channels of the input divided by four.</param>
    /// <param name="o">The channels of the output.</param>
    /// <param name="h">The rows of the input.</param>
    /// <param name="w">The columns of the input.</param>
    /// <param name="k">The size of the window.</param>
    /// <param name="stride">How far the window moves.</param>
    /// <param name="pad">The padding on each side.</param>
    /// <param name="quantised">True if sums are scaled and rounded to bytes.</param>
    /// <param name="rowMajor">True if the input is row-major, as the words of an image are.</param>
    public static Computation OfBytes(long c, long o, long h, long w, long k = 1, long stride = 1, long pad = 0, bool quantised = false, bool rowMajor = false)
    {
        long oh = ((h + (2 * pad) - k) / stride) + 1, ow = ((w + (2 * pad) - k) / stride) + 1;
        return Parser.ParseComputation(string.Create(CultureInfo.InvariantCulture, $$"""
            computation dots: Convolution
            input x: int32[1, {{c}}, {{h}}, {{w}}] layout {{(rowMajor ? $"0,1,2+{pad}+{pad},3+{pad}+{pad}" : $"0,1/4,2+{pad}+{pad},3+{pad}+{pad},1%4")}}
            input u: int32[{{o}}, {{c}}, {{k}}, {{k}}] layout {{(rowMajor ? "0/16,1,2,3,0%16" : "0/16,1/4,2,3,1%4,0%16")}}
            input b: int32[{{o}}] layout 0/16,0%16
            {{(quantised ? $"input m: float32[{o}] layout 0/16,0%16" : "")}}
            output y: {{(quantised ? "uint8" : "int32")}}[1, {{o}}, {{oh}}, {{ow}}] layout 0,1/16,2,3,1%16
            stage dots writes y over n in 1, o in {{o}}, h in {{oh}}, w in {{ow}} reducing c in {{c}}, i in {{k}}, j in {{k}}
              sum: int32 = b(o) then dot4us(sum, x(n, c, {{stride}}*h + i - {{pad}}, {{stride}}*w + j - {{pad}}), u(o, c, i, j))
              result = {{(quantised ? "cast(cast(min(max(cast(sum, float32) * m(o), float32(-3)), float32(252)), int32 round) + int32(3), uint8)" : "sum")}}
            """));
    }

    /// <summary>A depthwise convolution of unsigned bytes with weights in float32, scaled and rounded to bytes.</summary>
    /// <param name="c">The channels.</param>
    /// <param name="size">The rows and columns of the input.</param>
    /// <param name="k">The size of the window.</param>
    /// <param name="stride">How far the window moves.</param>
    /// <param name="pad">The padding on each side.</param>
    public static Computation DepthwiseOfBytes(long c, long size, long k, long stride, long pad)
    {
        long places = ((size + (2 * pad) - k) / stride) + 1;
        return Parser.ParseComputation(string.Create(CultureInfo.InvariantCulture, $$"""
            computation channels: DepthwiseConvolution
            input x: uint8[1, {{c}}, {{size}}, {{size}}] layout 0,1/16,2+{{pad}}+{{pad}},3+{{pad}}+{{pad}},1%16
            input u: float32[{{c}}, 1, {{k}}, {{k}}] layout 0/16,1,2,3,0%16
            input b: float32[{{c}}] layout 0/16,0%16
            output y: uint8[1, {{c}}, {{places}}, {{places}}] layout 0,1/16,2,3,1%16
            stage channels writes y over n in 1, o in {{c}}, h in {{places}}, w in {{places}} reducing i in {{k}}, j in {{k}}
              sum: float32 = b(o) then fma(cast(x(n, o, {{stride}}*h + i - {{pad}}, {{stride}}*w + j - {{pad}}), float32), u(o, 0, i, j), sum)
              result = cast(cast(min(max(sum * float32(0.0625), float32(-3)), float32(252)), int32 round) + int32(3), uint8)
            """));
    }
}
