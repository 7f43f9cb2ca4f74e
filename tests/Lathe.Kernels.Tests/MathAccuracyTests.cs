using Lathe.Kernels.Loops;
using Lathe.Kernels.Loops.Interpretation;
using Lathe.Kernels.Schedules;
using Lathe.Kernels.Targets;
using Lathe.Runtime;

namespace Lathe.Kernels.Tests;

/// <summary>The errors that <see cref="Passes.ExpandMath"/> states, over all magnitudes at which the function changes.</summary>
internal sealed class MathAccuracyTests
{
    private static readonly (UnaryOp Op, Func<double, double> Function, double Ulp)[] Functions =
    [
        (UnaryOp.Exp, Math.Exp, 1.3),
        (UnaryOp.Log, Math.Log, 1.2),
        (UnaryOp.Tanh, Math.Tanh, 2),
        (UnaryOp.Sigmoid, x => 1 / (1 + Math.Exp(-x)), 2.5),
    ];

    [Test]
    public void Function_IsAsCloseAsStated([Values(UnaryOp.Exp, UnaryOp.Log, UnaryOp.Tanh, UnaryOp.Sigmoid)] UnaryOp op)
    {
        (_, Func<double, double> function, double most) = Functions.Single(f => f.Op == op);
        float[] x = [.. Arguments(op).Distinct()];
        float[] y = Run(op, x);
        double worst = 0, at = 0;
        for (int i = 0; i < x.Length; i++)
        {
            double exact = function(x[i]);
            // Results that are no normal numbers have their own test.
            if (Math.Abs(exact) < 1.1754944e-38 || Math.Abs(exact) > float.MaxValue) continue;
            float rounded = Math.Abs((float)exact);
            double ulp = (double)MathF.BitIncrement(rounded) - rounded, error = Math.Abs(y[i] - exact) / ulp;
            if (error > worst) (worst, at) = (error, x[i]);
        }

        Assert.That(worst, Is.LessThanOrEqualTo(most), $"at {at:R}");
        Assert.That(worst, Is.GreaterThan(0.3), "a function that is never off is not the one in use");
    }

    [Test]
    public void Sigmoid_AtTheEnds()
    {
        float[] y = Run(UnaryOp.Sigmoid, [float.NegativeInfinity, -1000, -0f, 0, 1000, float.PositiveInfinity, float.NaN]);
        Assert.That(y[..2], Is.All.InRange(0f, 1e-38f));
        Assert.That(y[2..6], Is.EqualTo(new[] { 0.5f, 0.5f, 1f, 1f }));
        Assert.That(y[6], Is.NaN);
    }

    private static IEnumerable<float> Arguments(UnaryOp op)
    {
        Random random = new(1);
        (double low, double high) = op switch { UnaryOp.Log => (1e-3, 1e3), UnaryOp.Exp => (-87, 88), UnaryOp.Tanh => (-10, 10), _ => (-86, 30) };
        for (int i = 0; i < 6000; i++) yield return (float)(low + ((high - low) * random.NextDouble()));
        for (int i = 0; i < 3000; i++)
        {
            float size = (float)Math.Pow(10, (random.NextDouble() * 16) - 12);
            if (size < high) yield return op == UnaryOp.Log || i % 2 == 0 || -size < low ? size : -size;
        }
    }

    private static float[] Run(UnaryOp op, float[] x)
    {
        Tensor input = new("x0", ElementType.Float32, [x.Length], Layout.RowMajor(1)), output = new("y", ElementType.Float32, [x.Length], Layout.RowMajor(1));
        Axis axis = Axis.Of("i", x.Length);
        Stage stage = new("f", output, [axis], [], [], new Unary(op, new Access(input, [axis.Variable])));
        ScheduledKernel kernel = KernelCompiler.Compile(new Computation("f", KernelFamily.Map, [stage], [input], [output], []), Machine.Vector128);
        Memory given = Memory.Zeros(ElementType.Float32, x.Length), made = Memory.Uninitialised(ElementType.Float32, x.Length);
        for (int i = 0; i < x.Length; i++) given.SetFloat(i, x[i]);
        Interpreter.Run(kernel.Kernel, [given, made], []);
        return [.. Enumerable.Range(0, x.Length).Select(i => (float)made.GetFloat(i))];
    }
}
