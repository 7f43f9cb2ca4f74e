using Lathe.Runtime.Devices;
using Lathe.Runtime.Plans;
using Lathe.Runtime.Routines;

namespace Lathe.Runtime.Execution;

/// <content>How sizes, places and pointers follow from the dims.</content>
internal sealed unsafe partial class RequestProgram
{
    private void Count(Assignment assignment, long value)
    {
        ref long symbol = ref _dims[assignment.Symbols[0]];
        if (symbol == value && !assignment.IsStale) return;
        symbol = value;
        assignment.IsStale = true;
        Update(assignment);
    }

    private void Update(Assignment assignment)
    {
        foreach (int later in assignment.Later) _parts.Assignments[later].IsStale = true;
        foreach (int output in assignment.Outputs)
        {
            Shape(Outputs[output], Plan.Outputs[output]);
            Hand(Inputs.Length + output);
        }

        (long arena, long scratch) = (_arenaBytes, _scratchBytes);
        try
        {
            foreach (int operation in assignment.Operations) Size(operation);
            foreach (int buffer in assignment.Buffers) Locate(buffer);
            if (_device is null ? MemoryBytes() > _memory.Bytes : _arenaBytes > _deviceArenaBytes) Grow(arena);
            else foreach (int slot in assignment.Slots) Point(slot);
        }
        catch
        {
            // The memory is as it was; what did not fit is sized again by the next inference, whose first steps use what there is.
            (_arenaBytes, _scratchBytes) = (arena, scratch);
            throw;
        }

        assignment.IsStale = false;
    }

    /// <summary>Makes room for the arena and the scratch memory.</summary>
    /// <param name="arena">The size that the arena had.</param>
    private void Grow(long arena)
    {
        if (_device is not null)
        {
            long bytes = checked(_arenaBytes + (_arenaBytes / 2));
            _device.ResizeArena(bytes, arena);
            _deviceArenaBytes = bytes;
            for (int slot = 0; slot < _parts.Slots.Length; slot++) Point(slot);
            return;
        }

        // Half as much again, so that dims that creep up do not copy the arena each time.
        NativeBlock larger = NativeBlock.Allocate(checked(MemoryBytes() + (MemoryBytes() / 2)), $"A request of model '{Plan.Model}'");
        Buffer.MemoryCopy(_memory.Pointer, larger.Pointer, arena, arena);
        _memory.Dispose();
        _memory = larger;
        for (int slot = 0; slot < _parts.Slots.Length; slot++) Point(slot);
    }

    private long MemoryBytes()
    {
        try
        {
            return checked(Aligned(_arenaBytes) + (Aligned(_scratchBytes) * _threads));
        }
        catch (OverflowException e)
        {
            throw new LatheException(ErrorIds.DoesNotFit, $"The memory of a request of model '{Plan.Model}' does not fit 64 bits.", e);
        }
    }

    private void Shape(TensorMemory memory, PlanTensor tensor)
    {
        Span<long> shape = stackalloc long[16];
        if (tensor.Dims.Count > shape.Length) shape = new long[tensor.Dims.Count];
        for (int i = 0; i < tensor.Dims.Count; i++) shape[i] = Size(tensor.Dims[i], "an input or output");
        memory.Resize(shape[..tensor.Dims.Count]);
    }

    private long Size(SizeExpression expression, string what) => Size(expression, _dims, what);

    /// <summary>Computes where a buffer is, and checks that it lies in its memory.</summary>
    private void Locate(int number)
    {
        PlanBuffer buffer = Plan.Buffers[number];
        long offset = Size(buffer.Offset, "a buffer's offset"), bytes = Size(buffer.Bytes, "a buffer");
        long limit = buffer.Kind switch
        {
            BufferKind.Input => Inputs[buffer.Index].Bytes,
            BufferKind.Output => Outputs[buffer.Index].Bytes,
            BufferKind.Arena when buffer.Device > 0 => _accelerators[buffer.Device - 1].ArenaBytes,
            // With computed dims the arena is as large as what lies in it.
            BufferKind.Arena => _parts.Assignments.Length > 0 ? long.MaxValue : _arenaBytes,
            BufferKind.Prepared => Plan.PreparedBytes,
            _ => Plan.WeightBytes,
        };
        // What a loop writes piece by piece is not aligned.
        bool aligned = offset % Plan.Alignment == 0 || _parts.IsLoopBuffer[number];
        if (!aligned || offset > limit || bytes > limit - offset) throw PlanFormat.Corrupt($"buffer {number} lies outside its memory or is not aligned");
        _buffers[number] = (offset, bytes);
        if (buffer.Kind == BufferKind.Arena && buffer.Device == 0) _arenaBytes = Math.Max(_arenaBytes, offset + bytes);
    }

