using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Graph;

namespace Lathe.Compiler.Onnx;

/// <summary>Where ONNX files enter. Whatever a file holds, it gives a graph or diagnostics, in time and memory bounded by the file's size.</summary>
public static class OnnxFrontEnd
{
    /// <summary>Reads a model.</summary>
    /// <param name="path">The file; external data is looked for in its directory.</param>
    /// <param name="options">Gives shapes.</param>
    /// <returns>The graph with warnings, or null with the errors that say why.</returns>
    public static (Graph.Graph? Graph, IReadOnlyList<Diagnostic> Diagnostics) Read(string path, CompileOptions options)
    {
        try
        {
            ModelProto model = options.Quantized is { } quantized ? ModelProto.Parser.ParseFrom(quantized.Onnx) : ModelReader.ReadModel(path);
            return new Importer(model, DirectoryOf(path), options).Import();
        }
        catch (DiagnosticException failed)
        {
            return (null, [failed.Diagnostic]);
        }
    }

    /// <summary>Reads a tensor as ONNX's test data holds them.</summary>
    /// <exception cref="DiagnosticException">The file holds none.</exception>
    public static (string Name, TensorData Data) ReadTensor(string path)
    {
        TensorProto tensor = ModelReader.ReadTensor(path);
        return (tensor.Name, new TensorReader(DirectoryOf(path)).Read(tensor));
    }

    /// <summary>Every node of a model whose operator Lathe does not have.</summary>
    /// <exception cref="DiagnosticException">The file holds no model.</exception>
    public static IReadOnlyList<(string Operator, string Node)> UnsupportedNodes(string path)
    {
        ModelProto model = ModelReader.ReadModel(path);
        return [.. OperatorSurvey.Nodes(model.Graph, new FunctionTable(model.Functions))];
    }

    /// <summary>True if a model computes with quantised numbers.</summary>
    /// <exception cref="DiagnosticException">The file holds no model.</exception>
    public static bool IsQuantized(string path) => QuantizedOperators.AreIn(ModelReader.ReadModel(path));

    /// <summary>True if a model computes random numbers: its outputs cannot be compared with those of another implementation.</summary>
    /// <exception cref="DiagnosticException">The file holds no model.</exception>
    public static bool IsRandom(string path) => RandomOperators.AreIn(ModelReader.ReadModel(path));

    /// <summary>The files beside a model that its tensors are in, as the model names them; they may not exist.</summary>
    /// <exception cref="DiagnosticException">The file holds no model.</exception>
    public static IReadOnlyCollection<string> ExternalFiles(string path) => ExternalLocations.Of(ModelReader.ReadModel(path));

    /// <summary>The directory of a model, in which its external data are.</summary>
    internal static string DirectoryOf(string path) => Path.GetDirectoryName(Path.GetFullPath(path)) ?? Path.GetPathRoot(Path.GetFullPath(path))!;
}
