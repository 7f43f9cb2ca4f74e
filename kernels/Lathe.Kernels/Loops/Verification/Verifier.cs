namespace Lathe.Kernels.Loops.Verification;

/// <summary>
/// Says what is wrong with a computation or a kernel. Each violation is a sentence that names the place; none means that targets and the
/// interpreter understand it. Bounds, unset memory and races are the interpreter's to find.
/// </summary>
public static class Verifier
{
    /// <summary>The violations of a computation.</summary>
    public static IReadOnlyList<string> Verify(Computation computation) => new ComputationRules(computation).Run();

    /// <summary>The violations of a kernel of the scheduled dialect.</summary>
    public static IReadOnlyList<string> VerifyScheduled(Kernel kernel) => new KernelRules(kernel, null).Run();

    /// <summary>The violations of a kernel of the final dialect.</summary>
    /// <param name="kernel">The kernel.</param>
    /// <param name="vectorBytes">The size of the machine's vectors.</param>
    public static IReadOnlyList<string> VerifyFinal(Kernel kernel, int vectorBytes) => new KernelRules(kernel, new FinalRules(vectorBytes)).Run();

    /// <summary>Throws if there are violations.</summary>
    /// <param name="violations">What one of the other methods gave.</param>
    /// <param name="after">What was done last, for the message.</param>
    /// <exception cref="InvalidOperationException">There are some; the message lists the first of them.</exception>
    public static void ThrowIfAny(IReadOnlyList<string> violations, string after)
    {
        const int Shown = 20;
        if (violations.Count == 0) return;
        string more = violations.Count > Shown ? $"\nand {violations.Count - Shown} more" : string.Empty;
        throw new InvalidOperationException($"After {after}:\n{string.Join('\n', violations.Take(Shown))}{more}");
    }
}
