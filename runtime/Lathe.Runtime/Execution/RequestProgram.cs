using Lathe.Runtime.Devices;
using Lathe.Runtime.Plans;
using Lathe.Runtime.Routines;

namespace Lathe.Runtime.Execution;

/// <summary>
/// A plan made ready for certain dims: native memory (arena, scratch, pointer and dims tables), the inputs and outputs, and the operations over them.
/// Computed dims get their values while it runs; what depends on them is then sized anew, and the arena grows where it has to. What was written before
/// stays where it is: the memory plan places what depends on computed dims behind it.
/// </summary>
internal sealed unsafe partial class RequestProgram : IDisposable
{
    private readonly RequestAccelerator[] _accelerators;
    private readonly Weights _weights;
    private readonly ProgramParts _parts;
    private readonly long[] _dims;
    private readonly int _threads;
    private readonly DeviceRequest? _device;
    private readonly (long Offset, long Bytes)[] _buffers;
    private readonly NativeBlock _tables;
    private readonly byte** _pointers;
    private readonly nint* _kernelDims;
    private NativeBlock _memory;
    private long _arenaBytes;
    private long _scratchBytes;
    private long _deviceArenaBytes;

    /// <exception cref="LatheException">LATHE0503: the plan is corrupt. LATHE0506: a size overflows or does not fit memory.</exception>
    public RequestProgram(ModelCode code, Weights weights, long[] dims, int threads, ProgramParts parts, RequestAccelerator[] accelerators, DeviceRequest? device)
    {
        (Code, _weights, _dims, _threads, _parts, _accelerators, _device) = (code, weights, dims, threads, parts, accelerators, device);
        Inputs = [.. Plan.Inputs.Select(t => new TensorMemory(t))];
        Outputs = [.. Plan.Outputs.Select(t => new TensorMemory(t))];
        Tensors = [.. Inputs, .. Outputs];
        Operations = parts.Operations;
        Steps = parts.Steps;
        for (int i = 0; i < Inputs.Length; i++) Shape(Inputs[i], Plan.Inputs[i]);
        foreach (int output in parts.Static.Outputs) Shape(Outputs[output], Plan.Outputs[output]);
        _buffers = new (long, long)[Plan.Buffers.Count];
        for (int slot = 0; slot < parts.Slots.Length; slot++)
        {
            PlanBuffer buffer = Plan.Buffers[parts.Slots[slot]];
            if (buffer.Kind == BufferKind.Input) Inputs[buffer.Index].Slots.Add(slot);
            if (buffer.Kind == BufferKind.Output) Outputs[buffer.Index].Slots.Add(slot);
        }

        foreach (TensorMemory input in Inputs)
        {
            input.SetStrides([], _dims);
            for (int i = 0; input.TakesStrides && i < Operations.Length; i++)
                if (parts.Sources[i] is KernelStep step && step.Buffers.Any(b => Plan.Buffers[b].Kind == BufferKind.Input && Inputs[Plan.Buffers[b].Index] == input)) input.Readers.Add(i);
        }

        foreach (Assignment assignment in parts.Assignments)
            foreach (int output in assignment.Outputs) Outputs[output].ShapedBy = assignment;

        if (parts.Assignments.Length == 0) _arenaBytes = Size(Plan.ArenaBytes, "the arena");
        foreach (int buffer in parts.Static.Buffers) Locate(buffer);
        string what = $"A request of model '{Plan.Model}'";
        _tables = NativeBlock.Allocate((parts.Slots.Length * (long)sizeof(byte*)) + (parts.KernelDims * (long)sizeof(nint)) + Plan.Alignment, what, weights.Memory);
        _memory = _tables;
        try
        {
            _pointers = (byte**)_tables.Pointer;
            _kernelDims = (nint*)(_pointers + parts.Slots.Length);
            for (int i = 0; i < Operations.Length; i++)
            {
                Operations[i].Buffers = _pointers + parts.Starts[i].Slot;
                Operations[i].Dims = _kernelDims + parts.Starts[i].Dim;
            }

            for (int i = 1; i <= accelerators.Length; i++) Place(i);
            foreach (int operation in parts.Static.Operations) Size(operation);
            FindWaits();

            if (device is null) _memory = NativeBlock.Allocate(MemoryBytes(), what);
            else device.ResizeArena(_deviceArenaBytes = _arenaBytes, kept: 0);
            for (int tensor = 0; tensor < Tensors.Length; tensor++) Hand(tensor);
            for (int slot = 0; slot < parts.Slots.Length; slot++) Point(slot);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The plan and what runs it.</summary>
    public ModelCode Code { get; private set; }

    public Operation[] Operations { get; }

    public RequestStep[] Steps { get; }

    public TensorMemory[] Inputs { get; }

    public TensorMemory[] Outputs { get; }

    /// <summary>The inputs, then the outputs.</summary>
    public TensorMemory[] Tensors { get; }

    /// <summary>The scratch memory of slice 0; that of slice k lies k strides further.</summary>
    public byte* Scratch => _memory.Pointer + Aligned(_arenaBytes);

    public long ScratchStride => Aligned(_scratchBytes);

    private Plan Plan => Code.Plan;

    /// <summary>
    /// Makes the kernels use an input or output in the caller's memory, or, for null, in the request's own, and lets go of what it was bound to before. Where this throws, it stays as it was,
    /// or is in the request's own memory where the strides ask for more scratch memory than there is, and the owner of the memory is the caller's.
    /// </summary>
    public void Bind(TensorMemory tensor, Binding? binding, ReadOnlySpan<long> strides = default)
    {
        Binding? old = tensor.Bind(binding);
        int number = Array.IndexOf(Tensors, tensor);
        try
        {
            foreach (int slot in tensor.Slots) Point(slot);
            Hand(number);
        }
        catch
        {
            tensor.Bind(old);
            foreach (int slot in tensor.Slots) Point(slot);
            try
            {
                Hand(number);
            }
            catch (LatheException)
            {
                // The device says so again when the memory is used; what failed first is what is told.
            }

            binding?.Unpin();
            throw;
        }

        long scratch = _scratchBytes;
        try
        {
            if (!tensor.SetStrides(strides, _dims)) return;
            foreach (int operation in tensor.Readers) Size(operation);
            if (_device is null && MemoryBytes() > _memory.Bytes) Grow(_arenaBytes);
        }
        catch
        {
            binding?.Unpin();
            tensor.Bind(null);
            foreach (int slot in tensor.Slots) Point(slot);
            tensor.SetStrides([], _dims);
            foreach (int operation in tensor.Readers) Size(operation);
            _scratchBytes = scratch;
            Hand(number);
            throw;
        }
        finally
        {
            old?.Dispose();
        }
    }

    /// <summary>How many bytes a measurement reads.</summary>
    public long MeasuredBytes(in Operation operation)
    {
        Assignment assignment = _parts.Assignments[operation.Step];
        return assignment.Symbols.Length * (long)((MeasureStep)assignment.Step).Type.Size();
    }

    /// <summary>Reads computed dims from data.</summary>
    /// <param name="operation">The measurement.</param>
    /// <param name="data">What its buffer holds, in the host's memory.</param>
    /// <exception cref="LatheException">LATHE0508: a dim is not what the model was compiled for. LATHE0506: what depends on it does not fit memory.</exception>
    public void Measure(in Operation operation, byte* data)
    {
        Assignment assignment = _parts.Assignments[operation.Step];
        MeasureStep step = (MeasureStep)assignment.Step;
        long[] values = assignment.Values;
        bool isNew = assignment.IsStale;
        for (int i = 0; i < values.Length; i++)
        {
            PlanSymbol symbol = Plan.Symbols[assignment.Symbols[i]];
            values[i] = Read(data, step.Type, i);
            if (values[i] < symbol.Min || values[i] > symbol.Max)
                throw Misfit(step, $"dim {symbol.Name}, which data determine, is {values[i]}: it has to be {symbol.Min} to {symbol.Max}");
            isNew |= values[i] != _dims[assignment.Symbols[i]];
        }

        if (!isNew) return;
        assignment.IsStale = true;
        for (int i = 0; i < values.Length; i++) _dims[assignment.Symbols[i]] = values[i];
        for (int i = 0; i < step.Checks.Count; i++)
            if (Value(step.Checks[i], _dims, "a check") < 0) throw Misfit(step, $"the sizes {string.Join(", ", values)}, which data determine, do not fit its tensors");
        Update(assignment);
    }

    /// <summary>Begins a loop.</summary>
    /// <returns>False if there is nothing to do.</returns>
    public bool Begin(in Operation operation)
    {
        Assignment assignment = _parts.Assignments[operation.Step];
        LoopStep loop = (LoopStep)assignment.Step;
        for (int i = 0; i < loop.Carries.Count; i++) Copy(operation.Buffers[(3 * i) + 1], operation.Buffers[3 * i], _buffers[loop.Carries[i].State].Bytes);
        if (operation.Extent <= 0) return false;
        Count(assignment, 0);
        return true;
    }

    /// <summary>Ends an iteration.</summary>
    /// <param name="operation">The end of the loop.</param>
    /// <returns>False if it was the last.</returns>
    public bool Next(in Operation operation)
    {
        Assignment assignment = _parts.Assignments[operation.Step];
        LoopStep loop = (LoopStep)assignment.Step;
        for (int i = 0; i < loop.Carries.Count; i++) Copy(operation.Buffers[(3 * i) + 1], operation.Buffers[(3 * i) + 2], _buffers[loop.Carries[i].State].Bytes);
        long next = _dims[assignment.Symbols[0]] + 1;
        if (next >= operation.Extent) return false;
        Count(assignment, next);
        return true;
    }

    /// <summary>Points a routine's operands to their memory.</summary>
    public RoutineCall Prepare(in Operation operation)
    {
        RoutineCall call = Steps[operation.Step].Routine!;
        for (int i = 0; i < call.Count; i++)
            if (call.Has(i)) call[i].Pointer = operation.Buffers[i];
        call.Scratch = Scratch;
        return call;
    }

    /// <summary>Frees the memory.</summary>
    public void Dispose()
    {
        _device?.Dispose();
        foreach (RequestAccelerator accelerator in _accelerators) accelerator.Dispose();
        if (!ReferenceEquals(_memory, _tables)) _memory.Dispose();
        _tables.Dispose();
    }

    internal static long Size(SizeExpression expression, ReadOnlySpan<long> dims, string what)
    {
        long size = Value(expression, dims, what);
        if (size >= 0) return size;
        // Windows, for one, do not fit into dims that are too small.
        if (dims.Length > 0) throw new LatheException(ErrorIds.Data, $"With dims of {string.Join(", ", dims.ToArray())} the size of {what} is negative: the model needs larger ones.");
        throw PlanFormat.Corrupt($"the size of {what} is negative");
    }

    internal static long Value(SizeExpression expression, ReadOnlySpan<long> dims, string what)
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

    private static long Read(byte* data, ElementType type, int at) => type switch
    {
        ElementType.Int64 => ((long*)data)[at],
        ElementType.Int32 => ((int*)data)[at],
        ElementType.UInt64 => ((ulong*)data)[at] > long.MaxValue ? long.MaxValue : (long)((ulong*)data)[at],
        ElementType.UInt32 => ((uint*)data)[at],
        ElementType.Int16 => ((short*)data)[at],
        ElementType.UInt16 => ((ushort*)data)[at],
        ElementType.Int8 => ((sbyte*)data)[at],
        _ => data[at],
    };

    private void Copy(byte* to, byte* from, long bytes)
    {
        if (_device is not null && to != from && bytes > 0) _device.Copy(DeviceAddress.Of(to), DeviceAddress.Of(from), bytes);
        else if (_device is null && to != from) Buffer.MemoryCopy(from, to, bytes, bytes);
    }

    private static long Aligned(long bytes) => checked(bytes + (Plan.Alignment - 1)) & -Plan.Alignment;

    private LatheException Misfit(PlanStep step, string reason) =>
        new(ErrorIds.Data, $"Model '{Plan.Model}': node '{step.Node}' ({step.Op}): {reason}.");
}
