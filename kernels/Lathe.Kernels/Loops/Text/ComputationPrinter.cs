using System.Globalization;
using System.Text;
using Lathe.Runtime;

namespace Lathe.Kernels.Loops.Text;

/// <summary>Writes computations.</summary>
internal static class ComputationPrinter
{
    public static string Print(Computation computation)
    {
        StringBuilder text = new();
        text.Append(CultureInfo.InvariantCulture, $"computation {Words.Quoted(computation.Name)}: {computation.Family}\n");
        if (computation.Dims.Length > 0) text.Append(CultureInfo.InvariantCulture, $"dims {Printer.Dims(computation.Dims)}\n");
        foreach (Tensor tensor in computation.Inputs) text.Append(CultureInfo.InvariantCulture, $"input {Declaration(tensor)}\n");
        foreach (Tensor tensor in computation.Outputs) text.Append(CultureInfo.InvariantCulture, $"output {Declaration(tensor)}\n");
        foreach (ConstantTensor constant in computation.Constants)
            text.Append(CultureInfo.InvariantCulture, $"constant {Declaration(constant.Tensor)} = {Printer.Values(constant.Tensor.Element, constant.Values)}\n");
        foreach (Tensor tensor in computation.Stages.Items.Select(s => s.Output).Except(computation.Outputs.Items))
            text.Append(CultureInfo.InvariantCulture, $"temporary {Declaration(tensor)}\n");
        foreach (Stage stage in computation.Stages) Write(text, stage);
        return text.ToString();
    }

    private static void Write(StringBuilder text, Stage stage)
    {
        text.Append(CultureInfo.InvariantCulture, $"stage {Words.Quoted(stage.Name)} writes {Words.Quoted(stage.Output.Name)}");
        if (stage.Pure.Length > 0) text.Append(" over ").AppendJoin(", ", stage.Pure.Items.Select(Print));
        if (stage.Reduction.Length > 0) text.Append(" reducing ").AppendJoin(", ", stage.Reduction.Items.Select(Print));
        text.Append('\n');
        foreach (Accumulator a in stage.Accumulators)
            text.Append(CultureInfo.InvariantCulture, $"  {Words.Quoted(a.Name)}: {a.Element.Name()} = {Printer.Print(a.Init)} then {Printer.Print(a.Update)}\n");
        text.Append(CultureInfo.InvariantCulture, $"  result = {Printer.Print(stage.Result)}\n");
    }

    private static string Print(Axis axis) => $"{Printer.Variable(axis.Variable, Axis.Of(axis.Variable.Name, axis.Extent).Variable.Range)} in {axis.Extent}";

    private static string Declaration(Tensor tensor)
    {
        string shape = $"{Words.Quoted(tensor.Name)}: {tensor.Element.Name()}[{string.Join(", ", tensor.Dims.Items.Select(ExprPrinter.Print))}]";
        return tensor.Layout == Layout.RowMajor(tensor.Dims.Length) ? shape : $"{shape} layout {tensor.Layout}";
    }
}
