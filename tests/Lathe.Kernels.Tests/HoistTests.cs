using Lathe.Kernels.Loops;
using Lathe.Kernels.Loops.Text;
using Lathe.Kernels.Passes;
using Lathe.Kernels.Targets;

namespace Lathe.Kernels.Tests;

/// <summary>What stands before a loop when the pass has run, and what stays in it.</summary>
public sealed class HoistTests
{
    private const string Head = """
        kernel blend(X: float32, Z: int32, out Y: float32, out N: int32)
          let a = X[0 : 8]
          let b = X[8 : 8]
          let p = Z[0]
          let q = Z[1]

        """;

    private static IEnumerable<TestCaseData> Kernels()
    {
        yield return Case(
            "arithmetic on held vectors moves",
            """
              serial i in 0..4
                Y[8*i : 8] = fma(a, b, b) + X[8*i : 8]
            """,
            """
              let held1 = fma(a, b, b)
              serial i in 0..4
                Y[8*i : 8] = held1 + X[8*i : 8]
            """);
        yield return Case(
            "the largest part that does not vary moves",
            """
              serial i in 0..4
                Y[8*i : 8] = fma(a, b, a * b) * X[8*i : 8]
            """,
            """
              let held1 = fma(a, b, a * b)
              serial i in 0..4
                Y[8*i : 8] = held1 * X[8*i : 8]
            """);
        yield return Case(
            // The inner loop's name for it stays, a copy that takes no instruction.
            "it moves out of all loops in which it does not vary",
            """
              serial i in 0..4
                serial j in 0..4
                  Y[32*i + 8*j : 8] = fma(a, b, b) + X[32*i + 8*j : 8]
            """,
            """
              let held2 = fma(a, b, b)
              serial i in 0..4
                let held1 = held2
                serial j in 0..4
                  Y[32*i + 8*j : 8] = held1 + X[32*i + 8*j : 8]
            """);
        yield return Stays(
            "what the loop's variable is in",
            """
              serial i in 0..4
                Y[8*i : 8] = fma(a, float32x8[i], b)
            """);
        yield return Stays(
            "what is assigned in the loop",
            """
              local s: float32x8
              s = a
              serial i in 0..4
                s = fma(s, b, a)
                Y[8*i : 8] = fma(s, s, b)
            """);
        yield return Stays(
            "what the loop names",
            """
              serial i in 0..4
                let x = X[8*i : 8]
                Y[8*i : 8] = fma(x, b, b)
            """);
        yield return Case(
            "products of integers in it move too",
            """
              serial i in 0..4
                Y[8*i : 8] = fma(a, splat(cast(p * q, float32), 8), b)
            """,
            """
              let held1 = fma(a, splat(cast(p * q, float32), 8), b)
              serial i in 0..4
                Y[8*i : 8] = held1
            """);
        yield return Stays(
            "a division of integers, which may be one by zero",
            """
              serial i in 0..4
                Y[8*i : 8] = fma(a, splat(cast(p / q, float32), 8), b)
            """);
        yield return Case(
            "the arithmetic of an index from data moves",
            """
              serial i in 0..4
                N[i] = gather(Z, p * q + p)
            """,
            """
              let held1 = p * q + p
              serial i in 0..4
                N[i] = gather(Z, held1)
            """);
        yield return Stays(
            "an index with a division",
            """
              serial i in 0..4
                N[i] = gather(Z, p / q + p)
            """);
    }

    [TestCaseSource(nameof(Kernels))]
    public void Run_GivesTheText(string before, string after) => Assert.That(Printer.Print(Hoist.Run(Parser.ParseKernel(before), Machine.Avx2)), Is.EqualTo(after));

    /// <summary>Without registers for what would be held, all stays.</summary>
    [Test]
    public void Run_WithoutRegisters_ChangesNothing()
    {
        string text = Text(
            """
              serial i in 0..4
                Y[8*i : 8] = fma(a, b, b) + X[8*i : 8]
            """);
        Assert.That(Printer.Print(Hoist.Run(Parser.ParseKernel(text), Machine.Avx2 with { Registers = 6 })), Is.EqualTo(text));
    }

    private static string Text(string loops) => Head + loops + "\n";

    private static TestCaseData Case(string name, string before, string after) => new TestCaseData(Text(before), Text(after)).SetArgDisplayNames(name);

    private static TestCaseData Stays(string name, string loops) => Case(name, loops, loops);
}
