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

    public void Run(IReadOnlyList<CompiledOutput> models, IReadOnlyList<int> chosen, Action<int, IReadOnlyList<IReadOnlyList<TensorData>>> observe)
    {
        foreach (int sample in chosen) observe(sample, [.. models.Select(model => Outputs(model, samples[sample]))]);
    }

    private static IReadOnlyList<TensorData> Outputs(CompiledOutput compiled, TensorData input)
    {
        using TemporaryDirectory folder = new();
        using CompiledModel model = CompiledModel.Load(folder.Write("model.dll", compiled.Assembly), new LatheOptions { Isa = Isa.Vector128, Threads = 1, Unloadable = true });
        using InferRequest request = model.CreateRequest();
        input.Bytes.CopyTo(request.InputBytes(0));
        request.Infer();
        return [.. model.Info.Outputs.Select((o, i) => TensorData.FromBytes(o.Type, request.OutputShape(i).ToArray(), request.OutputBytes(i).ToArray()))];
    }
}
