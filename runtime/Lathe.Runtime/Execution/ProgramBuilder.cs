using Lathe.Runtime.Plans;

namespace Lathe.Runtime.Execution;

/// <summary>
/// Makes a plan ready for certain dims: evaluates every size once, checks that every buffer lies inside its memory, takes the memory and
/// computes every pointer.
/// </summary>
internal sealed unsafe class ProgramBuilder
{
    private readonly ModelCode _code;
    private readonly Weights _weights;
    private readonly long[] _dims;
    private readonly int _threads;
    private readonly List<Operation> _operations = [];
    private readonly List<(int Slot, int Dim)> _starts = [];
    private readonly List<RequestStep> _steps = [];
    private readonly List<int> _slots = [];
    private readonly List<nint> _kernelDims = [];
    private readonly TensorMemory[] _inputs;
    private readonly TensorMemory[] _outputs;
    private readonly long _arenaBytes;
    private readonly (long Offset, long Bytes)[] _buffers;
    private long _scratchBytes;
    private int _slices = 1;

    private ProgramBuilder(ModelCode code, Weights weights, long[] dims, int threads)
    {
        _code = code;
        _weights = weights;
        _dims = dims;
        _threads = threads;
        _inputs = [.. Plan.Inputs.Select(Tensor)];
        _outputs = [.. Plan.Outputs.Select(Tensor)];
        _arenaBytes = Size(Plan.ArenaBytes, dims, "the arena");
        _buffers = [.. Plan.Buffers.Select(Buffer)];
    }

    private Plan Plan => _code.Plan;

    /// <param name="code">The plan and its kernels.</param>
    /// <param name="weights">The plan's weights.</param>
    /// <param name="dims">The values of the plan's named dims, inside their ranges.</param>
    /// <param name="threads">Into how many slices a step may be divided.</param>
    /// <exception cref="LatheException">LATHE0503: the plan is corrupt. LATHE0506: a size overflows or does not fit memory.</exception>
    public static RequestProgram Build(ModelCode code, Weights weights, long[] dims, int threads)
    {
        ProgramBuilder builder = new(code, weights, dims, threads);
        builder.Steps(code.Plan.Steps);
        return builder.Finish();
    }

    internal static long Size(SizeExpression expression, ReadOnlySpan<long> dims, string what)
    {
        long size = Value(expression, dims, what);
        return size >= 0 ? size : throw PlanFormat.Corrupt($"the size of {what} is negative");
    }

    private static long Value(SizeExpression expression, ReadOnlySpan<long> dims, string what)
    {
        try
        {
            return expression.Evaluate(dims);
        }
        catch (OverflowException e)
        {
            throw new LatheException(ErrorIds.DoesNotFit, $"The size of {what} does not fit 64 bits.", e);
        }
        catch (DivideByZeroException e)
        {
            throw PlanFormat.Corrupt($"the size of {what} divides by zero", e);
        }
    }

    private TensorMemory Tensor(PlanTensor tensor)
    {
        long[] shape = [.. tensor.Dims.Select(dim => Size(dim, _dims, $"'{tensor.Name}'"))];
        long bytes = tensor.Type.Size();

        // A dim of 0 makes the tensor empty whatever the others are.
        if (shape.Contains(0)) return new(tensor, shape, 0);
        foreach (long dim in shape)
        {
            if (dim > int.MaxValue / bytes)
                throw new LatheException(ErrorIds.DoesNotFit, $"'{tensor.Name}' has a shape of {string.Join(',', shape)}: more than 2 GiB.");
            bytes *= dim;
        }

        return new(tensor, shape, (int)bytes);
    }

