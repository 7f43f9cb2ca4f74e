using Google.Protobuf;
using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Graph;
using Lathe.Compiler.Mutation;
using Lathe.Compiler.Onnx;
using Lathe.Compiler.Quantization;

namespace Lathe.Compiler.Tests.Quantization;

/// <summary>Whatever a model holds that can be compiled, it is quantised or refused with a diagnostic.</summary>
[TestFixture]
internal sealed class HostileModelTests
{
    [Test]
    public void Mutant_IsQuantisedOrRefused([Range(0, 9)] int block)
    {
        const int Mutants = 5;
        byte[] donor = new RandomNetwork(100 + block).Model.Model.ToByteArray();
        RandomNetwork network = new(block);
        byte[] model = network.Model.Model.ToByteArray();
        using TemporaryDirectory folder = new();
        for (int i = 0; i < Mutants; i++)
        {
            Mutant mutant = Mutator.Mutate(model, donor, new Random((block * Mutants) + i));
            string path = folder.Write("mutant.onnx", mutant.Model);
            if (OnnxFrontEnd.Read(path, new CompileOptions()).Graph is null) continue;
            try
            {
                QuantizedModel quantized = Quantizer.Run(path, new CompileOptions(), new QuantizeOptions { MinSqnr = -1000 }, new ZerosRunner());
                (Compiler.Graph.Graph? graph, IReadOnlyList<Diagnostic> diagnostics) = OnnxFrontEnd.Read(path, new CompileOptions { Quantized = quantized });
                Assert.That(graph, Is.Not.Null, diagnostics.FirstOrDefault()?.Message);
            }
            catch (DiagnosticException)
            {
                // Refused.
            }
            catch (Exception other) when (other is not AssertionException)
            {
                Assert.Fail($"{string.Join("; ", mutant.Mutations)}: {other}");
            }
        }
    }

    /// <summary>Runs nothing: every output is a zero, or as many as a mean has channels.</summary>
    private sealed class ZerosRunner : ISampleRunner
    {
        public int Open(CompiledOutput model) => 1;

        public string NameOf(int sample) => "none";

        public ISampleModel Load(CompiledOutput model) => new Zeros();
    }

    private sealed class Zeros : ISampleModel
    {
        public IReadOnlyList<TensorData> Infer(int sample, IReadOnlyDictionary<string, TensorData>? more) => [.. Enumerable.Repeat(TensorData.OfFloats(new float[4096], 4096), 1000)];

        public void Dispose()
        {
        }
    }
}
