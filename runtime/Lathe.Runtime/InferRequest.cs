using Lathe.Runtime.Execution;

namespace Lathe.Runtime;

/// <summary>
/// One inference at a time of a model: the memory of its inputs, outputs and intermediate results. Fill the inputs, run <see cref="Infer"/> or
/// <see cref="InferAsync"/>, read the outputs, again and again; neither allocates managed memory. A request is for one thread at a time:
/// what is called while an inference runs throws <see cref="InvalidOperationException"/> and disturbs nothing.
/// </summary>
public partial class InferRequest : IDisposable
{
    private readonly CompiledModel _model;
    private readonly RequestProgram _program;
    private readonly Executor _executor;
    private readonly TensorMemory[] _inputs;
    private readonly TensorMemory[] _tensors;
    private readonly ImageConversion[] _conversions;

    /// <summary>Creates a request; what generated classes derive from calls this.</summary>
    /// <param name="model">The model.</param>
    /// <param name="dims">Values of named dims; those not given, and all if null, have their default value.</param>
    /// <exception cref="ArgumentException">The model has no dim of a name, or a value is outside the dim's range.</exception>
    /// <exception cref="ObjectDisposedException">The model is disposed.</exception>
    /// <exception cref="LatheException">LATHE0506: the memory does not fit.</exception>
    protected internal InferRequest(CompiledModel model, IReadOnlyDictionary<string, long>? dims = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        _model = model;
        _executor = model.Prepare(dims, out _program);
        _inputs = [.. _program.Inputs];
        _conversions = new ImageConversion[model.Images.Count];
        try
        {
            for (int i = 0; i < _conversions.Length; i++)
            {
                DeclaredImage image = model.Images[i];
                _conversions[i] = new ImageConversion(image, _program.Inputs[image.Input]);
                _inputs[image.Input] = _conversions[i].Image;
            }
        }
        catch
        {
            _executor.Dispose();
            throw;
        }

        _tensors = [.. _inputs, .. _program.Outputs];
    }

    /// <summary>The model.</summary>
    public CompiledModel Model => _model;

    /// <summary>What the last inference executed. A snapshot.</summary>
    /// <exception cref="ObjectDisposedException">The request is disposed.</exception>
    /// <exception cref="InvalidOperationException">An inference runs.</exception>
    public RunCounts Ran
    {
        get
        {
            RequireIdle();
            RunCounts ran = _executor.Ran();
            return _hasConverted ? ran with { Conversions = [.. _conversions.Select(conversion => conversion.Image.Name)] } : ran;
        }
    }

    /// <summary>
    /// What was measured of each step since the request was created, or since the CPU stands in for its device, in order; empty without <see cref="LatheOptions.Profiling"/>. A snapshot.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The request is disposed.</exception>
    /// <exception cref="InvalidOperationException">An inference runs.</exception>
    public IReadOnlyList<StepCounter> Counters
    {
        get
        {
            RequireIdle();
            return _model.IsProfiling ? [.. _conversions.Select(conversion => conversion.Counter()), .. _executor.Counters()] : [];
        }
    }

    /// <summary>
    /// The milliseconds that the last inference would have taken with a simulated accelerator; null where none ran. The time of the host's own steps is real, that of the accelerator and of transfers is
    /// what its profile says.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The request is disposed.</exception>
    /// <exception cref="InvalidOperationException">An inference runs.</exception>
    public double? SimulatedMs
    {
        get
        {
            RequireIdle();
            return _executor.SimulatedMs;
        }
    }

    /// <summary>The elements of an input, row-major: what the next inference reads.</summary>
    /// <typeparam name="T">
    /// The .NET type of the element type; <see cref="ushort"/> or <see cref="Half"/> for float16, <see cref="ushort"/> for bfloat16,
    /// <see cref="byte"/> or <see cref="bool"/> for bool.
    /// </typeparam>
    /// <param name="name">The input's name.</param>
    /// <exception cref="ArgumentException">There is no such input, or it has another type.</exception>
    /// <exception cref="ObjectDisposedException">The request is disposed.</exception>
    /// <exception cref="InvalidOperationException">An inference runs.</exception>
    public Span<T> Input<T>(string name)
        where T : unmanaged => Idle(Named(_inputs, name)).As<T>();

    /// <inheritdoc cref="Input{T}(string)"/>
    /// <param name="index">The input's number in the model's order.</param>
    public Span<T> Input<T>(int index)
        where T : unmanaged => Idle(Numbered(_inputs, index)).As<T>();

    /// <summary>The elements of an input as bytes, little-endian.</summary>
    /// <inheritdoc cref="Input{T}(int)"/>
    public Span<byte> InputBytes(int index) => Idle(Numbered(_inputs, index)).Span;

