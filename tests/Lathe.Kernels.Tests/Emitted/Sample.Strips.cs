using System.Globalization;
using Lathe.Kernels.Loops;
using Lathe.Kernels.Loops.Text;

namespace Lathe.Kernels.Tests.Emitted;

/// <content>Convolutions that follow one another, in text.</content>
public static partial class Sample
{
    /// <summary>A depthwise convolution, with a pointwise one before it, one after it, or both.</summary>
    /// <param name="c">The channels of the input; 0 for no convolution before.</param>
    /// <param name="e">The channels of the depthwise convolution.</param>
    /// <param name="o">The channels of the output; 0 for no convolution after.</param>
    /// <param name="h">The rows before the depthwise convolution.</param>
    /// <param name="w">The columns before it.</param>
    /// <param name="k">The size of its window.</param>
    /// <param name="stride">How far the window moves.</param>
    /// <param name="dilation">How far its elements are apart.</param>
    /// <param name="pad">The padding on each side.</param>
    /// <param name="after">The padding below and on the right, where it is another.</param>
    public static Computation Strips(long c, long e, long o, long h, long w, long k = 3, long stride = 1, long dilation = 1, long pad = 1, long? after = null)
    {
        long reach = ((k - 1) * dilation) + 1, high = after ?? pad, th = ((h + pad + high - reach) / stride) + 1, tw = ((w + pad + high - reach) / stride) + 1;
        string halo = $"0,1/16,2+{pad}+{high},3+{pad}+{high},1%16";
        string shift = $"{stride}*h + {dilation}*i - {pad}, {stride}*w + {dilation}*j - {pad}";
        return Parser.ParseComputation(string.Create(CultureInfo.InvariantCulture, $$"""
            computation strips: Strips
            {{(c > 0 ? $"input x: float32[1, {c}, {h}, {w}] layout 0,1/16,2,3,1%16" : $"input x: float32[1, {e}, {h}, {w}] layout {halo}")}}
            {{(c > 0 ? $"input we: float32[{e}, {c}, 1, 1] layout 0/16,1/16,2,3,1%16,0%16\ninput be: float32[{e}] layout 0/16,0%16" : "")}}
            input wd: float32[{{e}}, 1, {{k}}, {{k}}] layout 0/16,1,2,3,0%16
            input bd: float32[{{e}}] layout 0/16,0%16
            {{(o > 0 ? $"input wp: float32[{o}, {e}, 1, 1] layout 0/16,1/16,2,3,1%16,0%16\ninput bp: float32[{o}] layout 0/16,0%16" : "")}}
            output y: float32[1, {{(o > 0 ? o : e)}}, {{th}}, {{tw}}] layout 0,1/16,2+0+1,3+1+0,1%16
            {{(c > 0 ? $"temporary a: float32[1, {e}, {h}, {w}] layout {halo}" : "")}}
            {{(o > 0 ? $"temporary d: float32[1, {e}, {th}, {tw}] layout 0,1/16,2,3,1%16" : "")}}
            {{(c > 0 ? $"""
                stage expand writes a over n in 1, o in {e}, h in {h}, w in {w} reducing c in {c}
                  sum: float32 = be(o) then fma(x(n, c, h, w), we(o, c, 0, 0), sum)
                  result = max(sum, float32(0))
                """ : "")}}
            stage depthwise writes {{(o > 0 ? "d" : "y")}} over n in 1, o in {{e}}, h in {{th}}, w in {{tw}} reducing i in {{k}}, j in {{k}}
              sum: float32 = bd(o) then fma({{(c > 0 ? "a" : "x")}}(n, o, {{shift}}), wd(o, 0, i, j), sum)
              result = max(sum, float32(0))
            {{(o > 0 ? $"""
                stage project writes y over n in 1, o in {o}, h in {th}, w in {tw} reducing c in {e}
                  sum: float32 = bp(o) then fma(d(n, c, h, w), wp(o, c, 0, 0), sum)
                  result = sum
                """ : "")}}
            """));
    }
}
