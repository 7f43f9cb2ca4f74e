using System.Runtime.CompilerServices;

namespace Lathe.Runtime.Execution;

/// <summary>
/// The inferences of all models that wait for a thread of the runtime, first come, first served; not more threads serve them than the process
/// may use processors. Safe for concurrent use.
/// </summary>
internal sealed class RequestQueue
{
    // Waking a parked thread takes some 40 µs; a thread that finds nothing looks on for about as long first.
    private const int SpinIterations = 1000;

    private readonly object _gate = new();
    private readonly int _limit;
    private InferRequest? _first;
    private InferRequest? _last;
    private int _length;
    private int _threads;
    private int _unoccupied;
    private int _parked;

    private RequestQueue(int limit) => _limit = limit;

    public static RequestQueue Shared { get; } = new(Environment.ProcessorCount);

    public void Enqueue(InferRequest request)
    {
        lock (_gate)
        {
            if (_last is null) _first = request;
            else _last.Next = request;
            _last = request;
            _length++;
            if (_length > _unoccupied && _threads < _limit) Start();
            else if (_parked > 0) Monitor.Pulse(_gate);
        }
    }

    private void Start()
    {
        _unoccupied++;
        new Thread(Serve) { IsBackground = true, Name = $"Lathe request {_threads++}" }.UnsafeStart();
    }

    private void Serve()
    {
        while (true) ServeNext();
    }

    // Not a part of the loop, so that a thread that waits keeps no request alive.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void ServeNext()
    {
        Take().RunQueued();
        lock (_gate) _unoccupied++;
    }

    private InferRequest Take()
    {
        for (int i = 0; i < SpinIterations && Volatile.Read(ref _length) == 0; i++) Thread.SpinWait(4);
        lock (_gate)
        {
            while (_first is null)
            {
                _parked++;
                Monitor.Wait(_gate);
                _parked--;
            }

            InferRequest request = _first;
            _first = request.Next;
            if (_first is null) _last = null;
            request.Next = null;
            _length--;
            _unoccupied--;
            return request;
        }
    }
}
