using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using Lathe.Runtime.Devices;
using Lathe.Runtime.Execution;
using Lathe.Runtime.Plans;

namespace Lathe.Runtime;

/// <summary>
/// A loaded model: its kernels, its plan and its weights. Immutable and safe for concurrent use; one inference at a time runs in each of its
/// <see cref="InferRequest"/>s. Requests that outlive the model throw <see cref="ObjectDisposedException"/>; the weights are freed when the
/// model and its last request are disposed.
/// </summary>
public sealed partial class CompiledModel : IDisposable
{
    private readonly Weights _weights;
    private readonly KernelAssembly? _assembly;
    private readonly KernelPreparation? _preparation;
    private readonly LatheOptions _options;
    private readonly bool _flushDenormals;
    private readonly DeviceModel[] _devices;
    private readonly DeclaredImage[] _images;
    private readonly List<string> _warnings = [];
    private readonly HashSet<(int Device, string Id)> _lost = [];
    private readonly Stack<InferRequest> _pool = new();
    private ModelCode _code;
    private bool _disposed;

    private CompiledModel(CompiledModule module, IReadOnlyList<string> directories, KernelAssembly? assembly, LatheOptions options)
    {
        if (options.Threads is < 1) throw new ArgumentOutOfRangeException(nameof(options), options.Threads, "There must be at least one thread.");
        if (module.Version != Plan.Version)
        {
            throw new LatheException(
                ErrorIds.OtherVersion,
                $"The kernel assembly was made for version {module.Version} of the kernel interface; this runtime has version {Plan.Version}.");
        }

        Plan plan;
        using (Stream stream = module.OpenPlan()) plan = PlanFormat.Read(stream);
        _options = options;
        _images = DeclaredImage.Of(plan, options.InputFormats ?? throw new ArgumentException($"{nameof(LatheOptions.InputFormats)} is null.", nameof(options)));
        _assembly = assembly;
        ModelCode? code = null;
        List<DeviceModel> devices = [];
        try
        {
            if (!plan.IsForOneDevice)
            {
                code = ModelCode.Choose(module, plan, options.Isa ?? Isas.FromEnvironment());
                _preparation = KernelPreparation.Start(code, Environment.ProcessorCount);
            }

            // Behind the code: what is linked has what it takes, too.
            _flushDenormals = (options.FlushDenormals ?? !plan.KeepsDenormals) && FloatingPointMode.IsAvailable;
            _weights = Weights.Load(module, plan.WeightBytes, directories);
            if (code is null)
            {
                devices.Add(Open(module, plan, 0));
                _code = ModelCode.OnDevice(module, plan, devices[0]);
            }
            else
            {
                _weights.Prepare(code, ThreadsOf(options));
                for (int number = 1; number <= plan.Accelerators.Count; number++) code = Attach(module, code, number, devices);
                _code = code;
            }

            _devices = [.. devices];
            Threads = HostThreads();
            Info = Describe();
            if (options.WarmUp) WarmUp();
        }
        catch
        {
            _preparation?.Stop();
            foreach (DeviceModel device in devices) device.Dispose();
            _weights?.Dispose();
            throw;
        }
    }

    /// <summary>What the model is and what was chosen when it was loaded; anew where a device has failed since.</summary>
    public ModelInfo Info { get; private set; }

    /// <summary>
    /// How many requests keep this machine busy when they run at the same time, each with <see cref="ModelInfo.Threads"/> threads: the most that any of the model's devices asks for.
    /// </summary>
    public int OptimalRequestCount
    {
        get
        {
            int most = Math.Max(1, Environment.ProcessorCount / Info.Threads);
            ModelCode code = Volatile.Read(ref _code);
            foreach (DeviceModel device in code.Device is { } only ? [only] : code.Accelerators) most = Math.Max(most, device.OptimalRequests);
            return most;
        }
    }

    private int Threads { get; }

    /// <summary>The inputs that are converted before each inference.</summary>
    internal IReadOnlyList<DeclaredImage> Images => _images;

    /// <summary>Whether requests measure what they do.</summary>
    internal bool IsProfiling => _options.Profiling;

    internal bool IsDisposed => Volatile.Read(ref _disposed);

