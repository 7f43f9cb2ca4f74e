using System.Runtime.ExceptionServices;
using System.Threading.Tasks.Sources;
using Lathe.Runtime.Execution;

namespace Lathe.Runtime;

/// <content>How inferences are started, finished and ended.</content>
public partial class InferRequest : IValueTaskSource
{
    private const int IdleState = 0;
    private const int RunningState = 1;

    // An inference runs and the request was disposed meanwhile.
    private const int ClosingState = 2;
    private const int ClosedState = 3;

    private readonly object _gate = new();
    private int _state;
    private bool _rented;
    private ManualResetValueTaskSourceCore<bool> _completion = new() { RunContinuationsAsynchronously = true };
    private CancellationToken _cancellationToken;

    // True until the outcome of a queued inference has been handed over; the next one must not begin before.
    private bool _delivering;
    private bool _awaited;
    private bool _started;
    private bool _finished;
    private Exception? _failure;
    private bool _hasConverted;

    /// <summary>The next request in <see cref="RequestQueue"/>.</summary>
    internal InferRequest? Next { get; set; }

    /// <summary>Runs one inference on the calling thread, which other threads may help.</summary>
    /// <exception cref="InvalidOperationException">An inference of this request runs already.</exception>
    /// <exception cref="ObjectDisposedException">The request or its model is disposed.</exception>
    /// <exception cref="LatheException">LATHE0507: a kernel reported an error. The request can be used again.</exception>
    public void Infer()
    {
        Begin();
        try
        {
            Run(CancellationToken.None);
        }
        finally
        {
            End();
        }
    }

    /// <summary>Runs one inference on a thread of the runtime. Await the result once, as of any <see cref="ValueTask"/>.</summary>
    /// <param name="cancellationToken">Stops the inference before its next step, on a device before what is not yet started there, a few steps on; the request can then be used again.</param>
    /// <exception cref="InvalidOperationException">An inference of this request runs already.</exception>
    /// <exception cref="ObjectDisposedException">The request or its model is disposed.</exception>
    /// <exception cref="OperationCanceledException">From the awaited task: the token was cancelled.</exception>
    /// <exception cref="LatheException">From the awaited task: LATHE0507, a kernel reported an error. The request can be used again.</exception>
    public ValueTask InferAsync(CancellationToken cancellationToken = default)
    {
        Begin();
        if (cancellationToken.IsCancellationRequested)
        {
            End();
            return ValueTask.FromCanceled(cancellationToken);
        }

        _completion.Reset();
        ValueTask task = new(this, _completion.Version);
        Enqueue(awaited: true, cancellationToken);
        return task;
    }

    /// <summary>Begins one inference on a thread of the runtime; <see cref="Wait(TimeSpan)"/> waits for it.</summary>
    /// <param name="cancellationToken">Stops the inference before its next step, on a device before what is not yet started there, a few steps on; the request can then be used again.</param>
    /// <exception cref="InvalidOperationException">An inference of this request runs already.</exception>
    /// <exception cref="ObjectDisposedException">The request or its model is disposed.</exception>
    public void StartAsync(CancellationToken cancellationToken = default)
    {
        Begin();
        lock (_gate)
        {
            _started = true;
            _finished = false;
            _failure = null;
        }

        Enqueue(awaited: false, cancellationToken);
    }

    /// <summary>Waits for the inference that <see cref="StartAsync"/> began last.</summary>
    /// <exception cref="InvalidOperationException">None was begun.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    /// <exception cref="LatheException">LATHE0507: a kernel reported an error. The request can be used again.</exception>
    public void Wait() => Wait(Timeout.InfiniteTimeSpan);

    /// <summary>As <see cref="Wait()"/>, but not longer than a given time.</summary>
    /// <param name="timeout">How long; zero only looks, <see cref="Timeout.InfiniteTimeSpan"/> waits for ever.</param>
    /// <returns>True if the inference is finished, false if the time is over.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The time is negative or longer than about 24 days.</exception>
    /// <exception cref="InvalidOperationException">None was begun.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    /// <exception cref="LatheException">LATHE0507: a kernel reported an error. The request can be used again.</exception>
    public bool Wait(TimeSpan timeout)
    {
        double milliseconds = timeout.TotalMilliseconds;
        if (timeout != Timeout.InfiniteTimeSpan && milliseconds is < 0 or > int.MaxValue)
            throw new ArgumentOutOfRangeException(nameof(timeout), timeout, "The time is negative or too long.");
        long deadline = timeout == Timeout.InfiniteTimeSpan ? long.MaxValue : Environment.TickCount64 + (long)Math.Ceiling(milliseconds);
        lock (_gate)
        {
            if (!_started) throw new InvalidOperationException("No inference was started.");
            while (!_finished)
            {
                long rest = deadline - Environment.TickCount64;
                if (rest <= 0) return false;
                Monitor.Wait(_gate, deadline == long.MaxValue ? Timeout.Infinite : (int)rest);
            }

            if (_failure is not null) ExceptionDispatchInfo.Throw(_failure);
            return true;
        }
    }

