using System.Globalization;
using Lathe.Compiler;
using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Graph;
using Lathe.Runtime;
using Lathe.Runtime.Plans;

namespace Lathe.Cli.Tensors;

/// <summary>
/// The inputs of an inference, as files hold them: a file for the only input, or a folder with <c>input_0</c>, <c>input_1</c>, … in the model's order, as test data have them. A
/// file with more items than the input takes at once is several samples; what lies in a folder of its own is one as it is.
/// </summary>
/// <param name="Files">The files, one for each input.</param>
/// <param name="Refusal">What is said of a file that cannot be read or does not fit: place and reason.</param>
internal sealed record Sample(IReadOnlyList<string> Files, DiagnosticDescriptor Refusal)
{
    private const string Prefix = "input_";

    /// <summary>Whether the file is one of a folder.</summary>
    public bool IsFolder { get; init; }

    /// <summary>The file or the folder, for messages.</summary>
    public string Name => IsFolder ? Path.GetDirectoryName(Files[0]) is { Length: > 0 } folder ? folder : "." : Files[0];

    /// <summary>The samples of a folder, a file or a pattern (<see cref="SampleFiles"/>).</summary>
    /// <exception cref="DiagnosticException">There are none, or a folder cannot be read.</exception>
    public static IReadOnlyList<Sample> Find(string place, DiagnosticDescriptor refusal)
    {
        try
        {
            IReadOnlyList<string> files = SampleFiles.Find(place);
            if (files.Count > 0) return Of(files, refusal);
            throw Bad(refusal, place, Directory.Exists(place) ? "the folder has no .npy, .pb or .bin files" : place.IndexOfAny(['*', '?']) >= 0 ? "no .npy, .pb or .bin file matches it" : "there is no such file or folder");
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw Bad(refusal, place, failure.Message);
        }
    }

    /// <summary>The samples that files are: those of a folder with an <c>input_0</c> are one, every other is its own.</summary>
    private static IReadOnlyList<Sample> Of(IReadOnlyList<string> files, DiagnosticDescriptor refusal)
    {
        List<Sample> samples = [];
        foreach (IGrouping<string, string> folder in files.GroupBy(file => Path.GetDirectoryName(file) ?? ""))
        {
            if (!folder.Any(file => IndexOf(file) == 0)) samples.AddRange(folder.Select(file => new Sample([file], refusal)));
            else samples.Add(new Sample([.. folder.Where(file => IndexOf(file) >= 0).OrderBy(IndexOf)], refusal) { IsFolder = true });
        }

        return samples;
    }

    /// <summary>Reads the inputs of every item.</summary>
    /// <param name="info">The model's inputs.</param>
    /// <returns>For each item the inputs by name.</returns>
    /// <exception cref="DiagnosticException">A file cannot be read or does not fit the model.</exception>
    public IReadOnlyList<IReadOnlyDictionary<string, TensorData>> Read(ModelInfo info)
    {
        if (Files.Count != info.Inputs.Count)
        {
            throw Bad(Name, IsFolder
                ? $"it has {Files.Count} inputs, the model {info.Inputs.Count}"
                : $"the model has {info.Inputs.Count} inputs: put {Prefix}0, {Prefix}1, … of each sample into a folder of its own");
        }

        if (!IsFolder) return [.. Items(info, info.Inputs[0], Tensor(info, info.Inputs[0], Files[0])).Select(item => new Dictionary<string, TensorData> { [info.Inputs[0].Name] = item })];
        return [info.Inputs.Zip(Files).ToDictionary(pair => pair.First.Name, pair => Tensor(info, pair.First, pair.Second))];
    }

    private TensorData Tensor(ModelInfo info, TensorInfo input, string path)
    {
        TensorFile file = new(path);
        TensorData data;
        try
        {
            data = file.IsRaw ? Raw(info, input, path) : file.Read();
        }
        catch (Exception failure) when (failure is DiagnosticException or IOException or UnauthorizedAccessException)
        {
            throw Bad(path, failure is DiagnosticException { Diagnostic.Arguments: [_, var reason] } ? reason : failure.Message);
        }

        if (data.Element != input.Type) throw Bad(path, $"its elements are {data.Element.Name()}, input '{input.Name}' takes {input.Type.Name()}");
        return data;
    }

    /// <summary>Elements without a shape have the input's, as often as they fill it.</summary>
    private TensorData Raw(ModelInfo info, TensorInfo input, string path)
    {
        byte[] bytes = File.ReadAllBytes(path);
        long[] dims = [.. input.Dims.Select(dim => LeastOf(info, dim))];
        long size = dims.Aggregate((long)input.Type.Size(), (product, dim) => product * dim);
        if (bytes.Length == 0 || size == 0 || bytes.Length % size != 0 || (bytes.Length != size && dims.Length == 0)) throw Bad(path, $"its {bytes.Length} bytes do not fill input '{input.Name}', which takes {size}");
        if (dims.Length > 0) dims[0] *= bytes.Length / size;
        return TensorData.FromBytes(input.Type, dims, bytes);
    }

    /// <summary>Divides the first dim into as many as the input takes at once.</summary>
    private IEnumerable<TensorData> Items(ModelInfo info, TensorInfo input, TensorData data)
    {
        long[] dims = data.Dims;
        bool fits = dims.Length == input.Dims.Count && Enumerable.Range(1, Math.Max(0, dims.Length - 1)).All(i => input.Dims[i].Value is not { } fixedDim || fixedDim == dims[i]);
        if (!fits) throw WrongShape();
        long items = dims.Length == 0 ? 1 : LeastOf(info, input.Dims[0]);
        if (dims.Length > 0 && (dims[0] == 0 || dims[0] % items != 0)) throw WrongShape();
        if (data.Count == 0) throw Bad(Name, "it is empty");
        if (dims.Length == 0 || dims[0] == items) return [data];
        int count = (int)(dims[0] / items), bytes = data.Bytes.Length / count;
        return Enumerable.Range(0, count).Select(i => TensorData.FromBytes(data.Element, [items, .. dims[1..]], data.Bytes.AsSpan(i * bytes, bytes).ToArray()));

        DiagnosticException WrongShape() => Bad(Name, $"its shape is [{string.Join(',', dims)}], input '{input.Name}' takes [{string.Join(',', input.Dims)}]");
    }

    /// <summary>What a dim is, or for one that is named the least that it may be.</summary>
    private static long LeastOf(ModelInfo info, DimInfo dim) => dim.Value ?? Math.Max(1, info.Symbols.FirstOrDefault(s => s.Name == dim.Text)?.Min ?? 1);

    private static int IndexOf(string file) =>
        Path.GetFileNameWithoutExtension(file) is var name && name.StartsWith(Prefix, StringComparison.Ordinal)
        && int.TryParse(name.AsSpan(Prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out int index) ? index : -1;

    private DiagnosticException Bad(string place, string reason) => Bad(Refusal, place, reason);

    private static DiagnosticException Bad(DiagnosticDescriptor refusal, string place, string reason) => new(new Diagnostic(refusal, null, place, reason));
}
