using Lathe.Kernels.Loops;

namespace Lathe.Kernels.Lowering;

/// <summary>The sentence that heads a kernel in emitted source: shapes and layouts.</summary>
internal static class Summary
{
    public static string Of(Computation computation)
    {
        string inputs = string.Join(", ", computation.Inputs.Items.Select(Describe));
        string outputs = string.Join(", ", computation.Outputs.Items.Select(Describe));
        return $"{computation.Family}: {outputs} from {(inputs.Length == 0 ? "nothing" : inputs)}.";
    }

    public static string Of(Stage stage)
    {
        string axes = string.Join(", ", stage.Pure.Items.Select(Describe));
        return stage.Reduction.Length == 0
            ? $"{stage.Name}: for every [{axes}]."
            : $"{stage.Name}: for every [{axes}], over [{string.Join(", ", stage.Reduction.Items.Select(Describe))}].";
    }

    private static string Describe(Tensor tensor) =>
        $"{tensor.Name} [{string.Join(", ", tensor.Dims)}]{(tensor.Layout.IsRowMajor ? "" : $" laid out {tensor.Layout}")}";

    private static string Describe(Axis axis) => $"{axis.Variable.Name} < {axis.Extent}";
}
