using Lathe.Compiler.Graph;
using Lathe.Compiler.Quantization;
using Lathe.Runtime;
using Lathe.Runtime.Plans;

namespace Lathe.Compiler.Tests.Quantization;

/// <summary>Runs models over samples in memory, for models of one input.</summary>
internal sealed class MemoryRunner(params IReadOnlyList<TensorData> samples) : ISampleRunner
{
    public int Open(CompiledOutput model) => samples.Count;

    public string NameOf(int sample) => $"sample {sample}";

    public ISampleModel Load(CompiledOutput model) => new Loaded(samples, model);

    private sealed class Loaded : ISampleModel
    {
        private readonly IReadOnlyList<TensorData> _samples;
        private readonly TemporaryDirectory _folder = new();
        private readonly CompiledModel _model;

        public Loaded(IReadOnlyList<TensorData> samples, CompiledOutput compiled)
        {
            _samples = samples;
            _model = CompiledModel.Load(_folder.Write("model.dll", compiled.Assembly), new LatheOptions { Isa = Isa.Vector128, Threads = 1, Unloadable = true });
        }

        public IReadOnlyList<TensorData> Infer(int sample, IReadOnlyDictionary<string, TensorData>? more)
        {
            using InferRequest request = _model.CreateRequest();
            // What is given beside the sample stands behind it.
            byte[][] inputs = [_samples[sample].Bytes, .. more?.Values.Select(v => v.Bytes) ?? []];
            for (int i = 0; i < inputs.Length; i++) inputs[i].CopyTo(request.InputBytes(i));
            request.Infer();
            return [.. _model.Info.Outputs.Select((o, i) => TensorData.FromBytes(o.Type, request.OutputShape(i).ToArray(), request.OutputBytes(i).ToArray()))];
        }

        public void Dispose()
        {
            _model.Dispose();
            _folder.Dispose();
        }
    }
}
