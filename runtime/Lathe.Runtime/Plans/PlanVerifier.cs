namespace Lathe.Runtime.Plans;

/// <summary>
/// Checks of a plan whatever does not need the values of the named dims: that every number names something that is there, that expressions
/// speak of dims that exist, and that constant sizes lie inside their memory. The rest is checked when a request is created.
/// </summary>
internal sealed partial class PlanVerifier
{
    private readonly Plan _plan;
    private readonly HashSet<int> _strides = [];

    private PlanVerifier(Plan plan) => _plan = plan;

    /// <exception cref="LatheException">LATHE0503: the plan contradicts itself.</exception>
    public static void Verify(Plan plan)
    {
        PlanVerifier verifier = new(plan);
        verifier.Symbols();
        verifier.Tensors(plan.Inputs, BufferKind.Input, "input");
        verifier.Tensors(plan.Outputs, BufferKind.Output, "output");
        verifier.Accelerators();
        verifier.Buffers();
        verifier.NativeCode();
        verifier.Kernels();
        verifier.Steps(plan.Steps, 0);
        verifier.Preparation();
        verifier.Size(plan.ArenaBytes, "the arena's size");
        Require(plan.WeightBytes >= 0 && plan.PreparedBytes >= 0, "the weights' size is negative");
    }

    private static void Require(bool condition, string otherwise)
    {
        if (!condition) throw PlanFormat.Corrupt(otherwise);
    }

    private void Symbols()
    {
        HashSet<string> names = [];
        bool computed = false;
        foreach (PlanSymbol symbol in _plan.Symbols)
        {
            Require(symbol.IsComputed || !computed, $"dim '{symbol.Name}' comes after computed ones");
            computed = symbol.IsComputed;
            Require(symbol.Name.Length > 0 && names.Add(symbol.Name), $"the name of dim '{symbol.Name}' is empty or used twice");
            Require(
                (symbol.Min >= 0 || symbol.IsComputed) && symbol.Min <= symbol.Default && symbol.Default <= symbol.Max,
                $"the range of dim '{symbol.Name}' is empty or does not hold its default");
        }
    }

    private void Tensors(IReadOnlyList<PlanTensor> tensors, BufferKind kind, string what)
    {
        HashSet<string> names = [];
        for (int i = 0; i < tensors.Count; i++)
        {
            PlanTensor tensor = tensors[i];
            Require(names.Add(tensor.Name), $"two {what}s have the name '{tensor.Name}'");
            Require(
                tensor.Type.HasSize(),
                $"{what} '{tensor.Name}' has a type without a size");
            foreach (SizeExpression dim in tensor.Dims) Size(dim, $"a dim of {what} '{tensor.Name}'");
            Require(tensor.Strides.Count == 0 || (kind == BufferKind.Input && tensor.Strides.Count == tensor.Dims.Count), $"{what} '{tensor.Name}' has strides for other dims");
            foreach (int stride in tensor.Strides)
                Require(stride < 0 || (stride < _plan.Symbols.Count && _plan.Symbols[stride] is { IsComputed: true, Min: 1 } && _strides.Add(stride)), $"a stride of {what} '{tensor.Name}' is no symbol of its own");
            PlanBuffer buffer = BufferAt(tensor.Buffer);
            Require(buffer.Kind == kind && buffer.Index == i, $"{what} '{tensor.Name}' has the buffer of something else");
        }
    }

    private void Buffers()
    {
        foreach (PlanBuffer buffer in _plan.Buffers)
        {
            int limit = buffer.Kind switch
            {
                BufferKind.Input => _plan.Inputs.Count,
                BufferKind.Output => _plan.Outputs.Count,
                BufferKind.Arena or BufferKind.Weights or BufferKind.Prepared => 1,
                _ => 0,
            };
            Require((uint)buffer.Index < (uint)limit, "a buffer has an unknown kind or belongs to an input or output that is not there");
            Require(buffer.Device == 0 || (buffer.Kind == BufferKind.Arena && (uint)buffer.Device <= (uint)_plan.Accelerators.Count), "a buffer is in the memory of a device that is not there or does not have such");
            Size(buffer.Offset, "a buffer's offset");
            Size(buffer.Bytes, "a buffer's size");
            if (buffer.Kind is BufferKind.Input)
                Require(buffer.Offset.IsConstant && buffer.Offset.Evaluate([]) == 0, "the buffer of an input has an offset");
            if (buffer.Device > 0) Static([buffer.Offset, buffer.Bytes], "the buffer of an accelerator");
            if (buffer.Kind is BufferKind.Weights or BufferKind.Prepared && buffer.Offset.IsConstant && buffer.Bytes.IsConstant)
            {
                long offset = buffer.Offset.Evaluate([]), most = buffer.Kind == BufferKind.Weights ? _plan.WeightBytes : _plan.PreparedBytes;
                Require(offset <= most && buffer.Bytes.Evaluate([]) <= most - offset, "a buffer ends after the weights");
            }
        }
    }

