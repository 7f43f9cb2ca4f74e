using System.Globalization;
using Lathe.Kernels.Loops;
using Lathe.Kernels.Loops.Text;

namespace Lathe.Kernels.Tests.Emitted;

/// <content>Winograd's algorithm, in text.</content>
public static partial class Sample
{
    /// <summary>A 3x3 convolution by tiles of m outputs, padded by one.</summary>
    public static Computation Winograd(long m, long n, long c, long o, long h, long w, string layout = "0,1/16,2+1+1,3,1%16")
    {
        long t = m + 2, th = (h + m - 1) / m, tw = (w + m - 1) / m;
        (string bt, string at) = m == 2
            ? ("1, 0, -1, 0,  0, 1, 1, 0,  0, -1, 1, 0,  0, -1, 0, 1", "1, 1, 1, 0,  0, 1, -1, 1")
            : ("4, 0, -5, 0, 1, 0,  0, -4, -4, 1, 1, 0,  0, 4, -4, -1, 1, 0,  0, -2, -1, 2, 1, 0,  0, 2, -1, -2, 1, 0,  0, 4, 0, -5, 0, 1",
                "1, 1, 1, 1, 1, 0,  0, 1, -1, 2, -2, 0,  0, 1, 1, 4, 4, 0,  0, 1, -1, 8, -8, 1");
        return Parser.ParseComputation(string.Create(CultureInfo.InvariantCulture, $$"""
            computation winograd: Winograd
            input x: float32[{{n}}, {{c}}, {{h}}, {{w}}] layout 0,1/16,2+1+{{(th * m) + 1 - h}},3+1+{{(tw * m) + 1 - w}},1%16
            input u: float32[{{t}}, {{t}}, {{c}}, {{o}}] layout 0,1,3/16,2,3%16
            input bias: float32[{{o}}] layout 0/16,0%16
            output y: float32[{{n}}, {{o}}, {{h}}, {{w}}] layout {{layout}}
            constant bt: float32[{{t}}, {{t}}] = { {{bt}} }
            constant at: float32[{{m}}, {{t}}] = { {{at}} }
            temporary a: float32[{{n}}, {{th}}, {{tw}}, {{t}}, {{t}}, {{c}}]
            temporary b: float32[{{t}}, {{t}}, {{n}}, {{th}}, {{tw}}, {{c}}]
            temporary p: float32[{{t}}, {{t}}, {{n}}, {{th}}, {{tw}}, {{o}}]
            temporary d: float32[{{n}}, {{th}}, {{tw}}, {{m}}, {{t}}, {{o}}]
            stage columns writes a over n in {{n}}, th in {{th}}, tw in {{tw}}, i in {{t}}, j in {{t}}, c in {{c}} reducing k in {{t}}
              sum: float32 = float32(0) then select(bt(i, k) == float32(0), sum, fma(bt(i, k), x(n, c, {{m}}*th + k - 1, {{m}}*tw + j - 1), sum))
              result = sum
            stage rows writes b over i in {{t}}, j in {{t}}, n in {{n}}, th in {{th}}, tw in {{tw}}, c in {{c}} reducing k in {{t}}
              sum: float32 = float32(0) then select(bt(j, k) == float32(0), sum, fma(bt(j, k), a(n, th, tw, i, k, c), sum))
              result = sum
            stage products writes p over i in {{t}}, j in {{t}}, n in {{n}}, th in {{th}}, tw in {{tw}}, o in {{o}} reducing c in {{c}}
              sum: float32 = float32(0) then fma(b(i, j, n, th, tw, c), u(i, j, c, o), sum)
              result = sum
            stage back writes d over n in {{n}}, th in {{th}}, tw in {{tw}}, i in {{m}}, j in {{t}}, o in {{o}} reducing k in {{t}}
              sum: float32 = float32(0) then select(at(i, k) == float32(0), sum, fma(at(i, k), p(k, j, n, th, tw, o), sum))
              result = sum
            stage last writes y over n in {{n}}, o in {{o}}, h in {{h}}, w in {{w}} reducing k in {{t}}
              sum: float32 = bias(o) then select(at(w mod {{m}}, k) == float32(0), sum, fma(at(w mod {{m}}, k), d(n, h div {{m}}, w div {{m}}, h mod {{m}}, k, o), sum))
              result = max(sum, float32(0))
            """));
    }
}
