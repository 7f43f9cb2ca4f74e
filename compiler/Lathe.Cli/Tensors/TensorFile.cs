using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Graph;
using Lathe.Compiler.Onnx;

namespace Lathe.Cli.Tensors;

/// <summary>A tensor in a file: NumPy's <c>.npy</c>, ONNX's <c>.pb</c>, or raw little-endian elements under any other name.</summary>
internal sealed record TensorFile(string Path)
{
    /// <summary>True if the file holds elements only, so that their type and shape come from the model.</summary>
    public bool IsRaw => System.IO.Path.GetExtension(Path).ToLowerInvariant() is not (".npy" or ".pb");

    /// <summary>Reads a tensor that brings its type and shape.</summary>
    /// <exception cref="DiagnosticException">The file holds none.</exception>
    public TensorData Read() => ReadNamed().Data;

    /// <summary>Reads a tensor with the name that the file gives it; empty where it gives none.</summary>
    /// <exception cref="DiagnosticException">The file holds none.</exception>
    public (string Name, TensorData Data) ReadNamed()
    {
        try
        {
            return System.IO.Path.GetExtension(Path).ToLowerInvariant() == ".npy" ? ("", NumpyFile.Read(Path)) : OnnxFrontEnd.ReadTensor(Path);
        }
        catch (DiagnosticException failure) when (failure.Diagnostic.Descriptor != DiagnosticTable.UnsupportedType)
        {
            // What is said of models is not true of tensors.
            throw Bad(failure.Diagnostic.Descriptor == DiagnosticTable.NotAModel ? "the file is not an ONNX tensor" : failure.Diagnostic.Message);
        }
    }

    /// <summary>Reads raw elements into memory that they must fill.</summary>
    /// <exception cref="DiagnosticException">The file cannot be read or has another length.</exception>
    public void ReadRaw(Span<byte> data, string input)
    {
        try
        {
            using FileStream file = File.OpenRead(Path);
            if (file.Length != data.Length) throw Bad($"the file has {file.Length} bytes, input '{input}' takes {data.Length}");
            file.ReadExactly(data);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw Bad(failure.Message);
        }
    }

    private DiagnosticException Bad(string reason) => new(new Diagnostic(DiagnosticTable.BadTensorFile, null, Path, reason));
}
