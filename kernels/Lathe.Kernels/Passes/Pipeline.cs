using Lathe.Kernels.Loops;
using Lathe.Kernels.Targets;

namespace Lathe.Kernels.Passes;

/// <summary>The order of the passes, stated once. Each takes and gives a whole kernel, which the interpreter runs to the same bits before and after.</summary>
public static class Pipeline
{
    /// <summary>The name of the pass that changes bits: it replaces functions by polynomials.</summary>
    public const string ExpandMathName = "expand-math";

    /// <summary>
    /// Every pass in order with its name. Lowering has peeled incomplete tiles already: it knows their sizes, which a pass would have to find
    /// again.
    /// </summary>
    public static IReadOnlyList<(string Name, Func<Kernel, Machine, Kernel> Run)> Passes { get; } =
    [
        // 0. What ranges decide already.
        ("simplify", (kernel, _) => Simplify.Run(kernel)),
        // 1. While the program is small, and before copies hide the loops.
        ("vectorise", Vectorise.Run),
        // 2. Register arrays are left with constant indices.
        ("unroll", (kernel, _) => Unroll.Run(kernel)),
        // 3. Functions become arithmetic of the machine's width.
        (ExpandMathName, (kernel, _) => ExpandMath.Run(kernel)),
        // 4. No register arrays from here on.
        ("scalars", (kernel, _) => Scalars.Run(kernel)),
        // 5. Before sharing, which names what is left inside.
        ("hoist", Hoist.Run),
        // 6. Indices are still in normal form, so that equal loads are seen to be equal.
        ("share", (kernel, _) => Share.Run(kernel)),
        // 7. Last, because it destroys the form of indices that all others read.
        ("addresses", (kernel, _) => Addresses.Run(kernel)),
    ];

    /// <summary>Scheduled dialect → final dialect.</summary>
    public static Kernel Run(Kernel kernel, Machine machine)
    {
        foreach ((_, Func<Kernel, Machine, Kernel> pass) in Passes) kernel = pass(kernel, machine);
        return kernel;
    }
}