    /// <summary>Loads a kernel assembly, such as <c>lathe compile</c> makes, into an assembly load context of its own.</summary>
    /// <param name="path">The assembly's file; weights that are not in it lie beside it.</param>
    /// <param name="options">How to load it; null for the defaults.</param>
    /// <exception cref="LatheException">
    /// The file is no kernel assembly for this runtime and machine, its plan or weights are damaged, they do not fit memory, a declared format does not fit its input, or a device fails for which nothing stands in.
    /// </exception>
    /// <exception cref="ArgumentOutOfRangeException">Less than one thread is asked for.</exception>
    /// <exception cref="ArgumentException">The formats of inputs are null.</exception>
    [RequiresUnreferencedCode("The assembly and what it needs of the runtime are not known when the application is trimmed; use Create.")]
    [RequiresDynamicCode("The assembly's code is compiled when it runs; use Create.")]
    public static CompiledModel Load(string path, LatheOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        options ??= new();
        KernelAssembly assembly = KernelAssembly.Load(path, options.Unloadable);
        try
        {
            return new(assembly.Module, [Path.GetDirectoryName(Path.GetFullPath(path))!, AppContext.BaseDirectory], assembly, options);
        }
        catch
        {
            assembly.Unload();
            throw;
        }
    }

    /// <summary>Loads a model whose kernels are part of the application; what generated classes call. Works under NativeAOT.</summary>
    /// <param name="module">The kernel assembly's module. Weights that are not in its assembly are looked for beside it and beside the application.</param>
    /// <param name="options">How to load it; null for the defaults.</param>
    /// <exception cref="LatheException">
    /// The module is not for this runtime and machine, its plan or weights are damaged, they do not fit memory, a declared format does not fit its input, or a device fails for which nothing stands in.
    /// </exception>
    /// <exception cref="ArgumentOutOfRangeException">Less than one thread is asked for.</exception>
    /// <exception cref="ArgumentException">The formats of inputs are null.</exception>
    public static CompiledModel Create(CompiledModule module, LatheOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(module);
        string? location = KernelAssembly.DirectoryOf(module.GetType().Assembly);
        return new(module, location is null ? [AppContext.BaseDirectory] : [location, AppContext.BaseDirectory], null, options ?? new());
    }

    /// <summary>Creates a request in which every named dim has its default value.</summary>
    /// <exception cref="ObjectDisposedException">The model is disposed.</exception>
    /// <exception cref="LatheException">LATHE0506: its memory does not fit. LATHE0508: the model needs larger dims. LATHE0511: a device fails for which nothing stands in.</exception>
    public InferRequest CreateRequest() => new(this);

    /// <summary>Creates a request for certain dims.</summary>
    /// <param name="dims">Values of named dims; those not given have their default value.</param>
    /// <exception cref="ArgumentException">The model has no dim of a name, or a value is outside the dim's range.</exception>
    /// <exception cref="ObjectDisposedException">The model is disposed.</exception>
    /// <exception cref="LatheException">LATHE0506: its memory does not fit. LATHE0508: the model needs larger dims. LATHE0511: a device fails for which nothing stands in.</exception>
    public InferRequest CreateRequest(IReadOnlyDictionary<string, long> dims)
    {
        ArgumentNullException.ThrowIfNull(dims);
        return new(this, dims);
    }

    /// <summary>
    /// Takes a request of the default dims from the model's pool, or creates one. Its <see cref="InferRequest.Dispose()"/> gives it back;
    /// what its inputs and outputs hold is then left as it is.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The model is disposed.</exception>
    /// <exception cref="LatheException">LATHE0506: its memory does not fit. LATHE0508: the model needs larger dims. LATHE0511: a device fails for which nothing stands in.</exception>
    public InferRequest Rent() => Rent(static model => new InferRequest(model));

    /// <summary>As <see cref="Rent()"/>, for a class of requests derived from <see cref="InferRequest"/>.</summary>
    /// <param name="create">Creates a request of the default dims where the pool has none of this class.</param>
    public T Rent<T>(Func<CompiledModel, T> create)
        where T : InferRequest
    {
        ArgumentNullException.ThrowIfNull(create);
        ObjectDisposedException.ThrowIf(IsDisposed, this);
        T? request = null;
        lock (_pool)
        {
            if (_pool.TryPeek(out InferRequest? top) && top is T) request = (T)_pool.Pop();
        }

        request ??= create(this);
        request.HandOut();
        return request;
    }

    /// <summary>Ends the use of the model. Inferences that run are finished; new ones throw. May be called at any time and more than once.</summary>
    public void Dispose()
    {
        InferRequest[] pooled;
        lock (_pool)
        {
            if (_disposed) return;
            Volatile.Write(ref _disposed, true);
            pooled = [.. _pool];
            _pool.Clear();
        }

        _preparation?.Stop();
        foreach (InferRequest request in pooled) request.Free();
        foreach (DeviceModel device in _devices) device.Dispose();
        _weights.Dispose();
        _assembly?.Unload();
    }

    internal bool TryGiveBack(InferRequest request)
    {
        lock (_pool)
        {
            if (_disposed) return false;
            _pool.Push(request);
            return true;
        }
    }

