using Lathe.Kernels.Loops;
using Lathe.Kernels.Loops.Interpretation;
using Lathe.Kernels.Loops.Text;
using Lathe.Kernels.Loops.Verification;
using Lathe.Runtime;

namespace Lathe.Kernels.Tests;

/// <summary>The programs of <c>docs/decisions/loop-ir</c>: each is valid and computes what a plain C# reference does.</summary>
public sealed class ExpressivenessTests
{
    private static readonly string Folder = Path.Combine(Places.Root, "docs", "decisions", "loop-ir");

    private static IEnumerable<string> Programs() => Directory.EnumerateFiles(Folder, "*.loop").Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal);

    private static IEnumerable<string> Computations() => Directory.EnumerateFiles(Folder, "*.computation").Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal);

    [TestCaseSource(nameof(Programs))]
    public void Program_ParsedAndPrinted_IsValidAndTheSame(string file)
    {
        Kernel kernel = Read(file);
        Assert.That(Verifier.VerifyScheduled(kernel), Is.Empty);
        Assert.That(Parser.ParseKernel(Printer.Print(kernel)), Is.EqualTo(kernel));
    }

    [TestCaseSource(nameof(Computations))]
    public void Computation_ParsedAndPrinted_IsValidAndTheSame(string file)
    {
        Computation computation = Parser.ParseComputation(File.ReadAllText(Path.Combine(Folder, file)));
        Assert.That(Verifier.Verify(computation), Is.Empty);
        Assert.That(Parser.ParseComputation(Printer.Print(computation)), Is.EqualTo(computation));
    }

    [TestCase(2, 15)]
    [TestCase(1, 14)]
    public void Convolution3x3_TilesAndTail_MatchesReference(int h, int w)
    {
        Convolution c = new(new Random(1), 32, 64, h, w);
        float[] weights = new float[2 * 2 * 3 * 48 * 32];
        foreach ((int oc, int ic, int kh, int kw) in c.Taps())
            weights[((((((((oc / 32) * 2) + (ic / 16)) * 3) + kh) * 48) + (kw * 16) + (ic % 16)) * 32) + (oc % 32)] = c.Weights[oc, ic, kh, kw];
        float[] y = Run(Read("convolution-3x3.loop"), 64 * h * w, [h, w], c.Blocked(), weights, c.Bias);
        c.Check(y, relu: true, tolerance: 2e-5);
    }

    [TestCase(5, 4)]
    [TestCase(1, 6)]
    public void Winograd_TilesAndTails_MatchesReference(int h, int w)
    {
        Convolution c = new(new Random(2), 32, 32, h, w);
        float[] y = Run(Read("winograd-f4x4.loop"), 32 * h * w, [h, w], c.Blocked(), c.Transformed(), c.Bias);
        c.Check(y, relu: false, tolerance: 2e-4);

        Memory output = Memory.Uninitialised(ElementType.Float32, 32 * h * w);
        Computation computation = Parser.ParseComputation(File.ReadAllText(Path.Combine(Folder, "winograd-f4x4.computation")));
        ComputationInterpreter.Run(computation, [Memory.Of(c.Blocked()), Memory.Of(c.Transformed()), Memory.Of(c.Bias), output], [h, w]);
        c.Check(output.As<float>().ToArray(), relu: false, tolerance: 2e-4);
    }

    [TestCase(7, 10)]
    [TestCase(2, 7)]
    public void InvertedResidual_RollingStrips_MatchesReferenceInSlicesToo(int h, int w)
    {
        Random random = new(3);
        float[] x = Random(random, h * w * 16), we = Random(random, 16 * 32), be = Random(random, 32), wd = Random(random, 2 * 9 * 16), bd = Random(random, 32),
            wp = Random(random, 32 * 16), bp = Random(random, 16);
        double[] expanded = new double[h * w * 32], depthwise = new double[h * w * 32];
        for (int p = 0; p < h * w; p++)
            for (int e = 0; e < 32; e++)
                expanded[(p * 32) + e] = Clip(be[e] + Sum(16, c => x[(p * 16) + c] * (double)we[(c * 32) + e]));
        for (int p = 0; p < h * w; p++)
        {
            for (int e = 0; e < 32; e++)
            {
                depthwise[(p * 32) + e] = Clip(bd[e] + Sum(9, k =>
                {
                    int row = (p / w) + (k / 3) - 1, column = (p % w) + (k % 3) - 1;
                    return row < 0 || row >= h || column < 0 || column >= w ? 0 : expanded[(((row * w) + column) * 32) + e] * wd[((e / 16) * 144) + (k * 16) + (e % 16)];
                }));
            }
        }

        double[] expected = [.. Enumerable.Range(0, h * w * 16).Select(i => x[i] + bp[i % 16] + Sum(32, e => depthwise[(i / 16 * 32) + e] * wp[(e * 16) + (i % 16)]))];
        Kernel kernel = Read("inverted-residual.loop");
        float[] whole = Run(kernel, expected.Length, [h, w], x, we, be, wd, bd, wp, bp);
        Close(whole, expected, 1e-4);

        Memory[] buffers = [.. new[] { x, we, be, wd, bd, wp, bp }.Select(b => Memory.Of(b)), Memory.Uninitialised(ElementType.Float32, expected.Length)];
        Interpreter interpreter = new(kernel);
        for (int s = Interpreter.ParallelExtent(kernel, [h, w]) is var extent ? (int)extent - 1 : 0; s >= 0; s--) interpreter.Run(buffers, [h, w], s, s + 1);
        Assert.That(buffers[^1].As<float>().ToArray(), Is.EqualTo(whole), "strip by strip, backwards");
    }

    [TestCase(3, 6)]
    [TestCase(2, 4)]
    public void ConvolutionU8U8_BothZeroPoints_IsExact(int h, int w)
    {
        Random random = new(4);
        const int zx = 37, zw = 120, zy = 5;
        byte[] x = new byte[h * w * 8], weights = new byte[16 * 8 * 9];
        random.NextBytes(x);
        random.NextBytes(weights);
        int[] bias = [.. Enumerable.Range(0, 16).Select(_ => random.Next(-9000, 9000))];
        float[] scale = [.. Enumerable.Range(0, 16).Select(_ => (float)(random.NextDouble() * 0.002))];
        int At(int oc, int ic, int k) => weights[(((oc * 8) + ic) * 9) + k];

        byte[] padded = new byte[(h + 2) * (w + 2) * 8];
        Array.Fill(padded, (byte)zx);
        for (int i = 0; i < x.Length; i++) padded[(((((i / 8 / w) + 1) * (w + 2)) + (i / 8 % w) + 1) * 8) + (i % 8)] = x[i];
        sbyte[] packed = new sbyte[3 * 6 * 16 * 4];
        for (int k = 0; k < 9; k++)
            for (int ic = 0; ic < 8; ic++)
                for (int oc = 0; oc < 16; oc++)
                    packed[((((k / 3) * 6) + (k % 3 * 2) + (ic / 4)) * 64) + (oc * 4) + (ic % 4)] = (sbyte)(At(oc, ic, k) - 128);
        int[] folded = [.. bias.Select((b, oc) => b - (zx * Enumerable.Range(0, 72).Sum(i => At(oc, i / 9, i % 9) - zw)))];

        Memory y = Memory.Uninitialised(ElementType.UInt8, h * w * 16);
        Memory[] buffers = [Memory.Of(padded), Memory.Of(packed), Memory.Of(folded), Memory.Of(zw - 128), Memory.Of(scale), Memory.Of((float)zy), y];
        Interpreter.Run(Read("convolution-u8u8.loop"), buffers, [h, w]);
        int inner = 0;
        for (int i = 0; i < h * w * 16; i++)
        {
            int oc = i % 16, row = i / 16 / w, column = i / 16 % w, sum = bias[oc];
            for (int k = 0; k < 9; k++)
            {
                int r = row + (k / 3) - 1, c = column + (k % 3) - 1;
                if (r < 0 || r >= h || c < 0 || c >= w) continue;
                for (int ic = 0; ic < 8; ic++) sum += (x[(((r * w) + c) * 8) + ic] - zx) * (At(oc, ic, k) - zw);
            }

            float rounded = MathF.Round(sum * scale[oc], MidpointRounding.ToEven) + zy;
            if (rounded is > 0 and < 255) inner++;
            Assert.That(y.As<byte>()[i], Is.EqualTo((byte)Math.Clamp(rounded, 0, 255)), $"{row} {column} {oc}");
        }

        Assert.That(inner, Is.GreaterThan(h * w * 4), "most are not saturated");
    }

    [TestCase(5, 21)]
    [TestCase(1, 3)]
    [TestCase(2, 32)]
    public void Attention_OnlineSoftmax_MatchesReference(int t, int s)
    {
        Random random = new(5);
        float[] q = Random(random, t * 32, 6), k = Random(random, s * 32, 6), v = Random(random, s * 32), packed = new float[(s + 15) / 16 * 512];
        for (int i = 0; i < k.Length; i++) packed[(i / 32 / 16 * 512) + (i % 32 * 16) + (i / 32 % 16)] = k[i];
        double[] expected = new double[t * 32];
        for (int i = 0; i < t; i++)
        {
            double[] scores = [.. Enumerable.Range(0, s).Select(j => Sum(32, c => q[(i * 32) + c] * (double)k[(j * 32) + c]) / Math.Sqrt(32))];
            double[] weights = [.. scores.Select(score => Math.Exp(score - scores.Max()))];
            for (int c = 0; c < 32; c++) expected[(i * 32) + c] = Sum(s, j => weights[j] * v[(j * 32) + c]) / weights.Sum();
        }

        Close(Run(Read("attention.loop"), t * 32, [t, s], q, packed, v), expected, 2e-5);

        Memory output = Memory.Uninitialised(ElementType.Float32, t * 32);
        Computation computation = Parser.ParseComputation(File.ReadAllText(Path.Combine(Folder, "attention.computation")));
        ComputationInterpreter.Run(computation, [Memory.Of(q), Memory.Of(packed), Memory.Of(v), output], [t, s]);
        Close(output.As<float>().ToArray(), expected, 2e-5);
    }

    [TestCase(37, 45, 19)]
    [TestCase(32, 32, 8)]
    [TestCase(1, 3, 1)]
    public void GpuMatMul_LocalMemoryAndTails_MatchesReference(int m, int n, int k)
    {
        Random random = new(6);
        float[] a = Random(random, m * k), b = Random(random, k * n);
        double[] expected = [.. Enumerable.Range(0, m * n).Select(i => Sum(k, x => a[(i / n * k) + x] * (double)b[(x * n) + (i % n)]))];
        Close(Run(Read("gpu-matmul.loop"), m * n, [m, n, k], a, b), expected, 1e-5);
    }

    [TestCase(0, "never written")]
    [TestCase(1, "another work-item")]
    public void GpuMatMul_WithoutABarrier_IsARace(int barrier, string problem)
    {
        string[] parts = File.ReadAllText(Path.Combine(Folder, "gpu-matmul.loop")).Split("              barrier\n");
        Assert.That(parts, Has.Length.EqualTo(3));
        Kernel kernel = Parser.ParseKernel(barrier == 0 ? $"{parts[0]}{parts[1]}              barrier\n{parts[2]}" : $"{parts[0]}              barrier\n{parts[1]}{parts[2]}");
        Assert.That(() => Run(kernel, 9, [3, 3, 20], new float[60], new float[60]), Throws.TypeOf<InterpreterException>().With.Message.Contains(problem));
    }

    private static Kernel Read(string file) => Parser.ParseKernel(File.ReadAllText(Path.Combine(Folder, file)));

    private static float[] Run(Kernel kernel, int length, long[] dims, params float[][] inputs)
    {
        Memory output = Memory.Uninitialised(ElementType.Float32, length);
        Assert.That(Interpreter.Run(kernel, [.. inputs.Select(i => Memory.Of(i)), output], dims), Is.Zero);
        Assert.That(Enumerable.Range(0, length).All(i => output.IsWritten(i)), "every element is written");
        return output.As<float>().ToArray();
    }

    private static float[] Random(Random random, int count, double span = 2) => [.. Enumerable.Range(0, count).Select(_ => (float)((random.NextDouble() - 0.5) * span))];

    private static double Sum(int count, Func<int, double> term) => Enumerable.Range(0, count).Sum(term);

    private static double Clip(double value) => Math.Clamp(value, 0, 6);

    private static void Close(float[] actual, double[] expected, double tolerance)
    {
        double worst = actual.Zip(expected, (a, e) => double.IsFinite(a) ? Math.Abs(a - e) / Math.Max(1, Math.Abs(e)) : double.PositiveInfinity).Max();
        Assert.That(worst, Is.LessThan(tolerance));
        Assert.That(expected.Max(Math.Abs), Is.GreaterThan(0.1), "the values say something");
    }

    /// <summary>A 3x3 convolution with padding 1 in plain tensors.</summary>
    private sealed class Convolution
    {
        private readonly float[,,] _x;
        private readonly int _ic, _oc, _h, _w;

        public Convolution(Random random, int ic, int oc, int h, int w)
        {
            (_ic, _oc, _h, _w) = (ic, oc, h, w);
            _x = new float[ic, h, w];
            for (int c = 0; c < ic; c++)
                for (int p = 0; p < h * w; p++) _x[c, p / w, p % w] = (float)(random.NextDouble() - 0.5);
            Weights = new float[oc, ic, 3, 3];
            foreach ((int o, int i, int kh, int kw) in Taps()) Weights[o, i, kh, kw] = (float)(random.NextDouble() - 0.5);
            Bias = Random(random, oc);
        }

        public float[,,,] Weights { get; }

        public float[] Bias { get; }

        public IEnumerable<(int Oc, int Ic, int Kh, int Kw)> Taps() =>
            from o in Enumerable.Range(0, _oc) from i in Enumerable.Range(0, _ic) from k in Enumerable.Range(0, 9) select (o, i, k / 3, k % 3);

        /// <summary>The input in blocks of 16 channels with a halo of zeros.</summary>
        public float[] Blocked()
        {
            float[] blocked = new float[_ic * (_h + 2) * (_w + 2)];
            for (int c = 0; c < _ic; c++)
                for (int p = 0; p < _h * _w; p++)
                    blocked[((((((c / 16) * (_h + 2)) + (p / _w) + 1) * (_w + 2)) + (p % _w) + 1) * 16) + (c % 16)] = _x[c, p / _w, p % _w];
            return blocked;
        }

        /// <summary>G * g * transpose(G) of every filter, as 36 matrices of input by output channels.</summary>
        public float[] Transformed()
        {
            double[,] g = { { 0.25, 0, 0 }, { -1 / 6.0, -1 / 6.0, -1 / 6.0 }, { -1 / 6.0, 1 / 6.0, -1 / 6.0 }, { 1 / 24.0, 1 / 12.0, 1 / 6.0 }, { 1 / 24.0, -1 / 12.0, 1 / 6.0 }, { 0, 0, 1 } };
            float[] u = new float[36 * _ic * _oc];
            for (int x = 0; x < 36; x++)
                for (int i = 0; i < _ic; i++)
                    for (int o = 0; o < _oc; o++)
                        u[(((x * _ic) + i) * _oc) + o] = (float)Sum(9, k => g[x / 6, k / 3] * Weights[o, i, k / 3, k % 3] * g[x % 6, k % 3]);
            return u;
        }

        /// <summary>Compares an output in blocks of 16 channels.</summary>
        public void Check(float[] y, bool relu, double tolerance)
        {
            double[] expected = new double[_oc * _h * _w];
            for (int o = 0; o < _oc; o++)
            {
                for (int p = 0; p < _h * _w; p++)
                {
                    double sum = Bias[o] + Sum(_ic * 9, n =>
                    {
                        int row = (p / _w) + (n / 3 % 3) - 1, column = (p % _w) + (n % 3) - 1;
                        return row < 0 || row >= _h || column < 0 || column >= _w ? 0 : _x[n / 9, row, column] * (double)Weights[o, n / 9, n / 3 % 3, n % 3];
                    });
                    expected[(((((o / 16) * _h * _w) + p) * 16) + (o % 16))] = relu ? Math.Max(sum, 0) : sum;
                }
            }

            Close(y, expected, tolerance);
        }
    }
}