    private void Point(int slot)
    {
        int number = _parts.Slots[slot];
        PlanBuffer buffer = Plan.Buffers[number];
        if (_device is not null || RequestOf(_parts.SlotDevices[slot]) is not null)
        {
            int memory = buffer.Kind switch
            {
                BufferKind.Input => DeviceAddress.FirstTensor + buffer.Index,
                BufferKind.Output => DeviceAddress.FirstTensor + Inputs.Length + buffer.Index,
                BufferKind.Arena => DeviceAddress.Arena,
                BufferKind.Weights => DeviceAddress.Weights,
                BufferKind.Prepared when _device is null => DeviceAddress.Prepared,
                _ => throw PlanFormat.Corrupt($"buffer {number} is in memory that {Plan.Device} has not"),
            };
            _pointers[slot] = new DeviceAddress(memory, buffer.Kind == BufferKind.Input ? 0 : _buffers[number].Offset).ToPointer();
            return;
        }

        _pointers[slot] = buffer.Kind switch
        {
            BufferKind.Input => Inputs[buffer.Index].Current,
            BufferKind.Output => Outputs[buffer.Index].Current + _buffers[number].Offset,
            BufferKind.Arena => (buffer.Device > 0 ? _accelerators[buffer.Device - 1].Memory!.Pointer : _memory.Pointer) + _buffers[number].Offset,
            BufferKind.Prepared => _weights.Prepared + _buffers[number].Offset,
            _ => _weights.Pointer + _buffers[number].Offset,
        };
    }

    /// <summary>Tells the device where an input or output lies: of memory that has gaps all of it, of memory that an output may fill only what it has.</summary>
    private void Hand(int number)
    {
        TensorMemory tensor = Tensors[number];
        _device?.Bind(number, tensor.Current, tensor.Bound is { } bound && tensor.ShapedBy is null ? bound.Room : tensor.Bytes);
    }

    /// <summary>Computes everything of an operation that depends on dims.</summary>
    private void Size(int number)
    {
        ref Operation operation = ref Operations[number];
        switch (_parts.Sources[number])
        {
            case KernelStep kernel:
                Size(ref operation, kernel);
                break;
            case TransferStep transfer:
                long bytes = Size(transfer.Bytes, "a transfer");
                if (bytes > Math.Min(_buffers[transfer.From].Bytes, _buffers[transfer.To].Bytes)) throw PlanFormat.Corrupt($"transfer '{transfer.Node}' is longer than its buffers");
                operation.Extent = (nint)bytes;
                Steps[operation.Step].Traffic = bytes;
                break;
            case RoutineStep routine:
                RoutineCall call = Steps[operation.Step].Routine!;
                for (int i = 0; i < routine.Operands.Count; i++)
                    for (int axis = 0; axis < routine.Operands[i].Dims.Count; axis++)
                        call[i].Dims[axis] = Size(routine.Operands[i].Dims[axis], "an operand of a routine");
                _scratchBytes = Math.Max(_scratchBytes, Size(routine.ScratchBytes, "the scratch of a step"));
                break;
            case LoopStep loop:
                operation.Extent = (nint)Size(loop.Count, "the count of a loop");
                break;
        }
    }

    private void Size(ref Operation operation, KernelStep kernel)
    {
        Span<long> dims = stackalloc long[32];
        dims = kernel.Dims.Count <= dims.Length ? dims[..kernel.Dims.Count] : new long[kernel.Dims.Count];
        for (int i = 0; i < dims.Length; i++)
        {
            dims[i] = Value(kernel.Dims[i], _dims, "a dim of a step");
            operation.Dims[i] = (nint)dims[i];
        }

        PlanVariant variant = Code.VariantOf(kernel);
        long extent = Size(variant.Extent, dims, "the extent of a step");
        operation.Extent = (nint)extent;
        RequestStep step = Steps[operation.Step];
        step.ScratchBytes = extent > 0 ? Size(variant.ScratchBytes, dims, "the scratch of a step") : 0;
        // What the CPU may have to do in a device's place, in a variant of its own, has room from the beginning, and sizes that are none are told then.
        long onHost = operation.Kind != OperationKind.Launch ? step.ScratchBytes
            : Code.Variants[kernel.Kernel] is { } own && Size(own.Extent, dims, "the extent of a step") > 0 ? Size(own.ScratchBytes, dims, "the scratch of a step") : 0;
        _scratchBytes = Math.Max(_scratchBytes, onHost);
        step.Macs = Size(kernel.Macs, "the work of a step");
        step.Traffic = Size(kernel.Traffic, "the traffic of a step");
        step.Slices = operation.Slices = Math.Max(1, WorkEstimate.Slices(step.Macs, step.Traffic, extent, _threads));
    }
}
