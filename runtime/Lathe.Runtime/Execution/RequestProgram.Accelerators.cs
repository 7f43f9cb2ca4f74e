using Lathe.Runtime.Devices;
using Lathe.Runtime.Plans;

namespace Lathe.Runtime.Execution;

/// <content>What runs on accelerators, and what the host waits for.</content>
internal sealed unsafe partial class RequestProgram
{
    // So that finding waits takes time in proportion to the operations, whatever a plan is. What is longer ago is waited for, and is done by then.
    private const int MostPending = 64;

    /// <summary>
    /// For every operation the transfers that have to be done before it: those that are not waited for before and touch bytes that it may touch. Null for none.
    /// </summary>
    public TransferWait[]?[] Waits { get; private set; } = [];

    /// <summary>How many accelerators the plan has, those that the CPU stands in for among them.</summary>
    public int AcceleratorCount => _accelerators.Length;

    /// <summary>The queue of an accelerator; null for the CPU, also where it stands in for one.</summary>
    public DeviceRequest? RequestOf(int device) => device == 0 ? null : _accelerators[device - 1].Request;

    /// <summary>Has the CPU do the work of an accelerator from now on. Inputs and outputs stay where they are.</summary>
    /// <param name="device">The accelerator's number.</param>
    /// <param name="reason">Why, as a sentence.</param>
    /// <exception cref="LatheException">LATHE0506: there is not enough memory for that; all is as it was.</exception>
    public void Replace(int device, string reason)
    {
        _accelerators[device - 1].Replace(Plan.Model);
        Code = Code.Without(device, reason);
        Place(device);
        for (int i = 0; i < Operations.Length; i++)
            if (Operations[i].Device == device) Size(i);
        for (int slot = 0; slot < _parts.Slots.Length; slot++)
            if (_parts.SlotDevices[slot] == device) Point(slot);
        FindWaits();
    }

    /// <summary>Gives the operations of an accelerator the kind that they have there, or on the CPU.</summary>
    private void Place(int device)
    {
        bool isThere = RequestOf(device) is not null;
        foreach (ref Operation operation in Operations.AsSpan())
        {
            if (operation.Device != device) continue;
            if (operation.Kind is OperationKind.Copy or OperationKind.Transfer) operation.Kind = isThere ? OperationKind.Transfer : OperationKind.Copy;
            else operation.Kind = isThere ? OperationKind.Launch : OperationKind.Call;
        }
    }

    /// <summary>
    /// Goes through the operations in order. Transfers are outside of branches and loops, and what decides where the host goes on waits for all of them, so that the order of the operations is that
    /// of their execution as far as transfers are under way.
    /// </summary>
    private void FindWaits()
    {
        if (_accelerators.Length == 0) return;
        Waits = new TransferWait[]?[Operations.Length];
        List<(int Number, int Device, int Buffer)> pending = [];
        for (int i = 0; i < Operations.Length; i++)
        {
            ref readonly Operation operation = ref Operations[i];
            int count = i + 1 < Operations.Length ? _parts.Starts[i + 1].Slot : _parts.Slots.Length, device = operation.Device;
            Span<int> slots = _parts.Slots.AsSpan(_parts.Starts[i].Slot..count);
            switch (operation.Kind)
            {
                case OperationKind.Launch:
                    break;
                case OperationKind.Transfer when pending.Count == MostPending:
                    int longAgo = pending[MostPending / 2].Number;
                    Wait(i, pending, other => other.Number <= longAgo);
                    goto case OperationKind.Transfer;
                case OperationKind.Transfer:
                    int host = slots[operation.IsRead ? 1 : 0];
                    // A device's own transfers are done in order.
                    Wait(i, pending, other => other.Device != device && Overlap(other.Buffer, host));
                    // What is only read stays as it is, and of nothing there is no transfer.
                    if (operation.Extent > 0 && Plan.Buffers[host].Kind is (BufferKind.Arena or BufferKind.Output)) pending.Add((operation.Target, device, host));
                    break;
                case OperationKind.Call or OperationKind.Copy:
                    int[] touched = slots.ToArray();
                    Wait(i, pending, other => touched.Any(buffer => Overlap(other.Buffer, buffer)));
                    break;
                default:
                    Wait(i, pending, _ => true);
                    break;
            }
        }
    }

    /// <summary>Lets an operation wait for the last transfer of each device that has to be done before; those before it are done then as well.</summary>
    private void Wait(int operation, List<(int Number, int Device, int Buffer)> pending, Predicate<(int Number, int Device, int Buffer)> isNeeded)
    {
        List<TransferWait> waits = [];
        for (int device = 1; device <= _accelerators.Length; device++)
        {
            int last = pending.FindLastIndex(other => other.Device == device && isNeeded(other));
            if (last < 0) continue;
            int number = pending[last].Number;
            waits.Add(new(device, number));
            pending.RemoveAll(other => other.Device == device && other.Number <= number);
        }

        if (waits.Count > 0) Waits[operation] = [.. Waits[operation] ?? [], .. waits];
    }

    /// <summary>True if two buffers of the host may have bytes in common. Where one lies in the arena may depend on data.</summary>
    private bool Overlap(int a, int b)
    {
        (PlanBuffer first, PlanBuffer second) = (Plan.Buffers[a], Plan.Buffers[b]);
        if (first.Kind != second.Kind || first.Index != second.Index || first.Device != second.Device) return false;
        if (!_parts.IsStatic[a] || !_parts.IsStatic[b]) return true;
        return _buffers[a].Offset < _buffers[b].Offset + _buffers[b].Bytes && _buffers[b].Offset < _buffers[a].Offset + _buffers[a].Bytes;
    }
}

/// <summary>A transfer that has to be done before an operation.</summary>
/// <param name="Device">Its accelerator.</param>
/// <param name="Number">Its number among the request's transfers.</param>
internal readonly record struct TransferWait(int Device, int Number);