    private void Kernels()
    {
        foreach (PlanKernel kernel in _plan.Kernels)
        {
            uint isas = 0;
            foreach (PlanVariant variant in kernel.Variants)
            {
                Require(variant.Isa.IsDefined() && (isas >> (int)variant.Isa & 1) == 0, $"kernel '{kernel.Name}' has an unknown variant or two of a kind");
                isas |= 1u << (int)variant.Isa;
                Require(variant.Function >= 0, $"kernel '{kernel.Name}' has a negative function number");
                Require(Math.Max(variant.NativeEntry, variant.VnniEntry) < LengthOfNativeCode(variant.Isa), $"kernel '{kernel.Name}' starts outside of the native code");
            }

            Require(isas != 0, $"kernel '{kernel.Name}' has no variant");
        }
    }

    private int LengthOfNativeCode(Isa isa)
    {
        foreach (PlanNativeCode code in _plan.NativeCode)
            if (code.Isa == isa) return code.Bytes;
        return 0;
    }

    private void NativeCode()
    {
        uint isas = 0;
        foreach (PlanNativeCode code in _plan.NativeCode)
        {
            Require(code.Isa.IsDefined() && (isas >> (int)code.Isa & 1) == 0, "it has native code of an unknown instruction set, or twice of one");
            isas |= 1u << (int)code.Isa;
            foreach (int import in code.Imports)
                Require(import >= 0 && import <= code.Bytes - (Native.MathFunctions.Names.Count * sizeof(long)), "a table of functions lies outside of the native code");
        }
    }

    private void Steps(IReadOnlyList<PlanStep> steps, int depth)
    {
        Require(depth <= PlanReader.MaximumDepth, "its branches are nested too deeply");
        foreach (PlanStep step in steps)
        {
            switch (step)
            {
                case KernelStep kernel:
                    Step(kernel);
                    Require(kernel.Device == 0 || depth == 0, $"step '{kernel.Node}' is inside a branch or loop and not on the CPU");
                    break;
                case TransferStep transfer:
                    Require(depth == 0, $"transfer '{transfer.Node}' is inside a branch or loop");
                    Transfer(transfer);
                    break;
                case IfStep branch:
                    HostBufferAt(branch.Condition);
                    Steps(branch.Then, depth + 1);
                    Steps(branch.Else, depth + 1);
                    break;
                case MeasureStep measure:
                    HostBufferAt(measure.Buffer);
                    Require(measure.Type.IsInteger(), $"step '{measure.Node}' reads dims that are no integers");
                    foreach (int symbol in measure.Symbols) Computed(symbol, measure);
                    Require(measure.Symbols.Distinct().Count() == measure.Symbols.Count, $"step '{measure.Node}' computes a dim twice");
                    foreach (SizeExpression check in measure.Checks) Dims(check, _plan.Symbols.Count, $"a check of step '{measure.Node}'");
                    break;
                case LoopStep loop:
                    Computed(loop.Symbol, loop);
                    Size(loop.Count, $"the count of step '{loop.Node}'");
                    foreach (LoopCarry carry in loop.Carries) Carry(carry, loop);
                    Steps(loop.Body, depth + 1);
                    break;
                case RoutineStep routine:
                    Routine(routine);
                    break;
                default:
                    throw PlanFormat.Corrupt($"step '{step.Node}' is of an unknown kind");
            }
        }
    }