    /// <summary>Copies all elements of an input.</summary>
    /// <typeparam name="T">As in <see cref="Input{T}(string)"/>.</typeparam>
    /// <param name="name">The input's name.</param>
    /// <param name="values">The elements, row-major.</param>
    /// <exception cref="ArgumentException">There is no such input, it has another type, or it has not as many elements.</exception>
    /// <exception cref="ObjectDisposedException">The request is disposed.</exception>
    /// <exception cref="InvalidOperationException">An inference runs.</exception>
    public void SetInput<T>(string name, ReadOnlySpan<T> values)
        where T : unmanaged
    {
        Span<T> input = Input<T>(name);
        if (values.Length != input.Length) throw new ArgumentException($"Input '{name}' has {input.Length} elements, not {values.Length}.", nameof(values));
        values.CopyTo(input);
    }

    /// <summary>The elements of an output, row-major, as the last inference left them; zero before the first.</summary>
    /// <typeparam name="T">As in <see cref="Input{T}(string)"/>.</typeparam>
    /// <param name="name">The output's name.</param>
    /// <exception cref="ArgumentException">There is no such output, or it has another type.</exception>
    /// <exception cref="ObjectDisposedException">The request is disposed.</exception>
    /// <exception cref="InvalidOperationException">An inference runs.</exception>
    public ReadOnlySpan<T> Output<T>(string name)
        where T : unmanaged => Idle(Named(_program.Outputs, name)).As<T>();

    /// <inheritdoc cref="Output{T}(string)"/>
    /// <param name="index">The output's number in the model's order.</param>
    public ReadOnlySpan<T> Output<T>(int index)
        where T : unmanaged => Idle(Numbered(_program.Outputs, index)).As<T>();

    /// <summary>The elements of an output as bytes, little-endian.</summary>
    /// <inheritdoc cref="Output{T}(int)"/>
    public ReadOnlySpan<byte> OutputBytes(int index) => Idle(Numbered(_program.Outputs, index)).Span;

    /// <summary>The dims of an input in this request, outermost first.</summary>
    /// <exception cref="ArgumentException">There is no such input.</exception>
    public ReadOnlySpan<long> InputShape(string name) => Named(_inputs, name).Shape;

    /// <inheritdoc cref="InputShape(string)"/>
    public ReadOnlySpan<long> InputShape(int index) => Numbered(_inputs, index).Shape;

    /// <summary>The dims of an output in this request, outermost first.</summary>
    /// <exception cref="ArgumentException">There is no such output.</exception>
    public ReadOnlySpan<long> OutputShape(string name) => Named(_program.Outputs, name).Shape;

    /// <inheritdoc cref="OutputShape(string)"/>
    public ReadOnlySpan<long> OutputShape(int index) => Numbered(_program.Outputs, index).Shape;

    /// <summary>
    /// Makes inferences read an input from the caller's memory, without a copy, until it is bound again or unbound. The caller keeps the
    /// memory valid and unchanged while an inference runs: from its start to its completion.
    /// </summary>
    /// <param name="name">The input's name.</param>
    /// <param name="pointer">The first element, aligned to the size of an element.</param>
    /// <param name="strides">
    /// The distance of neighbours along each dim in elements, outermost first; empty for the dense row-major strides. Images, rows and planes of an input that
    /// has a format may lie further apart: <see cref="TensorInfo.Strided"/> says of which dims that is so. The stride of a dim of 1 does not matter.
    /// </param>
    /// <exception cref="ArgumentException">
    /// There is no such input, the pointer is null or not aligned, the strides are not the dense ones and the input takes no others, they overlap, are negative or
    /// reach beyond any memory, or an output lies in the same memory.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The request is disposed.</exception>
    /// <exception cref="InvalidOperationException">An inference runs.</exception>
    public unsafe void BindInput(string name, nint pointer, ReadOnlySpan<long> strides = default)
    {
        Enter();
        try
        {
            TensorMemory input = Named(_inputs, name);
            long bytes = InputStrides.Reach(input, strides) * input.Type.Size();
            RequireBindable(input, isOutput: false, (byte*)pointer, bytes, null);
            Bind(input, new Binding((byte*)pointer, bytes), strides);
        }
        finally
        {
            End();
        }
    }

    /// <summary>Makes inferences read an input from the request's own memory again, which holds what it held before.</summary>
    /// <exception cref="ArgumentException">There is no such input.</exception>
    /// <exception cref="ObjectDisposedException">The request is disposed.</exception>
    /// <exception cref="InvalidOperationException">An inference runs.</exception>
    public void UnbindInput(string name) => Unbind(Named(_inputs, name));

    private static TensorMemory Named(TensorMemory[] tensors, string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        foreach (TensorMemory tensor in tensors)
            if (tensor.Name == name) return tensor;
        throw new ArgumentException($"There is no '{name}'; there are {string.Join(", ", tensors.Select(tensor => $"'{tensor.Name}'"))}.", nameof(name));
    }

    private static TensorMemory Numbered(TensorMemory[] tensors, int index) => (uint)index < (uint)tensors.Length
        ? tensors[index]
        : throw new ArgumentOutOfRangeException(nameof(index), index, $"There are {tensors.Length}.");

    private TensorMemory Idle(TensorMemory tensor)
    {
        RequireIdle();
        return tensor;
    }
}