    internal Executor Prepare(IReadOnlyDictionary<string, long>? dims, out RequestProgram program)
    {
        ObjectDisposedException.ThrowIf(IsDisposed, this);
        long[] values = Values(dims);
        ModelCode code = Volatile.Read(ref _code);
        if (code.Device is not { } device)
        {
            RequestAccelerator[] accelerators = Accelerators(ref code, values);
            program = Build(code, values, accelerators, null);
            return new HostExecutor(program, Threads, _options.Profiling, _flushDenormals, Team.Shared, Replaces);
        }

        DeviceRequest request = device.CreateRequest();
        program = Build(code, values, [], request);
        return new DeviceExecutor(program, request, _options.Profiling);
    }

    private RequestProgram Build(ModelCode code, long[] values, RequestAccelerator[] accelerators, DeviceRequest? device)
    {
        try
        {
            return ProgramBuilder.Build(code, _weights, values, Threads, accelerators, device);
        }
        catch
        {
            device?.Dispose();
            foreach (RequestAccelerator accelerator in accelerators) accelerator.Dispose();
            throw;
        }
    }

    private long[] Values(IReadOnlyDictionary<string, long>? dims)
    {
        long[] values = _code.DefaultDims();
        if (dims is null || dims.Count == 0) return values;
        foreach ((string name, long value) in dims)
        {
            int number = 0;
            while (number < Info.Symbols.Count && Info.Symbols[number].Name != name) number++;
            if (number == Info.Symbols.Count) throw new ArgumentException($"Model '{Info.Name}' has no dim '{name}'.", nameof(dims));
            PlanSymbol symbol = Info.Symbols[number];
            if (value < symbol.Min || value > symbol.Max)
            {
                throw new ArgumentOutOfRangeException(
                    nameof(dims), value, $"Dim '{name}' of model '{Info.Name}' was compiled for {symbol.Min} to {symbol.Max}.");
            }

            values[number] = value;
        }

        return values;
    }

    private static int ThreadsOf(LatheOptions options) => Math.Min(options.Threads ?? int.MaxValue, Environment.ProcessorCount);

    private ModelInfo Describe()
    {
        Plan plan = _code.Plan;
        LatheOptions options = _options;
        List<Fallback> fallbacks = [];
        AddFallbacks(plan.Steps, fallbacks);
        int otherwise = fallbacks.Count - plan.Steps.OfType<KernelStep>().Count(step => step.Device > 0 && _code.DeviceOf(step.Device) is null);
        List<string> warnings = [.. _devices.SelectMany(device => device.Warnings), .. _warnings];
        if (_code.NativeRefusal is { } refusal) warnings.Add($"The kernels run in C#, not as native code: {refusal}.");
        else if (otherwise > 0) warnings.Add($"{otherwise} steps have no {(plan.PrefersNative ? "native " : "")}{_code.Isa.Name()} kernel and run another.");
        if (_code.Device is null && (options.FlushDenormals ?? !plan.KeepsDenormals) && !_flushDenormals)
            warnings.Add("Denormal numbers are computed with: this system does not allow to flush them.");
        if (options.Threads > Environment.ProcessorCount)
            warnings.Add($"{options.Threads} threads were asked for; this process may use {Environment.ProcessorCount} processors.");
        return new()
        {
            Name = plan.Model,
            Isa = _code.Isa,
            Device = _code.Device?.Description ?? string.Join("; ", [.. _code.Accelerators.Select(device => $"{device.Device}: {device.Description}"), "CPU"]),
            Inputs = [.. plan.Inputs.Select((tensor, i) => _images.FirstOrDefault(image => image.Input == i) is { } image
                ? TensorInfo.Of(image.Image, plan.Symbols) with { ConvertedFrom = image.Format }
                : TensorInfo.Of(tensor, plan.Symbols))],
            Outputs = [.. plan.Outputs.Select(tensor => TensorInfo.Of(tensor, plan.Symbols))],
            Symbols = [.. plan.Symbols.Where(symbol => !symbol.IsComputed)],
            // The default dims may be too small for the model; that is said when a request is made with them.
            ArenaBytes = Math.Max(0, RequestProgram.Value(plan.ArenaBytes, _code.DefaultDims(), "the arena")),
            WeightBytes = plan.WeightBytes,
            PreparedBytes = plan.PreparedBytes,
            Threads = Threads,
            Fallbacks = fallbacks,
            Warnings = warnings,
        };
    }

    private void AddFallbacks(IReadOnlyList<PlanStep> steps, List<Fallback> fallbacks)
    {
        foreach (PlanStep step in steps)
        {
            switch (step)
            {
                case KernelStep kernel when _code.FallbackOf(kernel) is { } reason:
                    fallbacks.Add(new(kernel.Node, reason));
                    break;
                case IfStep branch:
                    AddFallbacks(branch.Then, fallbacks);
                    AddFallbacks(branch.Else, fallbacks);
                    break;
                case LoopStep loop:
                    AddFallbacks(loop.Body, fallbacks);
                    break;
            }
        }
    }
}
