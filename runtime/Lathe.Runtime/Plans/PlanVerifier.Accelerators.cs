namespace Lathe.Runtime.Plans;

/// <content>What holds for plans whose steps run on several devices.</content>
internal sealed partial class PlanVerifier
{
    private void Accelerators()
    {
        HashSet<string> names = ["", "CPU"];
        foreach (PlanAccelerator accelerator in _plan.Accelerators)
        {
            Require(names.Add(accelerator.Device), $"'{accelerator.Device}' is no accelerator, or is one twice");
            Size(accelerator.ArenaBytes, "the size of an accelerator's arena");
            Static([accelerator.ArenaBytes], "the size of an accelerator's arena");
        }
    }

    /// <summary>A step has its buffers in the memory of its device.</summary>
    private void Placed(KernelStep step)
    {
        Require((uint)step.Device <= (uint)_plan.Accelerators.Count, $"step '{step.Node}' runs on a device that is not there");
        foreach (int number in step.Buffers)
        {
            PlanBuffer buffer = BufferAt(number);
            Require(
                step.Device == 0 ? buffer.Device == 0 : buffer.Kind is BufferKind.Weights or BufferKind.Prepared || buffer.Device == step.Device,
                $"step '{step.Node}' uses memory of another device");
        }

        if (step.Device > 0) Static([.. step.Dims, step.Macs, step.Traffic], $"step '{step.Node}' on an accelerator");
    }

    /// <summary>A transfer leads from dense memory of the host to an accelerator's, or from there to memory that may be written.</summary>
    private void Transfer(TransferStep step)
    {
        PlanBuffer from = BufferAt(step.From), to = BufferAt(step.To);
        Require(from.Device == 0 != (to.Device == 0), $"transfer '{step.Node}' is not between the host and an accelerator");
        Require(to.Kind is BufferKind.Arena or BufferKind.Output, $"transfer '{step.Node}' writes memory that is read only");
        Require(from.Kind != BufferKind.Input || _plan.Inputs[from.Index].Strides.Count == 0, $"transfer '{step.Node}' reads an input that may have gaps");
        Size(step.Bytes, $"the size of transfer '{step.Node}'");
        Static([step.Bytes, from.Offset, from.Bytes, to.Offset, to.Bytes], $"transfer '{step.Node}'");
        foreach (PlanBuffer buffer in (PlanBuffer[])[from, to])
            if (step.Bytes.IsConstant && buffer.Bytes.IsConstant) Require(step.Bytes.Evaluate([]) <= buffer.Bytes.Evaluate([]), $"transfer '{step.Node}' is longer than its buffers");
    }

    /// <summary>The sizes of what is not the host's are known with the request.</summary>
    private void Static(IEnumerable<SizeExpression> expressions, string what)
    {
        foreach (SizeExpression expression in expressions)
        {
            foreach (SizeExpression.Instruction instruction in expression.Postfix)
                Require(instruction.Code != SizeExpression.Code.Dim || !((ulong)instruction.Operand < (ulong)_plan.Symbols.Count && _plan.Symbols[(int)instruction.Operand].IsComputed), $"{what} depends on data");
        }
    }

    private PlanBuffer HostBufferAt(int index)
    {
        PlanBuffer buffer = BufferAt(index);
        Require(buffer.Device == 0, "a step that the host does uses memory of an accelerator");
        return buffer;
    }
}
