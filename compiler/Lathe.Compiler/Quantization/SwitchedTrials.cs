using Lathe.Compiler.Graph;

namespace Lathe.Compiler.Quantization;

/// <summary>Tries what outputs lose by one choice of flags after the other, on samples whose exact outputs it holds.</summary>
internal sealed class SwitchedTrials : IDisposable
{
    /// <summary>What the exact outputs may take: so many samples are tried.</summary>
    private const long MostExactBytes = 256 << 20;

    private readonly ISampleModel _model;
    private readonly string _flags;
    private readonly IReadOnlyList<string> _outputs;
    private readonly List<(int Sample, IReadOnlyList<TensorData> Outputs)> _exact = [];

    /// <summary>Runs the exact model.</summary>
    /// <param name="runner">Runs models.</param>
    /// <param name="exact">The exact model.</param>
    /// <param name="switched">The one with flags.</param>
    /// <param name="flags">The name of the input of flags.</param>
    /// <param name="samples">The samples to try, the most important first.</param>
    /// <param name="outputs">The names of the outputs.</param>
    public SwitchedTrials(ISampleRunner runner, CompiledOutput exact, CompiledOutput switched, string flags, IReadOnlyList<int> samples, IReadOnlyList<string> outputs)
    {
        (_flags, _outputs) = (flags, outputs);
        using (ISampleModel reference = runner.Load(exact))
        {
            long bytes = 0;
            foreach (int sample in samples)
            {
                IReadOnlyList<TensorData> found = reference.Infer(sample);
                _exact.Add((sample, found));
                bytes += found.Sum(o => (long)o.Bytes.Length);
                if (bytes > MostExactBytes) break;
            }
        }

        _model = runner.Load(switched);
    }

    /// <summary>How often something was tried.</summary>
    public int Count { get; private set; }

    /// <summary>What is lost with flags.</summary>
    /// <param name="flags">The flags.</param>
    /// <param name="most">On how many samples at most.</param>
    public ModelLoss Try(TensorData flags, int most = int.MaxValue)
    {
        Count++;
        ModelLoss loss = new(_outputs);
        Dictionary<string, TensorData> more = new() { [_flags] = flags };
        foreach ((int sample, IReadOnlyList<TensorData> exact) in _exact.Take(most)) loss.Add(exact, _model.Infer(sample, more));
        return loss;
    }

    /// <inheritdoc/>
    public void Dispose() => _model.Dispose();
}
