using Lathe.Runtime.Devices;
using Lathe.Runtime.Plans;
using Lathe.Runtime.Routines;

namespace Lathe.Runtime.Execution;

/// <summary>
/// Flattens a plan into operations, and finds out what has to be sized when: with the request where it depends on dims that are given, otherwise after the
/// last step that computes a dim it depends on.
/// </summary>
internal sealed class ProgramBuilder
{
    private readonly Plan _plan;
    private readonly ModelCode _code;
    private readonly List<PlanStep?> _sources = [];
    private readonly List<RequestStep> _steps = [];
    private readonly List<int> _slots = [];
    private readonly List<int> _slotDevices = [];
    private readonly List<(PlanStep Step, int[] Symbols)> _assignments = [];
    private readonly Dictionary<int, int> _assignmentOf = [];
    private readonly List<int> _loopSymbols = [];
    private Operation[] _operations = new Operation[64];
    private (int Slot, int Dim)[] _starts = new (int, int)[64];
    private int _count;
    private int _kernelDims;
    private int _transfers;

    private ProgramBuilder(ModelCode code) => (_code, _plan) = (code, code.Plan);

    /// <param name="code">The plan and its kernels.</param>
    /// <param name="weights">The plan's weights.</param>
    /// <param name="dims">The values of the plan's named dims, inside their ranges.</param>
    /// <param name="threads">Into how many slices a step may be divided.</param>
    /// <param name="accelerators">The accelerators. The program disposes them.</param>
    /// <param name="device">What runs all steps; null for the CPU with or without accelerators. The program disposes it.</param>
    /// <exception cref="LatheException">LATHE0503: the plan is corrupt. LATHE0506: a size overflows or does not fit memory.</exception>
    public static RequestProgram Build(ModelCode code, Weights weights, long[] dims, int threads, RequestAccelerator[] accelerators, DeviceRequest? device = null)
    {
        ProgramBuilder builder = new(code);
        builder.Steps(code.Plan.Steps);
        return new(code, weights, dims, threads, builder.Finish(), accelerators, device);
    }

    private void Steps(IReadOnlyList<PlanStep> steps)
    {
        foreach (PlanStep step in steps)
        {
            switch (step)
            {
                case KernelStep kernel:
                    Step(kernel);
                    break;
                case RoutineStep routine:
                    Step(routine);
                    break;
                case TransferStep transfer:
                    Step(transfer);
                    break;
                case IfStep branch:
                    Step(branch);
                    break;
                case MeasureStep measure:
                    Add(new Operation { Kind = OperationKind.Measure, Step = Assign(measure, [.. measure.Symbols]) }, null, [measure.Buffer]);
                    break;
                case LoopStep loop:
                    Step(loop);
                    break;
            }
        }
    }

    private unsafe void Step(KernelStep step)
    {
        Operation call = new()
        {
            Kind = OperationKind.Call,
            Step = _steps.Count,
            Slices = 1,
            Device = step.Device,
            Function = (delegate*<byte**, nint*, nint, nint, byte*, int>)_code.Functions[step.Kernel],
            IsNative = _code.IsNative(step.Kernel),
        };
        Add(call, step, step.Buffers, step.Device);
        _kernelDims += step.Dims.Count;
        _steps.Add(new(step, null));
    }

    private void Step(RoutineStep step)
    {
        Operation call = new() { Kind = OperationKind.Routine, Step = _steps.Count };
        // An absent operand has an entry that nobody reads.
        Add(call, step, [.. step.Operands.Select(operand => Math.Max(0, operand.Buffer))]);
        _steps.Add(new(step, new RoutineCall(_plan.Model, step)));
    }

    private void Step(TransferStep step)
    {
        int device = Math.Max(_plan.Buffers[step.From].Device, _plan.Buffers[step.To].Device);
        Add(new Operation { Kind = OperationKind.Copy, Step = _steps.Count, Target = _transfers++, Device = device, IsRead = _plan.Buffers[step.From].Device > 0 }, step, [step.From, step.To]);
        _steps.Add(new(step, null));
    }

    private void Step(IfStep step)
    {
        if (_plan.Buffers[step.Condition].Bytes is { IsConstant: true } bytes && bytes.Evaluate([]) < 1)
            throw PlanFormat.Corrupt($"the condition of '{step.Node}' is empty");
        int branch = Add(new Operation { Kind = OperationKind.Branch }, null, [step.Condition]);
        Steps(step.Then);
        int jump = Add(new Operation { Kind = OperationKind.Jump }, null, []);
        SetTarget(branch, _count);
        Steps(step.Else);
        SetTarget(jump, _count);
    }

    private void Step(LoopStep step)
    {
        _loopSymbols.Add(step.Symbol);
        int assignment = Assign(step, [step.Symbol]);
        int[] carried = [.. step.Carries.SelectMany(carry => (int[])[carry.Initial, carry.State, carry.Next])];
        int begin = Add(new Operation { Kind = OperationKind.LoopBegin, Step = assignment }, step, carried);
        Steps(step.Body);
        int end = Add(new Operation { Kind = OperationKind.LoopEnd, Step = assignment, Target = begin + 1 }, step, carried);
        SetTarget(begin, end + 1);
    }

    private int Assign(PlanStep step, int[] symbols)
    {
        foreach (int symbol in symbols)
            if (!_assignmentOf.TryAdd(symbol, _assignments.Count)) throw PlanFormat.Corrupt($"two steps compute dim '{_plan.Symbols[symbol].Name}'");
        _assignments.Add((step, symbols));
        return _assignments.Count - 1;
    }

