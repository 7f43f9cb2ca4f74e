namespace Lathe.Kernels.Loops.Interpretation;

/// <summary>
/// Finds work-items that touch one element of a work-group's memory without a barrier between: the interpreter runs them one after the
/// other, so a missing barrier could go unnoticed in the values.
/// </summary>
internal sealed class RaceCheck(long count)
{
    private const int Several = -1;

    private readonly (long Epoch, long Item)[] _writes = new (long, long)[count], _reads = new (long, long)[count];

    /// <summary>Notes a read; false if another item wrote the element since the last barrier.</summary>
    public bool Read(long index, long epoch, long item)
    {
        if (_writes[index].Epoch == epoch && _writes[index].Item != item) return false;
        _reads[index] = _reads[index].Epoch == epoch && _reads[index].Item != item ? (epoch, Several) : (epoch, item);
        return true;
    }

    /// <summary>Notes a write; false if another item read or wrote the element since the last barrier.</summary>
    public bool Write(long index, long epoch, long item)
    {
        if (_writes[index].Epoch == epoch && _writes[index].Item != item) return false;
        if (_reads[index].Epoch == epoch && _reads[index].Item != item) return false;
        _writes[index] = (epoch, item);
        return true;
    }
}
