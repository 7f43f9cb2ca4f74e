using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using Lathe.Runtime.Plans;

namespace Lathe.Runtime.Execution;

/// <summary>A model's weights in aligned memory: a copy of a stream, or a mapped file. Read only.</summary>
internal sealed unsafe class Weights : IDisposable
{
    private NativeBlock? _prepared;
    private readonly SafeHandle _stored;

    private Weights(SafeHandle memory, byte* pointer)
    {
        _stored = memory;
        Pointer = pointer;
    }

    /// <summary>What owns the memory; it is freed once this is disposed and nobody holds a reference on it.</summary>
    public SafeHandle Memory => _prepared ?? _stored;

    public byte* Pointer { get; }

    /// <summary>What was computed of the weights; null if nothing was.</summary>
    public byte* Prepared => _prepared is null ? null : _prepared.Pointer;

    /// <summary>Computes what the plan prepares.</summary>
    /// <exception cref="LatheException">LATHE0503: the plan is corrupt. LATHE0506: it does not fit memory. LATHE0507: a kernel failed.</exception>
    public void Prepare(ModelCode code, int threads)
    {
        if (code.Plan.PreparedBytes == 0) return;
        _prepared = NativeBlock.Allocate(code.Plan.PreparedBytes, "What is prepared of the weights", _stored);
        WeightPreparation.Run(code, this, threads);
    }

    /// <summary>Ends the use of the memory by the model; requests may still hold on to it.</summary>
    public void Dispose()
    {
        _prepared?.Dispose();
        _stored.Dispose();
    }

    /// <param name="module">Whose weights.</param>
    /// <param name="bytes">How many bytes they must have.</param>
    /// <param name="directories">Where the side file is looked for, in order.</param>
    /// <exception cref="LatheException">LATHE0504: they are missing or have another length. LATHE0506: they do not fit memory.</exception>
    public static Weights Load(CompiledModule module, long bytes, IReadOnlyList<string> directories)
    {
        try
        {
            using Stream? stream = module.OpenWeights();
            if (stream is not null) return Copy(stream, bytes);
            if (bytes == 0) return Copy(Stream.Null, 0);
            string file = module.WeightsFile ?? throw Wrong("The kernel assembly names neither a stream nor a file of weights.");
            if (Path.GetFileName(file) != file) throw Wrong($"The name of the weights' file '{file}' is not a plain name.");
            foreach (string directory in directories)
            {
                string path = Path.Combine(directory, file);
                if (File.Exists(path)) return Map(path, bytes);
            }

            throw Wrong($"The weights' file '{file}' is not in {string.Join(" or ", directories)}.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Wrong($"The weights cannot be read: {e.Message}", e);
        }
    }

    private static Weights Copy(Stream stream, long bytes)
    {
        if (stream.CanSeek && stream.Length != bytes) throw WrongLength(stream.Length, bytes);
        NativeBlock block = NativeBlock.Allocate(bytes, "The weights");
        try
        {
            long read = 0;
            while (read < bytes)
            {
                int count = stream.Read(new Span<byte>(block.Pointer + read, (int)Math.Min(bytes - read, 1 << 24)));
                if (count == 0) throw WrongLength(read, bytes);
                read += count;
            }

            if (stream.ReadByte() >= 0) throw Wrong($"The weights have more than the {bytes} bytes of the plan.");
            return new(block, block.Pointer);
        }
        catch
        {
            block.Dispose();
            throw;
        }
    }

    private static Weights Map(string path, long bytes)
    {
        using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        if (stream.Length != bytes) throw WrongLength(stream.Length, bytes);
        using MemoryMappedFile file = MemoryMappedFile.CreateFromFile(
            stream, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
        MemoryMappedViewAccessor view = file.CreateViewAccessor(0, bytes, MemoryMappedFileAccess.Read);
        byte* pointer = null;
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref pointer);
        view.SafeMemoryMappedViewHandle.ReleasePointer();
        pointer += view.PointerOffset;
        if ((nuint)pointer % Plan.Alignment != 0) throw Wrong("The weights' file cannot be mapped aligned.");
        return new(view.SafeMemoryMappedViewHandle, pointer);
    }

    private static LatheException WrongLength(long actual, long expected) =>
        Wrong($"The weights have {actual} bytes, but the plan says {expected}: they belong to another build of the model.");

    private static LatheException Wrong(string message, Exception? cause = null) => new(ErrorIds.Weights, message, cause);
}