    private int Add(Operation operation, PlanStep? source, IReadOnlyList<int> buffers, int device = 0)
    {
        // Arrays, not lists: a list of values of our own is code that the JIT would compile while a model is loaded.
        if (_count == _operations.Length)
        {
            _operations = (Operation[])Resized(_operations, new Operation[2 * _count]);
            _starts = ((int, int)[])Resized(_starts, new (int, int)[2 * _count]);
        }

        _operations[_count] = operation;
        _starts[_count] = (_slots.Count, _kernelDims);
        _sources.Add(source);
        for (int i = 0; i < buffers.Count; i++)
        {
            _slots.Add(buffers[i]);
            _slotDevices.Add(Math.Max(device, (uint)buffers[i] < (uint)_plan.Buffers.Count ? _plan.Buffers[buffers[i]].Device : 0));
        }

        return _count++;
    }

    private void SetTarget(int operation, int target) => _operations[operation].Target = target;

    private ProgramParts Finish()
    {
        // Number 0 is for what depends on no computed dim; assignment k has number k + 1.
        int count = _assignments.Count + 1;
        List<int>[] buffers = Lists(count), operations = Lists(count), outputs = Lists(count), slots = Lists(count), later = Lists(count);
        int[] ownerOfBuffer = new int[_plan.Buffers.Count];
        for (int i = 0; i < ownerOfBuffer.Length; i++)
            buffers[ownerOfBuffer[i] = Owner([_plan.Buffers[i].Offset, _plan.Buffers[i].Bytes, .. DimsOf(_plan.Buffers[i])], later)].Add(i);
        for (int i = 0; i < _count; i++)
            if (_sources[i] is { } source) operations[Owner(Expressions(source), later)].Add(i);
        for (int i = 0; i < _plan.Outputs.Count; i++) outputs[Owner(_plan.Outputs[i].Dims, later)].Add(i);
        for (int i = 0; i < _slots.Count; i++)
            if (_slots[i] < ownerOfBuffer.Length) slots[ownerOfBuffer[_slots[i]]].Add(i);

        Assignment[] assignments = new Assignment[_assignments.Count];
        for (int i = 0; i < assignments.Length; i++)
        {
            (PlanStep step, int[] symbols) = _assignments[i];
            later[i + 1].Sort();
            assignments[i] = new(step, symbols, [.. buffers[i + 1]], [.. slots[i + 1]], [.. operations[i + 1]], [.. outputs[i + 1]], [.. later[i + 1]]);
        }

        Assignment none = new(new IfStep("", "", 0, [], []), [], [.. buffers[0]], [.. slots[0]], [.. operations[0]], [.. outputs[0]], []);
        bool[] isLoopBuffer = new bool[_plan.Buffers.Count];
        for (int i = 0; i < isLoopBuffer.Length && _loopSymbols.Count > 0; i++)
            foreach (SizeExpression.Instruction instruction in _plan.Buffers[i].Offset.Postfix)
                isLoopBuffer[i] |= instruction.Code == SizeExpression.Code.Dim && _loopSymbols.Contains((int)instruction.Operand);
        Operation[] all = (Operation[])Resized(_operations, new Operation[_count]);
        return new(all, [.. _sources], _starts, [.. _steps], [.. _slots], [.. _slotDevices], _kernelDims, assignments, none, isLoopBuffer, [.. ownerOfBuffer.Select(owner => owner == 0)]);
    }

    /// <summary>The dims that the memory of an output depends on.</summary>
    private IReadOnlyList<SizeExpression> DimsOf(PlanBuffer buffer) => buffer.Kind == BufferKind.Output ? _plan.Outputs[buffer.Index].Dims : [];

    private Array Resized(Array from, Array to)
    {
        Array.Copy(from, to, _count);
        return to;
    }

    private static List<int>[] Lists(int count)
    {
        List<int>[] lists = new List<int>[count];
        for (int i = 0; i < count; i++) lists[i] = [];
        return lists;
    }

    private static IEnumerable<SizeExpression> Expressions(PlanStep step) => step switch
    {
        KernelStep kernel => [.. kernel.Dims, kernel.Macs, kernel.Traffic],
        TransferStep transfer => [transfer.Bytes],
        RoutineStep routine => [.. routine.Operands.SelectMany(operand => operand.Dims), routine.ScratchBytes],
        LoopStep loop => [loop.Count],
        _ => [],
    };

    /// <summary>The number of the last step that computes a dim of expressions. The earlier ones are told of it.</summary>
    private int Owner(IEnumerable<SizeExpression> expressions, List<int>[] later)
    {
        if (_assignmentOf.Count == 0) return 0;
        List<int> computing = [];
        int owner = 0;
        foreach (SizeExpression expression in expressions)
        {
            foreach (SizeExpression.Instruction instruction in expression.Postfix)
            {
                if (instruction.Code != SizeExpression.Code.Dim || !_assignmentOf.TryGetValue((int)instruction.Operand, out int assignment)) continue;
                computing.Add(assignment + 1);
                owner = Math.Max(owner, assignment + 1);
            }
        }

        foreach (int other in computing)
            if (other != owner && !later[other].Contains(owner - 1)) later[other].Add(owner - 1);
        return owner;
    }
}
