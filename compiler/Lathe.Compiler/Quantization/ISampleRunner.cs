using Lathe.Compiler.Graph;

namespace Lathe.Compiler.Quantization;

/// <summary>Runs compiled models over the calibration samples, which takes files and a runtime: what the compiler itself has not.</summary>
public interface ISampleRunner
{
    /// <summary>Looks over the samples.</summary>
    /// <param name="model">A model with the inputs that all models have which are run later.</param>
    /// <returns>How many there are, at least 1.</returns>
    /// <exception cref="Diagnostics.DiagnosticException">There is none, or one cannot be read or does not fit the model.</exception>
    int Open(CompiledOutput model);

    /// <summary>What a sample is called in messages.</summary>
    string NameOf(int sample);

    /// <summary>Loads a model.</summary>
    /// <param name="model">The model; its inputs may be more than those of the samples.</param>
    ISampleModel Load(CompiledOutput model);
}

/// <summary>What runs models side by side.</summary>
internal static class SampleRuns
{
    /// <summary>Runs models, all with the inputs of a sample, for one sample after the other.</summary>
    /// <param name="runner">The runner.</param>
    /// <param name="models">The models, which have equal inputs.</param>
    /// <param name="samples">Which samples.</param>
    /// <param name="observe">Takes a sample's number and each model's outputs.</param>
    /// <exception cref="Diagnostics.DiagnosticException">A sample cannot be read or does not fit the models.</exception>
    public static void Run(this ISampleRunner runner, IReadOnlyList<CompiledOutput> models, IReadOnlyList<int> samples, Action<int, IReadOnlyList<IReadOnlyList<TensorData>>> observe)
    {
        List<ISampleModel> loaded = [];
        try
        {
            foreach (CompiledOutput model in models) loaded.Add(runner.Load(model));
            foreach (int sample in samples) observe(sample, [.. loaded.Select(model => model.Infer(sample))]);
        }
        finally
        {
            foreach (ISampleModel model in loaded) model.Dispose();
        }
    }
}
