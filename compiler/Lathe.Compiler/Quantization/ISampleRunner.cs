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

    /// <summary>Runs models, all with the inputs of a sample, for one sample after the other.</summary>
    /// <param name="models">The models, which have equal inputs.</param>
    /// <param name="samples">Which samples.</param>
    /// <param name="observe">Takes a sample's number and each model's outputs.</param>
    /// <exception cref="Diagnostics.DiagnosticException">A sample cannot be read or does not fit the models.</exception>
    void Run(IReadOnlyList<CompiledOutput> models, IReadOnlyList<int> samples, Action<int, IReadOnlyList<IReadOnlyList<TensorData>>> observe);
}
