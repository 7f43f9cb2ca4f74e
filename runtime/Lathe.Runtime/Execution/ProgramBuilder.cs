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
    private readonly List<Operation> _operations = [];
    private readonly List<PlanStep?> _sources = [];
    private readonly List<(int Slot, int Dim)> _starts = [];
    private readonly List<RequestStep> _steps = [];
    private readonly List<int> _slots = [];
    private readonly List<(PlanStep Step, int[] Symbols)> _assignments = [];
    private readonly Dictionary<int, int> _assignmentOf = [];
    private readonly HashSet<int> _loopSymbols = [];
    private int _kernelDims;

    private ProgramBuilder(ModelCode code) => (_code, _plan) = (code, code.Plan);

    /// <param name="code">The plan and its kernels.</param>
    /// <param name="weights">The plan's weights.</param>
    /// <param name="dims">The values of the plan's named dims, inside their ranges.</param>
    /// <param name="threads">Into how many slices a step may be divided.</param>
    /// <exception cref="LatheException">LATHE0503: the plan is corrupt. LATHE0506: a size overflows or does not fit memory.</exception>
    public static RequestProgram Build(ModelCode code, Weights weights, long[] dims, int threads)
    {
        ProgramBuilder builder = new(code);
        builder.Steps(code.Plan.Steps);
        return new(code, weights, dims, threads, builder.Finish());
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
            Function = (delegate*<byte**, nint*, nint, nint, byte*, int>)_code.Functions[step.Kernel],
        };
        Add(call, step, step.Buffers);
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

    private void Step(IfStep step)
    {
        if (_plan.Buffers[step.Condition].Bytes is { IsConstant: true } bytes && bytes.Evaluate([]) < 1)
            throw PlanFormat.Corrupt($"the condition of '{step.Node}' is empty");
        int branch = Add(new Operation { Kind = OperationKind.Branch }, null, [step.Condition]);
        Steps(step.Then);
        int jump = Add(new Operation { Kind = OperationKind.Jump }, null, []);
        SetTarget(branch, _operations.Count);
        Steps(step.Else);
        SetTarget(jump, _operations.Count);
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

    private int Add(Operation operation, PlanStep? source, IReadOnlyList<int> buffers)
    {
        _starts.Add((_slots.Count, _kernelDims));
        _operations.Add(operation);
        _sources.Add(source);
        _slots.AddRange(buffers);
        return _operations.Count - 1;
    }

    private void SetTarget(int operation, int target) => _operations[operation] = _operations[operation] with { Target = target };

    private ProgramParts Finish()
    {
        // Number 0 is for what depends on no computed dim; assignment k has number k + 1.
        int count = _assignments.Count + 1;
        List<int>[] buffers = Lists(count), operations = Lists(count), outputs = Lists(count), slots = Lists(count);
        HashSet<int>[] later = [.. Enumerable.Range(0, count).Select(_ => new HashSet<int>())];
        int[] ownerOfBuffer = new int[_plan.Buffers.Count];
        for (int i = 0; i < ownerOfBuffer.Length; i++)
            buffers[ownerOfBuffer[i] = Owner([_plan.Buffers[i].Offset, _plan.Buffers[i].Bytes, .. DimsOf(_plan.Buffers[i])], later)].Add(i);
        for (int i = 0; i < _operations.Count; i++)
            if (_sources[i] is { } source) operations[Owner(Expressions(source), later)].Add(i);
        for (int i = 0; i < _plan.Outputs.Count; i++) outputs[Owner(_plan.Outputs[i].Dims, later)].Add(i);
        for (int i = 0; i < _slots.Count; i++)
            if (_slots[i] < ownerOfBuffer.Length) slots[ownerOfBuffer[_slots[i]]].Add(i);

        Assignment[] assignments =
        [
            .. _assignments.Select((a, i) => new Assignment(
                a.Step, a.Symbols, [.. buffers[i + 1]], [.. slots[i + 1]], [.. operations[i + 1]], [.. outputs[i + 1]], [.. later[i + 1].Order()])),
        ];
        Assignment none = new(new IfStep("", "", 0, [], []), [], [.. buffers[0]], [.. slots[0]], [.. operations[0]], [.. outputs[0]], []);
        bool[] isLoopBuffer = [.. _plan.Buffers.Select(b => Symbols([b.Offset]).Any(_loopSymbols.Contains))];
        return new([.. _operations], [.. _sources], [.. _starts], [.. _steps], [.. _slots], _kernelDims, assignments, none, isLoopBuffer);
    }

    /// <summary>The dims that the memory of an output depends on.</summary>
    private IReadOnlyList<SizeExpression> DimsOf(PlanBuffer buffer) => buffer.Kind == BufferKind.Output ? _plan.Outputs[buffer.Index].Dims : [];

    private static List<int>[] Lists(int count) => [.. Enumerable.Range(0, count).Select(_ => new List<int>())];

    private static IEnumerable<SizeExpression> Expressions(PlanStep step) => step switch
    {
        KernelStep kernel => [.. kernel.Dims, kernel.Macs, kernel.Traffic],
        RoutineStep routine => [.. routine.Operands.SelectMany(operand => operand.Dims), routine.ScratchBytes],
        LoopStep loop => [loop.Count],
        _ => [],
    };

    private static IEnumerable<int> Symbols(IEnumerable<SizeExpression> expressions) => expressions
        .SelectMany(expression => expression.Instructions).Where(i => i.Code == SizeExpression.Code.Dim).Select(i => (int)i.Operand);

    /// <summary>The number of the last step that computes a dim of expressions. The earlier ones are told of it.</summary>
    private int Owner(IEnumerable<SizeExpression> expressions, HashSet<int>[] later)
    {
        int[] computing = [.. Symbols(expressions).Where(_assignmentOf.ContainsKey).Select(symbol => _assignmentOf[symbol] + 1).Distinct()];
        int owner = computing.Length == 0 ? 0 : computing.Max();
        foreach (int other in computing)
            if (other != owner) later[other].Add(owner - 1);
        return owner;
    }
}
