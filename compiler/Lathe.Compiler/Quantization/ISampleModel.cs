using Lathe.Compiler.Graph;

namespace Lathe.Compiler.Quantization;

/// <summary>A compiled model that is loaded, to be run again and again. Not safe for concurrent use.</summary>
public interface ISampleModel : IDisposable
{
    /// <summary>The outputs for a sample.</summary>
    /// <param name="sample">Which sample.</param>
    /// <param name="more">Inputs that the model has beside those of the sample; null for none.</param>
    /// <exception cref="Diagnostics.DiagnosticException">The sample cannot be read or does not fit the model.</exception>
    IReadOnlyList<TensorData> Infer(int sample, IReadOnlyDictionary<string, TensorData>? more = null);
}
