using System.Buffers;
using Lathe.Runtime.Execution;

namespace Lathe.Runtime;

/// <content>The caller's memory in place of the request's own.</content>
public partial class InferRequest
{
    /// <summary>
    /// Makes inferences read an input from the caller's memory, without a copy, until it is bound again or unbound. The memory is pinned as long
    /// as it is bound; the caller leaves it unchanged while an inference runs.
    /// </summary>
    /// <typeparam name="T">As in <see cref="Input{T}(string)"/>.</typeparam>
    /// <param name="name">The input's name.</param>
    /// <param name="memory">The elements: as many as the input has, or with strides at least as many as these span.</param>
    /// <param name="strides">As in <see cref="BindInput(string, nint, ReadOnlySpan{long})"/>.</param>
    /// <exception cref="ArgumentException">
    /// There is no such input, it has another type or another number of elements, it does not take the strides, the memory is not aligned to its elements, or an output
    /// lies in it.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The request is disposed.</exception>
    /// <exception cref="InvalidOperationException">An inference runs.</exception>
    public void BindInput<T>(string name, ReadOnlyMemory<T> memory, ReadOnlySpan<long> strides = default)
        where T : unmanaged => Bind(Named(_inputs, name), isOutput: false, memory, null, strides);

    /// <summary>
    /// As <see cref="BindInput{T}(string, ReadOnlyMemory{T}, ReadOnlySpan{long})"/>, with memory that is the request's from now on: the owner is disposed when the input is
    /// bound again or unbound, or with the request. Where this throws, the owner remains the caller's.
    /// </summary>
    /// <inheritdoc cref="BindInput{T}(string, ReadOnlyMemory{T}, ReadOnlySpan{long})"/>
    /// <param name="name">The input's name.</param>
    /// <param name="owner">The elements: at least as many as the input has or the strides span.</param>
    /// <param name="strides">As in <see cref="BindInput(string, nint, ReadOnlySpan{long})"/>.</param>
    /// <exception cref="ArgumentException">As with memory; or the owner is bound already.</exception>
    public void BindInput<T>(string name, IMemoryOwner<T> owner, ReadOnlySpan<long> strides = default)
        where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(owner);
        Bind(Named(_inputs, name), isOutput: false, (ReadOnlyMemory<T>)owner.Memory, owner, strides);
    }

    /// <summary>
    /// Makes inferences write an output into the caller's memory, without a copy, until it is bound again or unbound. The caller keeps the memory
    /// valid, and neither reads nor writes it, while an inference runs. An inference that fails or is cancelled leaves it undefined.
    /// </summary>
    /// <param name="name">The output's name.</param>
    /// <param name="pointer">The first element, aligned to the size of an element. The elements are dense and row-major.</param>
    /// <param name="bytes">
    /// The size of the memory: at least that of the output. Where data determine the output's shape, an inference whose output is larger throws a
    /// <see cref="LatheException"/>, LATHE0509, and the request can be used again; after binding and unbinding, the shape is zeros until an inference has run.
    /// </param>
    /// <exception cref="ArgumentException">
    /// There is no such output, the pointer is null or not aligned, the memory is too small, or an input or another output lies in it.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The request is disposed.</exception>
    /// <exception cref="InvalidOperationException">An inference runs.</exception>
    public unsafe void BindOutput(string name, nint pointer, long bytes)
    {
        Enter();
        try
        {
            TensorMemory output = Named(_program.Outputs, name);
            bool hasShape = output.ShapedBy is null;
            if (bytes < 0 || (hasShape && bytes < output.Bytes))
                throw new ArgumentException($"Output '{name}' has {output.Bytes} bytes, the memory {bytes}.", nameof(bytes));
            long room = hasShape ? output.Bytes : bytes;
            RequireBindable(output, isOutput: true, (byte*)pointer, room, null);
            _program.Bind(output, new Binding((byte*)pointer, room));
        }
        finally
        {
            End();
        }
    }

    /// <summary>As <see cref="BindOutput(string, nint, long)"/>. The memory is pinned as long as it is bound.</summary>
    /// <typeparam name="T">As in <see cref="Input{T}(string)"/>.</typeparam>
    /// <param name="name">The output's name.</param>
    /// <param name="memory">
    /// Where the elements go, row-major: as many as the output has, or, where data determine its shape, as many as there is room for.
    /// </param>
    /// <exception cref="ArgumentException">
    /// There is no such output, it has another type or another number of elements, the memory is not aligned to its elements, or an input or another output
    /// lies in it.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The request is disposed.</exception>
    /// <exception cref="InvalidOperationException">An inference runs.</exception>
    public void BindOutput<T>(string name, Memory<T> memory)
        where T : unmanaged => Bind(Named(_program.Outputs, name), isOutput: true, (ReadOnlyMemory<T>)memory, null, default);

    /// <summary>
    /// As <see cref="BindOutput{T}(string, Memory{T})"/>, with memory that is the request's from now on: the owner is disposed when the output is bound again
    /// or unbound, or with the request. Where this throws, the owner remains the caller's.
    /// </summary>
    /// <inheritdoc cref="BindOutput{T}(string, Memory{T})"/>
    /// <param name="name">The output's name.</param>
    /// <param name="owner">Where the elements go, row-major: at least as many as the output has.</param>
    /// <exception cref="ArgumentException">As with memory; or the owner is bound already.</exception>
    public void BindOutput<T>(string name, IMemoryOwner<T> owner)
        where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(owner);
        Bind(Named(_program.Outputs, name), isOutput: true, (ReadOnlyMemory<T>)owner.Memory, owner, default);
    }

    /// <summary>Makes inferences write an output into the request's own memory again, which holds what it held before.</summary>
    /// <exception cref="ArgumentException">There is no such output.</exception>
    /// <exception cref="ObjectDisposedException">The request is disposed.</exception>
    /// <exception cref="InvalidOperationException">An inference runs.</exception>
    public void UnbindOutput(string name) => Unbind(Named(_program.Outputs, name));

    private unsafe void Bind<T>(TensorMemory tensor, bool isOutput, ReadOnlyMemory<T> memory, IMemoryOwner<T>? owner, ReadOnlySpan<long> strides)
        where T : unmanaged
    {
        Enter();
        try
        {
            tensor.Require<T>();
            bool hasShape = tensor.ShapedBy is null;
            long bytes = (long)memory.Length * sizeof(T), needed = InputStrides.Reach(tensor, strides) * sizeof(T);
            if (hasShape && (owner is null && strides.IsEmpty ? bytes != needed : bytes < needed))
                throw new ArgumentException($"'{tensor.Name}' has {needed / sizeof(T)} elements, the memory {memory.Length}.", nameof(memory));
            long room = hasShape ? needed : bytes;
            MemoryHandle pin = memory.Pin();
            try
            {
                RequireBindable(tensor, isOutput, (byte*)pin.Pointer, room, owner);
            }
            catch
            {
                pin.Dispose();
                throw;
            }

            Bind(tensor, new Binding((byte*)pin.Pointer, room, pin, owner), strides);
        }
        finally
        {
            End();
        }
    }

    private unsafe void RequireBindable(TensorMemory tensor, bool isOutput, byte* pointer, long bytes, IDisposable? owner)
    {
        if (pointer == null && bytes > 0) throw new ArgumentException($"The memory for '{tensor.Name}' is null.", nameof(pointer));
        if ((nint)pointer % tensor.Type.Size() != 0) throw new ArgumentException($"The memory for '{tensor.Name}' is not aligned to its elements.", nameof(pointer));
        foreach (TensorMemory other in _tensors)
        {
            if (owner is not null && ReferenceEquals(other.Bound?.Owner, owner)) throw new ArgumentException($"The owner is bound to '{other.Name}' already.", nameof(owner));
            // What is only read may be read by several.
            bool isWritten = isOutput || _program.Outputs.Contains(other);
            if (isWritten && other != tensor && other.Overlaps(pointer, bytes))
                throw new ArgumentException($"The memory for '{tensor.Name}' is also that of '{other.Name}'.", nameof(pointer));
        }
    }

    private void Unbind(TensorMemory tensor)
    {
        Enter();
        try
        {
            Bind(tensor, null);
        }
        finally
        {
            End();
        }
    }

    private void Bind(TensorMemory tensor, Binding? binding, ReadOnlySpan<long> strides = default)
    {
        foreach (ImageConversion conversion in _conversions)
        {
            if (conversion.Image != tensor) continue;
            conversion.Bind(binding, strides);
            return;
        }

        _program.Bind(tensor, binding, strides);
    }
}