    /// <summary>
    /// Frees the request's memory, or gives a rented request back. While an inference runs, it is finished first and then the memory is freed.
    /// May be called more than once, but a rented request that was given back may belong to somebody else.
    /// </summary>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>What <see cref="Dispose()"/> does; derived classes may add to it.</summary>
    /// <param name="disposing">True, as there is no finalizer: the memory is freed by its own.</param>
    protected virtual void Dispose(bool disposing)
    {
        if (!disposing) return;
        while (true)
        {
            int state = Volatile.Read(ref _state);
            if (state is ClosingState or ClosedState) return;
            int next = state == IdleState ? ClosedState : ClosingState;
            if (Interlocked.CompareExchange(ref _state, next, state) != state) continue;
            if (next == ClosedState) Release();
            return;
        }
    }

    /// <inheritdoc/>
    void IValueTaskSource.GetResult(short token) => _completion.GetResult(token);

    /// <inheritdoc/>
    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _completion.GetStatus(token);

    /// <inheritdoc/>
    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _completion.OnCompleted(continuation, state, token, flags);

    /// <summary>Makes a request of the pool usable.</summary>
    internal void HandOut()
    {
        _rented = true;
        Volatile.Write(ref _state, IdleState);
    }

    /// <summary>Frees the memory of a request that is in nobody's hands.</summary>
    internal void Free() => _executor.Dispose();

    /// <summary>Runs the inference that was queued and hands its outcome over.</summary>
    internal void RunQueued()
    {
        Exception? failure = null;
        CancellationToken cancellationToken = _cancellationToken;
        try
        {
            Run(cancellationToken);
        }
        catch (Exception e)
        {
            failure = e;
        }

        bool awaited = _awaited;
        _cancellationToken = default;
        try
        {
            End();
        }
        catch (Exception e)
        {
            // The owner of memory that was bound.
            failure ??= e;
        }

        if (!awaited)
        {
            lock (_gate)
            {
                _failure = failure;
                _finished = true;
                Monitor.PulseAll(_gate);
            }
        }
        else if (failure is null) _completion.SetResult(true);
        else _completion.SetException(failure);

        Volatile.Write(ref _delivering, false);
    }

    private void Run(CancellationToken cancellationToken)
    {
        foreach (ImageConversion conversion in _conversions)
        {
            cancellationToken.ThrowIfCancellationRequested();
            conversion.Run(_model.IsProfiling);
        }

        _hasConverted = _conversions.Length > 0;
        _executor.Run(cancellationToken);
    }

    private void Begin()
    {
        ObjectDisposedException.ThrowIf(_model.IsDisposed, _model);
        Enter();
        SpinWait spin = default;
        while (Volatile.Read(ref _delivering)) spin.SpinOnce();
    }

    /// <summary>Takes the request for what no other thread may disturb; <see cref="End"/> gives it back.</summary>
    private void Enter()
    {
        int state = Interlocked.CompareExchange(ref _state, RunningState, IdleState);
        if (state != IdleState) throw Unusable(state);
    }

    private void End()
    {
        if (Interlocked.CompareExchange(ref _state, IdleState, RunningState) == RunningState) return;
        Volatile.Write(ref _state, ClosedState);
        Release();
    }

    private void Enqueue(bool awaited, CancellationToken cancellationToken)
    {
        _awaited = awaited;
        _cancellationToken = cancellationToken;
        Volatile.Write(ref _delivering, true);
        RequestQueue.Shared.Enqueue(this);
    }

    private void Release()
    {
        bool isUnbound = false;
        try
        {
            foreach (TensorMemory tensor in _tensors)
                if (tensor.Bound is not null) Bind(tensor, null);
            isUnbound = true;
        }
        finally
        {
            if (!isUnbound || !_rented || !_model.TryGiveBack(this)) Free();
            // What a device did not let go of it has lost now.
            if (!isUnbound)
                foreach (TensorMemory tensor in _tensors) tensor.Bind(null)?.Dispose();
        }
    }

    private void RequireIdle()
    {
        int state = Volatile.Read(ref _state);
        if (state != IdleState) throw Unusable(state);
    }

    private Exception Unusable(int state) => state == RunningState
        ? new InvalidOperationException("An inference of this request runs; a request is for one inference at a time.")
        : new ObjectDisposedException(GetType().FullName);
}
