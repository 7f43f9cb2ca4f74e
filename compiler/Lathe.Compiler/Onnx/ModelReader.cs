using Google.Protobuf;
using Lathe.Compiler.Diagnostics;

namespace Lathe.Compiler.Onnx;

/// <summary>Reads protobuf files of bounded size and depth. Whatever is in a file, what comes out is a message or a diagnostic.</summary>
internal static class ModelReader
{
    /// <summary>Protobuf's own limit: its lengths are 32-bit.</summary>
    public const long MaxBytes = int.MaxValue;

    /// <summary>Messages inside messages: a control-flow body takes three levels, so that some thirty may be nested.</summary>
    public const int MaxDepth = 100;

    /// <summary>Reads a model.</summary>
    /// <param name="path">The file.</param>
    /// <param name="keepsAll">True keeps what Lathe does not know, for a model that is to be written again.</param>
    /// <exception cref="DiagnosticException">The file cannot be read or holds none.</exception>
    public static ModelProto ReadModel(string path, bool keepsAll = false)
    {
        ModelProto model = Read(path, ModelProto.Parser.WithDiscardUnknownFields(!keepsAll));
        // Protobuf takes almost any bytes for a message: what has neither is no model.
        if (model.Graph is null || (model.Graph.Node.Count == 0 && model.Graph.Output.Count == 0)) throw NotAModel("it holds no graph");
        return model;
    }

    /// <summary>Reads a tensor, as ONNX's test data holds them.</summary>
    /// <exception cref="DiagnosticException">The file cannot be read or holds none.</exception>
    public static TensorProto ReadTensor(string path) => Read(path, TensorProto.Parser.WithDiscardUnknownFields(true));

    private static T Read<T>(string path, MessageParser<T> parser)
        where T : class, IMessage<T>
    {
        try
        {
            FileInfo file = new(path);
            if (!file.Exists) throw NotReadable("there is no such file");
            // Pipes and devices have length 0; opening one could wait for ever.
            if (file.Length == 0) throw NotAModel("it is empty");
            if (file.Length > MaxBytes) throw NotReadable($"it has {file.Length} bytes; the format ends at {MaxBytes} (keep weights as external data)");
            using FileStream stream = file.OpenRead();
            using CodedInputStream input = CodedInputStream.CreateWithLimits(stream, (int)MaxBytes, MaxDepth);
            T message = parser.ParseFrom(input);
            return message;
        }
        catch (InvalidProtocolBufferException invalid)
        {
            throw NotAModel(invalid.Message);
        }
        catch (Exception failed) when (failed is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw NotReadable(failed.Message);
        }
    }

    private static DiagnosticException NotReadable(string reason) => new(new Diagnostic(DiagnosticTable.FileNotReadable, null, reason));

    private static DiagnosticException NotAModel(string reason) => new(new Diagnostic(DiagnosticTable.NotAModel, null, reason));
}