    private (long Offset, long Bytes) Buffer(PlanBuffer buffer, int number)
    {
        long offset = Size(buffer.Offset, _dims, "a buffer's offset"), bytes = Size(buffer.Bytes, _dims, "a buffer");
        long limit = buffer.Kind switch
        {
            BufferKind.Input => _inputs[buffer.Index].Bytes,
            BufferKind.Output => _outputs[buffer.Index].Bytes,
            BufferKind.Arena => _arenaBytes,
            _ => Plan.WeightBytes,
        };
        if (offset % Plan.Alignment != 0 || offset > limit || bytes > limit - offset)
            throw PlanFormat.Corrupt($"buffer {number} lies outside its memory or is not aligned");
        return (offset, bytes);
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
                case IfStep branch:
                    Step(branch);
                    break;
            }
        }
    }

    private void Step(KernelStep step)
    {
        long[] dims = [.. step.Dims.Select(dim => Value(dim, _dims, $"a dim of step '{step.Node}'"))];
        PlanVariant variant = _code.Variants[step.Kernel];
        long extent = Size(variant.Extent, dims, $"the extent of step '{step.Node}'");
        if (extent == 0) return;
        _scratchBytes = Math.Max(_scratchBytes, Size(variant.ScratchBytes, dims, $"the scratch of step '{step.Node}'"));
        long macs = Size(step.Macs, _dims, $"the work of step '{step.Node}'"), traffic = Size(step.Traffic, _dims, $"the traffic of step '{step.Node}'");
        int slices = WorkEstimate.Slices(macs, traffic, extent, _threads);
        _slices = Math.Max(_slices, slices);
        Add(new Operation
        {
            Kind = OperationKind.Call,
            Step = _steps.Count,
            Slices = slices,
            Function = (delegate*<byte**, nint*, nint, nint, byte*, int>)_code.Functions[step.Kernel],
            Extent = (nint)extent,
        });
        _slots.AddRange(step.Buffers);
        foreach (long dim in dims) _kernelDims.Add((nint)dim);
        _steps.Add(new(step, macs, traffic, slices));
    }

    private void Step(IfStep step)
    {
        if (_buffers[step.Condition].Bytes < 1) throw PlanFormat.Corrupt($"the condition of '{step.Node}' is empty");
        int branch = Add(new Operation { Kind = OperationKind.Branch });
        _slots.Add(step.Condition);
        Steps(step.Then);
        int jump = Add(new Operation { Kind = OperationKind.Jump });
        SetTarget(branch);
        Steps(step.Else);
        SetTarget(jump);
    }

    private int Add(Operation operation)
    {
        _starts.Add((_slots.Count, _kernelDims.Count));
        _operations.Add(operation);
        return _operations.Count - 1;
    }

    private void SetTarget(int operation) => _operations[operation] = _operations[operation] with { Target = _operations.Count };

    private RequestProgram Finish()
    {
        long size = 0;
        long scratchStride, arena, scratch, pointers, dims;
        try
        {
            arena = Take(_arenaBytes);
            scratchStride = Aligned(_scratchBytes);
            scratch = Take(checked(scratchStride * _slices));
            pointers = Take(_slots.Count * (long)sizeof(byte*));
            dims = Take(_kernelDims.Count * (long)sizeof(nint));
        }
        catch (OverflowException e)
        {
            throw new LatheException(ErrorIds.DoesNotFit, $"The memory of a request of model '{Plan.Model}' does not fit 64 bits.", e);
        }

        NativeBlock memory = NativeBlock.Allocate(size, $"A request of model '{Plan.Model}'", _weights.Memory);
        byte* start = memory.Pointer;
        Fill((byte**)(start + pointers), (nint*)(start + dims), start + arena);
        Operation[] operations = [.. _operations];
        for (int i = 0; i < operations.Length; i++)
        {
            operations[i].Buffers = (byte**)(start + pointers) + _starts[i].Slot;
            operations[i].Dims = (nint*)(start + dims) + _starts[i].Dim;
        }

        return new(memory, operations, [.. _steps], _inputs, _outputs, start + scratch, scratchStride, (byte**)(start + pointers));

        long Take(long bytes)
        {
            long offset = size;
            size = checked(size + Aligned(bytes));
            return offset;
        }

        static long Aligned(long bytes) => checked(bytes + (Plan.Alignment - 1)) & -Plan.Alignment;
    }

    private void Fill(byte** pointers, nint* dims, byte* arena)
    {
        for (int slot = 0; slot < _slots.Count; slot++)
        {
            PlanBuffer buffer = Plan.Buffers[_slots[slot]];
            pointers[slot] = buffer.Kind switch
            {
                BufferKind.Input => _inputs[buffer.Index].Own,
                BufferKind.Output => _outputs[buffer.Index].Own,
                BufferKind.Arena => arena + _buffers[_slots[slot]].Offset,
                _ => _weights.Pointer + _buffers[_slots[slot]].Offset,
            };
            if (buffer.Kind == BufferKind.Input) _inputs[buffer.Index].Slots.Add(slot);
        }

        for (int i = 0; i < _kernelDims.Count; i++) dims[i] = _kernelDims[i];
    }
}
