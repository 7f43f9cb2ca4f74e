using System.Runtime.InteropServices;
using Google.Protobuf;
using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Tests.Onnx;
using Lathe.Runtime;
using Lathe.Runtime.Plans;
using static Lathe.Compiler.Tests.Onnx.ModelBuilder;

namespace Lathe.Compiler.Tests;

/// <summary>Models that no exporter writes and that are valid: mutants of good ones that once compiled to nothing, or failed.</summary>
[TestFixture]
internal sealed class UnusualModelTests
{
    private static readonly float[] Eight = [-4, -3, -2, -1, 0, 1, 2, 3];

    [Test]
    public void NamesOfDims_MayBeThoseOfGeneratedCode(
        [Values("dims", "from", "to", "buffers", "scratch", "x0", "y", "o0", "class", "dim_N", "Vec", "nint")] string name) => Check(
        new ModelBuilder().Input("x", name, 4).Output("y").Node("Relu", ["x"], ["y"]), Eight, [0, 0, 0, 0, 0, 1, 2, 3], 2);

    [Test]
    public void Input_MayBeTheOutput() => Check(new ModelBuilder().Input("x", 2, 4).Output("x"), Eight, Eight);

    [Test]
    public void Scalar_MayBeTheOutput() => Check(new ModelBuilder().Input("x").Output("x"), [7], [7]);

    [Test]
    public void EmptyTensor_MayBeTheOutput()
    {
        Check(new ModelBuilder().Input("x", ElementType.Float32, 0, 4).Output("x"), [], []);
        Check(new ModelBuilder().Input("x", 3, 0).Output("y").Node("Transpose", ["x"], ["y"]), [], []);
    }

    [Test]
    public void EmptyTensor_MayBeReduced() =>
        Check(new ModelBuilder(12).Input("x", ElementType.Float32, 0, 2).Output("y").Node("ReduceSum", ["x"], ["y"], ("axes", new long[] { 0 }), ("keepdims", 0L)), [], [0, 0]);

    [Test]
    public void ViewOfAConstant_MayBeAnOutput([Values] bool optimize) => Check(
        new ModelBuilder(12).Input("x", 2).Output("x", "y").Initialiser(Floats("c", [2, 2], 1, 2, 3, 4)).Node("Flatten", ["c"], ["y"], ("axis", 0L)), [5, 6], [1, 2, 3, 4], optimize: optimize);

    [Test]
    public void Axes_MergeIntoOneOfNoWholeVectors([Values] bool optimize)
    {
        // 2*3*4*5 = 120 elements: no multiple of 16, and three axes to find in one.
        float[] x = [.. Enumerable.Range(0, 120).Select(i => (float)i)];
        Check(new ModelBuilder(12).Input("x", 2, 3, 4, 5).Output("y").Node("Flatten", ["x"], ["y"], ("axis", 0L)), x, x, optimize: optimize);
    }

    [Test]
    public void Product_MayHaveANamedNumberOfColumns([Values(1, 3, 17, 40)] int columns)
    {
        // y[2,N] = w[2,3] x[3,N] with w = 1 0 0 / 1 1 1.
        float[] x = [.. Enumerable.Range(0, 3 * columns).Select(i => (float)(i % 7))];
        float[] y = [.. Enumerable.Range(0, 2 * columns).Select(i => i < columns ? x[i] : x[i - columns] + x[i] + x[i + columns])];
        Check(new ModelBuilder().Input("x", 3, "N").Output("y").Initialiser(Floats("w", [2, 3], 1, 0, 0, 1, 1, 1)).Node("Gemm", ["w", "x"], ["y"]), x, y, columns);
    }

    [Test]
    public void Strings_ThatPassThrough_AreRefused()
    {
        using TemporaryDirectory directory = new();
        ModelBuilder model = new ModelBuilder().Input("x", ElementType.String, 2).Output("x");
        CompileResult result = Compilation.Compile(directory.Write("model.onnx", model.Model.ToByteArray()), new CompileOptions());
        Assert.That(result.Module, Is.Null);
        Assert.That(result.Diagnostics.Single().Descriptor, Is.EqualTo(DiagnosticTable.UnsupportedType));
    }

    /// <summary>Compiles a model for every instruction set at hand and compares its last output; a named dim, if there is one, has a given value.</summary>
    private static void Check(ModelBuilder model, float[] x, float[] y, long dim = 1, bool optimize = true)
    {
        using TemporaryDirectory directory = new();
        string path = directory.Write("model.onnx", model.Model.ToByteArray());
        CompileResult result = Compilation.Compile(path, new CompileOptions { Verify = true, Optimize = optimize, EmbedWeightsUpTo = long.MaxValue });
        Assert.That(result.Module, Is.Not.Null, string.Join("\n", result.Diagnostics.Select(d => d.Message)));
        string assembly = directory.Write(result.Module!.AssemblyName + ".dll", result.Module.Assembly);
        foreach (Isa isa in Enum.GetValues<Isa>().Where(isa => isa.IsAvailable()))
        {
            using CompiledModel loaded = CompiledModel.Load(assembly, new LatheOptions { Isa = isa, Threads = 1, Unloadable = true });
            using InferRequest request = loaded.CreateRequest(loaded.Info.Symbols.ToDictionary(symbol => symbol.Name, _ => dim));
            MemoryMarshal.AsBytes(x.AsSpan()).CopyTo(request.InputBytes(0));
            request.Infer();
            float[] found = MemoryMarshal.Cast<byte, float>(request.OutputBytes(loaded.Info.Outputs.Count - 1)).ToArray();
            Assert.That(found, Is.EqualTo(y), isa.ToString());
        }
    }
}
