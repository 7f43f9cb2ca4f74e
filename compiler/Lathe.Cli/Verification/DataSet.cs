using System.Globalization;
using Lathe.Cli.Tensors;
using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Graph;

namespace Lathe.Cli.Verification;

/// <summary>
/// A test_data_set_N folder: input_J.pb and output_J.pb, ONNX tensors in the graph's order. A model's initialisers are not counted as inputs.
/// </summary>
/// <param name="Name">The folder's name.</param>
/// <param name="Inputs">The inputs in order.</param>
/// <param name="Outputs">The outputs in order, with the names that the files give them; empty where they give none.</param>
internal sealed record DataSet(string Name, IReadOnlyList<TensorData> Inputs, IReadOnlyList<(string Name, TensorData Data)> Outputs)
{
    private const string Prefix = "test_data_set_";

    /// <summary>The folders of all data sets of a folder in the order of their numbers.</summary>
    /// <exception cref="DiagnosticException">There is none.</exception>
    public static IReadOnlyList<string> Find(string folder)
    {
        if (!Directory.Exists(folder)) throw Bad(folder, "there is no such folder");
        string[] found =
        [
            .. Directory.GetDirectories(folder, Prefix + "*")
                .OrderBy(path => int.TryParse(Path.GetFileName(path).AsSpan(Prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out int n) ? n : int.MaxValue)
                .ThenBy(path => path, StringComparer.Ordinal),
        ];
        return found.Length > 0 ? found : throw Bad(folder, $"the folder has no {Prefix}*");
    }

    /// <summary>Reads a data set.</summary>
    /// <exception cref="DiagnosticException">A file is damaged, or there is no output to compare with.</exception>
    public static DataSet Read(string folder)
    {
        IReadOnlyList<(string Name, TensorData Data)> outputs = ReadAll(folder, "output");
        return outputs.Count == 0
            ? throw Bad(folder, "it has no output_0.pb")
            : new DataSet(Path.GetFileName(folder), [.. ReadAll(folder, "input").Select(input => input.Data)], outputs);
    }

    private static List<(string Name, TensorData Data)> ReadAll(string folder, string kind)
    {
        List<(string Name, TensorData Data)> tensors = [];
        while (Path.Combine(folder, $"{kind}_{tensors.Count}.pb") is var path && File.Exists(path)) tensors.Add(new TensorFile(path).ReadNamed());
        return tensors;
    }

    private static DiagnosticException Bad(string place, string reason) => new(new Diagnostic(DiagnosticTable.BadTestData, null, place, reason));
}
