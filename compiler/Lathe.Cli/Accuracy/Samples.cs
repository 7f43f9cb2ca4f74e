using Lathe.Cli.Tensors;
using Lathe.Cli.Verification;
using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Graph;
using Lathe.Runtime;

namespace Lathe.Cli.Accuracy;

/// <summary>
/// The inputs that two models are compared on, out of a file, or of a folder: its test_data_set_* if it has some; otherwise a folder for each sample with <c>input_0</c>, <c>input_1</c>, … in the model's
/// order; otherwise files for the only input. Files are .npy, ONNX's .pb or raw .bin; one with more items than the input takes at once is several samples.
/// </summary>
/// <param name="Files">For each entry of the folder, in order, a file for each input.</param>
internal sealed record Samples(IReadOnlyList<IReadOnlyList<string>> Files)
{
    private static readonly string[] Extensions = [".npy", ".pb", ".bin"];

    /// <summary>Finds the files.</summary>
    /// <exception cref="DiagnosticException">There are none.</exception>
    public static Samples Find(string folder)
    {
        if (File.Exists(folder)) return new([[folder]]);
        if (!Directory.Exists(folder)) throw Bad(folder, "there is no such file or folder");
        string[] folders = [.. Directory.GetDirectories(folder, "test_data_set_*")];
        if (folders.Length > 0) return new([.. DataSet.Find(folder).Select(InputsOf)]);
        folders = [.. Directory.GetDirectories(folder).Order(StringComparer.Ordinal).Where(f => InputsOf(f).Count > 0)];
        if (folders.Length > 0) return new([.. folders.Select(InputsOf)]);
        string[] files = [.. Directory.GetFiles(folder).Where(f => Extensions.Contains(Path.GetExtension(f))).Order(StringComparer.Ordinal)];
        return files.Length > 0 ? new([.. files.Select(f => (IReadOnlyList<string>)[f])]) : throw Bad(folder, "it has neither test_data_set_*, nor folders with input_0, nor .npy, .pb or .bin files");
    }

    /// <summary>Every sample as tensors by the names of the model's inputs, with what it is called.</summary>
    /// <exception cref="DiagnosticException">A file cannot be read or does not fit the model.</exception>
    public IEnumerable<(string Name, IReadOnlyDictionary<string, TensorData> Inputs)> Read(ModelInfo info)
    {
        foreach (IReadOnlyList<string> files in Files)
        {
            string name = files.Count == 1 ? Path.GetFileName(files[0]) : Path.GetFileName(Path.GetDirectoryName(files[0])!);
            if (files.Count != info.Inputs.Count) throw Bad(files[0], $"the sample has {files.Count} inputs, the model {info.Inputs.Count}");
            if (files.Count > 1)
            {
                yield return (name, info.Inputs.Zip(files).ToDictionary(pair => pair.First.Name, pair => Tensor(info, pair.First, pair.Second)));
                continue;
            }

            TensorInfo input = info.Inputs[0];
            TensorData whole = Tensor(info, input, files[0]);
            long atOnce = input.Dims.Count == 0 ? 1 : input.Dims[0].Value ?? (whole.Dims.Length > 0 && info.Symbols.FirstOrDefault(s => s.Name == input.Dims[0].Text) is { } symbol ? Math.Clamp(1, symbol.Min, symbol.Max) : 1);
            // Test data are given to the model as they are.
            if (whole.Dims.Length == 0 || whole.Dims[0] <= atOnce || whole.Dims[0] % atOnce != 0 || Path.GetFileName(files[0]).StartsWith("input_", StringComparison.Ordinal))
            {
                yield return (name, new Dictionary<string, TensorData> { [input.Name] = whole });
                continue;
            }

            int count = (int)(whole.Dims[0] / atOnce), bytes = whole.Bytes.Length / count;
            for (int i = 0; i < count; i++)
            {
                TensorData item = TensorData.FromBytes(whole.Element, [atOnce, .. whole.Dims[1..]], whole.Bytes.AsSpan(i * bytes, bytes).ToArray());
                yield return ($"{name} {i}", new Dictionary<string, TensorData> { [input.Name] = item });
            }
        }
    }

    private static IReadOnlyList<string> InputsOf(string folder)
    {
        List<string> files = [];
        while (Extensions.Select(e => Path.Combine(folder, $"input_{files.Count}{e}")).FirstOrDefault(File.Exists) is { } file) files.Add(file);
        return files;
    }

    private static TensorData Tensor(ModelInfo info, TensorInfo input, string path)
    {
        TensorFile file = new(path);
        if (!file.IsRaw) return file.Read();
        byte[] bytes;
        try
        {
            bytes = File.ReadAllBytes(path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw Bad(path, failure.Message);
        }

        // Elements without a shape have the input's, as often as they fill it.
        long[] dims = [.. input.Dims.Select(d => d.Value ?? Math.Max(1, info.Symbols.FirstOrDefault(s => s.Name == d.Text)?.Min ?? 1))];
        long size = dims.Aggregate((long)input.Type.Size(), (product, dim) => product * dim);
        if (bytes.Length == 0 || size == 0 || bytes.Length % size != 0 || (dims.Length == 0 && bytes.Length != size)) throw Bad(path, $"its {bytes.Length} bytes do not fill input '{input.Name}', which takes {size}");
        if (dims.Length > 0) dims[0] *= bytes.Length / size;
        return TensorData.FromBytes(input.Type, dims, bytes);
    }

    private static DiagnosticException Bad(string place, string reason) => new(new Diagnostic(DiagnosticTable.BadTestData, null, place, reason));
}
