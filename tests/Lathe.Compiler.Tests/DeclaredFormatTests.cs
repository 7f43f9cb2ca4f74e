using Lathe.Compiler.Graph;
using Lathe.Compiler.Placement;
using Lathe.Runtime;

namespace Lathe.Compiler.Tests;

/// <summary>What is said of images when a model is compiled, and the same when it is loaded.</summary>
internal sealed class DeclaredFormatTests
{
    private const string Text = """
        graph "g"
        %x = input "x" : float32[1, 3, 20, 24]
        %1 = Conv(%x, float32[8, 3, 3, 3] random(1), float32[8] random(2)) {Pads=[1, 1, 1, 1]}
        return "y" = %1
        """;

    private static readonly CompileOptions Options = new()
    {
        InputFormats = new Dictionary<string, InputFormat> { [""] = InputFormat.Parse("u8,NHWC,BGRA") },
        Mean = new Dictionary<string, float[]> { ["x"] = [104, 117, 123] },
        Scale = new Dictionary<string, float[]> { ["x"] = [58, 57, 56.5f] },
    };

    private static readonly ImageFormat Format = new() { Channels = ImageChannels.Bgra, Mean = [104, 117, 123], Scale = [58, 57, 56.5f] };

    private static readonly Dictionary<string, ImageFormat> Declared = new() { ["x"] = Format };

    [Test]
    public void DeclaredAtLoad_GivesWhatIsConvertedOutside_AndWhatIsCompiledIn()
    {
        TensorData image = TensorData.Zeros(ElementType.UInt8, 1, 20, 24, 4), seen = TensorData.Zeros(ElementType.Float32, 1, 3, 20, 24);
        new Random(3).NextBytes(image.Bytes);
        for (int i = 0; i < seen.Count; i++)
        {
            int c = i / 480;
            seen.SetDouble(i, (image.Bytes[(i % 480 * 4) + 2 - c] - Format.Mean[c]) / Format.Scale[c]);
        }

        using CompiledGraph declared = new(GraphParser.Parse(Text), formats: Declared);
        using CompiledGraph plain = new(GraphParser.Parse(Text)), compiledIn = new(GraphParser.Parse(Text), options: Options);
        TensorData actual = declared.Run(image)[0];
        Assert.That(actual.Bytes.SequenceEqual(plain.Run(seen)[0].Bytes), Is.True, "to the bit");
        Tensors.AssertClose(actual, compiledIn.Run(image)[0], 4e-6);
        Assert.That(declared.Request.Ran.Conversions, Is.EqualTo(new[] { "x" }));
        Assert.That(compiledIn.Request.Ran.Conversions, Is.Empty);
        Assert.That(compiledIn.Model.Info.Inputs[0].Preprocessing, Is.EqualTo("u8,NHWC,BGRA; mean 104,117,123; scale 58,57,56.5"));
    }

    [Test]
    public void DeclaredAtLoad_IsConvertedBeforeEachInference_OnADeviceToo()
    {
        CompileOptions options = new() { Device = "HETERO:SIM,CPU", Affinity = Partitioner.Priority };
        using CompiledGraph alone = new(GraphParser.Parse(Text), formats: Declared), device = new(GraphParser.Parse(Text), options: options, formats: Declared);
        Random random = new(4);
        TensorData image = TensorData.Zeros(ElementType.UInt8, 1, 20, 24, 4);
        for (int i = 0; i < 3; i++)
        {
            random.NextBytes(image.Bytes);
            Tensors.AssertClose(device.Run(image)[0], alone.Run(image)[0], 4e-6);
        }

        Assert.That(device.Request.Ran.Devices["SIM"], Is.GreaterThan(0));
        Assert.That(device.Request.Ran.Conversions, Is.EqualTo(new[] { "x" }));
    }

    [Test]
    public void DeclaredAtLoad_OfWhatIsCompiledIn_IsRefused()
    {
        // Of float32 too, which cannot be seen in the input's type.
        foreach (CompileOptions options in (CompileOptions[])[Options, new() { Mean = Options.Mean }, new() { Resizing = new Dictionary<string, Resizing> { [""] = new("letterbox") } }])
        {
            LatheException failure = Assert.Throws<LatheException>(() => new CompiledGraph(GraphParser.Parse(Text), options: options, formats: Declared))!;
            Assert.That(failure.Id, Is.EqualTo("LATHE0513"));
        }
    }

    [Test]
    public void Labels_AreInTheModelsDescription()
    {
        const string text = "graph \"g\" %x = input \"x\" : float32[1, 3] %1 = Relu(%x) %2 = Sigmoid(%x) return \"y\" = %1, \"z\" = %2";
        using CompiledGraph compiled = new(GraphParser.Parse(text), options: new CompileOptions { Labels = new Dictionary<string, IReadOnlyList<string>> { ["z"] = ["chat", "", "\"chien\""] } });
        Assert.That(compiled.Model.Info.Outputs[1].Labels, Is.EqualTo(new[] { "chat", "", "\"chien\"" }));
        Assert.That(compiled.Model.Info.Outputs[0].Labels, Is.Empty);
    }
}
