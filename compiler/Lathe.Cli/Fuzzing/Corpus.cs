using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Mutation;

namespace Lathe.Cli.Fuzzing;

/// <summary>The models that mutants are made of. The same files and seed give the same mutants, each by its number.</summary>
internal sealed class Corpus
{
    /// <summary>What is taken out of folders: a mutant of a large model takes seconds and reaches nothing that one of a small model does not.</summary>
    private const long MaxBytes = 2 << 20;

    private readonly byte[]?[] _models;
    private readonly ulong _seed;

    /// <summary>Finds the models.</summary>
    /// <param name="paths">Models, and folders with models in them at any depth.</param>
    /// <param name="seed">Decides on the mutants.</param>
    /// <exception cref="FailedException">A path is neither, or there is no model.</exception>
    public Corpus(IReadOnlyList<string> paths, ulong seed)
    {
        List<string> models = [];
        foreach (string path in paths)
        {
            if (File.Exists(path)) models.Add(path);
            else if (Directory.Exists(path)) models.AddRange(Find(path));
            else throw new FailedException(path, DiagnosticTable.FileNotReadable, "there is no such file or folder");
        }

        if (models.Count == 0) throw new FailedException(paths[0], DiagnosticTable.FileNotReadable, $"there is no model of at most {MaxBytes >> 20} MiB in it");
        Models = models;
        _models = new byte[models.Count][];
        _seed = seed;
    }

    /// <summary>The paths of the models.</summary>
    public IReadOnlyList<string> Models { get; }

    /// <summary>Makes a mutant.</summary>
    /// <returns>The path of the model that it comes from, and the mutant.</returns>
    public (string Model, Mutant Mutant) Mutant(int number)
    {
        Random random = new(SeedOf(number));
        int model = random.Next(Models.Count), donor = random.Next(Models.Count);
        return (Models[model], Mutator.Mutate(Bytes(model), Bytes(donor), random));
    }

    private byte[] Bytes(int model) => _models[model] ??= File.ReadAllBytes(Models[model]);

    /// <summary>Mixes seed and number (the finaliser of SplitMix64), so that neighbours have nothing in common.</summary>
    private int SeedOf(int number)
    {
        unchecked
        {
            ulong x = (_seed * 0x9e3779b97f4a7c15) + (ulong)number;
            x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
            x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
            return (int)(x ^ (x >> 31));
        }
    }

    private static IEnumerable<string> Find(string folder) =>
        Directory.EnumerateFiles(folder, "*.onnx", SearchOption.AllDirectories).Where(path => new FileInfo(path).Length is > 0 and <= MaxBytes).Order(StringComparer.Ordinal);
}