    private void Step(KernelStep step)
    {
        Require((uint)step.Kernel < (uint)_plan.Kernels.Count, $"step '{step.Node}' names a kernel that is not there");
        Placed(step);
        foreach (SizeExpression dim in step.Dims) Dims(dim, _plan.Symbols.Count, $"a dim of step '{step.Node}'");
        Dims(step.Macs, _plan.Symbols.Count, $"the work of step '{step.Node}'");
        Dims(step.Traffic, _plan.Symbols.Count, $"the traffic of step '{step.Node}'");
        foreach (PlanVariant variant in _plan.Kernels[step.Kernel].Variants)
        {
            Dims(variant.Extent, step.Dims.Count, $"the extent of step '{step.Node}'");
            Dims(variant.ScratchBytes, step.Dims.Count, $"the scratch of step '{step.Node}'");
        }
    }

    /// <summary>Nothing but weights is there when a model is loaded, and no dims.</summary>
    private void Preparation()
    {
        Require(!_plan.IsForOneDevice || (_plan.Preparation.Count == 0 && _plan.PreparedBytes == 0), $"it prepares weights when the model is loaded, which {_plan.Device} does not");
        foreach (KernelStep step in _plan.Preparation)
        {
            Step(step);
            Require(step.Device == 0, $"step '{step.Node}' is not on the CPU when the model is loaded");
            foreach (SizeExpression dim in (SizeExpression[])[.. step.Dims, step.Macs, step.Traffic]) Require(dim.IsConstant, $"step '{step.Node}' depends on dims when the model is loaded");
            foreach (int number in step.Buffers)
            {
                PlanBuffer buffer = BufferAt(number);
                Require(buffer.Kind is BufferKind.Weights or BufferKind.Prepared && buffer.Offset.IsConstant && buffer.Bytes.IsConstant && buffer.Offset.Evaluate([]) % Plan.Alignment == 0,
                    $"step '{step.Node}' uses other memory than the weights when the model is loaded");
            }

            Require(step.Buffers.Any(number => BufferAt(number).Kind == BufferKind.Prepared), $"step '{step.Node}' has nothing to write when the model is loaded");
        }
    }

    private void Computed(int symbol, PlanStep step) => Require(
        (uint)symbol < (uint)_plan.Symbols.Count && _plan.Symbols[symbol].IsComputed && !_strides.Contains(symbol), $"step '{step.Node}' computes a dim that is not there or not computed");

    private void Carry(LoopCarry carry, LoopStep loop)
    {
        PlanBuffer initial = HostBufferAt(carry.Initial), state = HostBufferAt(carry.State), next = HostBufferAt(carry.Next);
        Require(initial.Bytes.Equals(state.Bytes) && state.Bytes.Equals(next.Bytes), $"step '{loop.Node}' carries a value from one size to another");
        Require(state.Kind is BufferKind.Arena or BufferKind.Output, $"step '{loop.Node}' writes memory that is read only");
    }

    private void Routine(RoutineStep step)
    {
        Require(Routines.Routine.Find(step.Routine) is not null, $"step '{step.Node}' names the routine '{step.Routine}', which is not there");
        Require(!_plan.IsForOneDevice || step.Routine == nameof(Routines.CheckIndices), $"step '{step.Node}' names the routine '{step.Routine}', which {_plan.Device} has not");
        foreach (PlanOperand operand in step.Operands)
        {
            if (operand.Buffer < 0) continue;
            HostBufferAt(operand.Buffer);
            Require(operand.Type.HasSize(), $"an operand of step '{step.Node}' has a type without a size");
            foreach (SizeExpression dim in operand.Dims) Size(dim, $"a dim of step '{step.Node}'");
        }

        Size(step.ScratchBytes, $"the scratch of step '{step.Node}'");
    }

    private PlanBuffer BufferAt(int index)
    {
        Require((uint)index < (uint)_plan.Buffers.Count, "it names a buffer that is not there");
        return _plan.Buffers[index];
    }

    private void Size(SizeExpression expression, string what)
    {
        Dims(expression, _plan.Symbols.Count, what);
        Require(!expression.IsConstant || expression.Evaluate([]) >= 0, $"{what} is negative");
    }

    private static void Dims(SizeExpression expression, int count, string what)
    {
        foreach (SizeExpression.Instruction instruction in expression.Postfix)
            Require(
                instruction.Code != SizeExpression.Code.Dim || (ulong)instruction.Operand < (ulong)count,
                $"{what} speaks of a dim that is not there");
    }
}
