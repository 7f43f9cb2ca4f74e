using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Sampling;
using Lathe.Compiler.Passes;
using Lathe.Runtime;
using Lathe.Runtime.Plans;
using ModelGraph = Lathe.Compiler.Graph.Graph;

namespace Lathe.Compiler.Tests.Passes;

[TestFixture]
internal sealed class ResizeInputsTests
{
    private const string Network = """
        graph "g"
        %x = input "x" : float32[1, 3, 12, 16]
        %1 = Conv(%x, float32[5, 3, 3, 3] random(1), float32[5] random(2)) {Pads=[1, 1, 1, 1]}
        %2 = Relu(%1)
        return "y" = %2
        """;

    private const string ChannelsLast = """
        graph "g"
        %x = input "x" : uint8[1, 12, 16, 3]
        %1 = Cast(%x) {To=Float32}
        %2 = Transpose(%1) {Perm=[0, 3, 1, 2]}
        %3 = Conv(%2, float32[5, 3, 3, 3] random(1)) {Pads=[1, 1, 1, 1]}
        return "y" = %3
        """;

    private static readonly (int Height, int Width)[] Sizes = [(12, 16), (24, 32), (30, 20), (7, 50), (90, 11), (1, 1), (1, 40), (37, 2)];

    [Test]
    public void Input_TakesImagesOfAnySize()
    {
        ModelGraph graph = Run(Network, ("x", "letterbox,fill=114"));
        Assert.That(GraphPrinter.Print(graph), Does.Contain("ResizeImage(%x) {Height=12, Width=16, Axis=2, Mode=\"letterbox\", Fill=114}"));
        Assert.That(graph.Inputs[0].Value.Type.ToString(), Is.EqualTo("float32[1, 3, height, width]"));
        Assert.That(graph.Symbols.Select(s => (s.Name, s.Min, s.Max)), Is.EqualTo(new[] { ("height", 1L, 16384L), ("width", 1L, 16384L) }));
    }

    [TestCase(ChannelsLast, "u8", "ResizeRows+ResizeColumns+Transpose")]
    [TestCase(Network, "f32", "ResizeRows+ResizeColumns")]
    public void Lowered_RowsAreInterpolatedFirst_AsTheyLieInMemory(string text, string format, string operators)
    {
        CompileOptions options = Options(("", "letterbox")) with { InputFormats = new Dictionary<string, InputFormat> { [""] = InputFormat.Parse(format) } };
        Fused group = Lowered(options).TopologicalOrder().Select(n => n.Op).OfType<Fused>().Single(f => f.Operators.Any(o => o is ResizeColumns));
        Assert.That(string.Join('+', group.Operators.Select(o => o.Name)), Does.StartWith(operators));
        Assert.That(group.Members.First().Op, Is.InstanceOf<Fused>(), "a group of its own, in the same kernel");
        // Where it is not on the CPU, and where nothing is optimised, it is one operator.
        Assert.That(Lowered(options with { Device = "GPU" }).TopologicalOrder().Select(n => n.Op).OfType<Fused>().SelectMany(f => f.Operators).Count(o => o is ResizeImage), Is.EqualTo(1));

        ModelGraph Lowered(CompileOptions how)
        {
            PassContext context = new(how);
            return Pipeline.RunLower(Pipeline.RunNormalise(GraphParser.Parse(text), context), context);
        }
    }

    [Test]
    public void Names_AreThoseOfTheInputsWhereThereAreSeveral_AndNew()
    {
        const string two = """
            graph "g"
            symbol b_height = 1..4
            %a = input "a" : float32[b_height, 1, 4, 4]
            %b = input "b" : float32[b_height, 1, 4, 4]
            %1 = Add(%a, %b)
            return "y" = %1
            """;
        ModelGraph graph = Run(two, ("a", "crop"), ("b", "stretch"));
        Assert.That(graph.Inputs.Select(i => i.Value.Type.ToString()), Is.EqualTo(new[] { "float32[b_height, 1, a_height, a_width]", "float32[b_height, 1, b_height_1, b_width]" }));
    }

    [Test]
    public void Compiled_EqualsResizingOutside([Values("stretch", "stretch,align_corners", "letterbox,fill=114", "crop")] string way, [Values] bool optimize, [Values(Isa.Vector128, Isa.Avx2, Isa.Avx512)] Isa isa)
    {
        if (!isa.IsAvailable()) Assert.Ignore($"this machine has no {isa}");
        float[] mean = [123.675f, 116.28f, 103.53f], scale = [58.395f, 57.12f, 57.375f];
        CompileOptions options = Options(("x", way)) with
        {
            Mean = new Dictionary<string, float[]> { [""] = mean },
            Scale = new Dictionary<string, float[]> { [""] = scale },
        };
        ModelGraph model = GraphParser.Parse(Network);
        using CompiledGraph compiled = new(model, optimize, isa, options: options);
        foreach ((int height, int width) in Sizes)
        {
            TensorData image = Image(ElementType.Float32, height, width, planar: true);
            TensorData resized = Resized(image, way, 12, 16, planar: true);
            for (int i = 0; i < resized.Count; i++) resized.SetDouble(i, (resized.GetDouble(i) - mean[i / 192]) / scale[i / 192]);
            // Shares and products are rounded to float32, of values up to 255 that the scale brings to 5.
            Tensors.AssertClose(Infer(compiled, image, height, width), GraphEvaluator.Run(model, [resized])[0], 5e-6);
        }
    }

    [Test]
    public void Compiled_BytesWithChannelsLast_AreInterpolatedAsFloats([Values("stretch", "letterbox,fill=114", "crop")] string way)
    {
        ModelGraph model = GraphParser.Parse(ChannelsLast), inside = GraphParser.Parse(ChannelsLast.Replace("uint8", "float32", StringComparison.Ordinal));
        using CompiledGraph compiled = new(model, options: Options(("", way)));
        foreach ((int height, int width) in Sizes)
        {
            TensorData image = Image(ElementType.UInt8, height, width, planar: false);
            Tensors.AssertClose(Infer(compiled, image, height, width), GraphEvaluator.Run(inside, [Resized(image, way, 12, 16, planar: false)])[0], 5e-6);
            Assert.That(compiled.Steps.Count(s => s.Contains("Resize", StringComparison.Ordinal)), Is.EqualTo(1));
        }
    }

    [Test]
    public void Compiled_RandomSizes_EqualTheReference([Values("stretch", "stretch,align_corners", "letterbox,fill=114", "crop")] string way, [Values(1, 3)] int threads)
    {
        ModelGraph model = GraphParser.Parse("graph \"g\" %x = input \"x\" : uint8[1, 3, 12, 16] %1 = Cast(%x) {To=Float32} return \"y\" = %1");
        using CompiledGraph compiled = new(model, threads: threads, options: Options(("", way)));
        Random random = new(1);
        for (int i = 0; i < 250; i++)
        {
            (int height, int width) = (random.Next(1, 120), random.Next(1, 120));
            TensorData image = Image(ElementType.UInt8, height, width, planar: true);
            // Shares rounded to float32, and three products of values up to 255.
            Tensors.AssertClose(Infer(compiled, image, height, width), Resized(image, way, 12, 16, planar: true), 1e-6);
        }
    }

    [TestCase("%1 = Slice(%x) {Starts=[4], Ends=[5], Axes=[2]} %2 = Reshape(%1) {Dims=[2, 3, 16]} %y = Relu(%2)", TestName = "A row of which there is no axis")]
    [TestCase("%1 = Slice(%x) {Starts=[1, 4, 4], Ends=[2, 5, 5], Axes=[1, 2, 3]} %2 = Reshape(%1) {Dims=[2]} %y = Relu(%2)", TestName = "A pixel of each image")]
    [TestCase("%1 = Slice(%x) {Starts=[0, 1, 4, 4], Ends=[1, 2, 5, 5], Axes=[0, 1, 2, 3]} %2 = Reshape(%1) {Dims=[]} %y = Relu(%2)", TestName = "A scalar")]
    [TestCase("%1 = Slice(%x) {Starts=[11], Ends=[-2147483647], Axes=[2], Steps=[-1]} %y = Relu(%1)", TestName = "Rows upside down")]
    [TestCase("%1 = Reshape(%x) {Dims=[2, 3, 3, 4, 4, 4]} %2 = Transpose(%1) {Perm=[0, 3, 5, 1, 2, 4]} %y = Relu(%2)", TestName = "Tiles, of whose rows there are two axes")]
    [TestCase("%1 = Transpose(%x) {Perm=[3, 2, 1, 0]} %y = Relu(%1)", TestName = "Columns first")]
    public void Compiled_WithOtherMapsBehind_EqualsWhatIsNotOptimised(string maps)
    {
        string text = $"graph \"g\" %x = input \"x\" : float32[2, 3, 12, 16] {maps} return \"y\" = %y";
        CompileOptions options = Options(("", "letterbox,fill=114"));
        Dictionary<string, long> dims = new() { ["height"] = 31, ["width"] = 19 };
        using CompiledGraph byRows = new(GraphParser.Parse(text), threads: 2, options: options, dims: dims), plain = new(GraphParser.Parse(text), optimize: false, options: options, dims: dims);
        TensorData image = RandomTensor.Of(ElementType.Float32, 4, 2, 3, 31, 19);
        Tensors.AssertClose(byRows.Run(image)[0], plain.Run(image)[0], 1e-6);
    }

    [Test]
    public void Readers_OfBytes_GetBytes()
    {
        ModelGraph graph = Run("graph \"g\" %x = input \"x\" : uint8[1, 4, 4, 1] %1 = Identity(%x) return \"y\" = %1", ("", "stretch"));
        Assert.That(graph.Outputs[0].Value.Type.ToString(), Is.EqualTo("uint8[1, 4, 4, 1]"));
    }

    [Test]
    public void Infer_AllocatesNothing()
    {
        using CompiledGraph compiled = new(GraphParser.Parse(Network), options: Options(("x", "letterbox")), dims: new Dictionary<string, long> { ["height"] = 20, ["width"] = 30 });
        compiled.Request.Infer();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++) compiled.Request.Infer();
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.Zero);
    }

    [TestCase("z", "no input 'z' (it has 'x')", "float32[1, 3, 4, 4]")]
    [TestCase("x", "not an image of 4 dims", "float32[3, 4, 4]")]
    [TestCase("x", "no axis of 1, 3 or 4 channels", "float32[1, 2, 4, 5]")]
    [TestCase("x", "by --shape", "float32[1, 3, N, 4]")]
    [TestCase("x", "not numbers", "bool[1, 3, 4, 4]")]
    [TestCase("x", "uint8, which 300 is not", "uint8[1, 3, 4, 4]")]
    [TestCase("x", "which has no pixels", "float32[1, 3, 4, 0]")]
    public void WhatDoesNotFit_IsRefused(string input, string message, string type)
    {
        string text = $"graph \"g\" symbol N = 1..4 %x = input \"x\" : {type} %1 = Identity(%x) return \"y\" = %1";
        Diagnostic diagnostic = Assert.Throws<DiagnosticException>(() => Run(text, (input, "letterbox,fill=300")))!.Diagnostic;
        Assert.That(diagnostic.Descriptor.Id, Is.EqualTo("LATHE0007"));
        Assert.That(diagnostic.Message, Does.StartWith("option --resize: ").And.Contain(message));
    }

    [Test]
    public void EmptyName_NeedsAnOnlyInput() => Assert.That(
        () => Run("graph \"g\" %x = input \"x\" : float32[1] %z = input \"z\" : float32[1] %1 = Add(%x, %z) return \"y\" = %1", ("", "crop")),
        Throws.TypeOf<DiagnosticException>().With.Message.Contains("several inputs"));

    [Test]
    public void OneInput_NamedTwice_IsRefused() =>
        Assert.That(() => Run(Network, ("", "crop"), ("x", "stretch")), Throws.TypeOf<DiagnosticException>().With.Message.Contains("given twice"));

    [TestCase("stretch", "", "stretch False 0")]
    [TestCase("x:0:letterbox, fill=114", "x:0", "letterbox False 114")]
    [TestCase("x:stretch,align_corners", "x", "stretch True 0")]
    public void Parse_Text_GivesAWay(string text, string input, string way)
    {
        (string name, Resizing parsed) = Resizing.Parse(text);
        Assert.That((name, parsed.Text), Is.EqualTo((input, way)));
    }

    [TestCase("", "is not one of stretch, letterbox, crop")]
    [TestCase("x:squash", "is not one of stretch, letterbox, crop")]
    [TestCase("letterbox,fill", "neither align_corners nor fill=NUMBER")]
    [TestCase("letterbox,fill=NaN", "neither align_corners nor fill=NUMBER")]
    [TestCase("letterbox,fill=1,fill=2", "given twice")]
    [TestCase("crop,align_corners", "for stretch, not crop")]
    [TestCase("crop,fill=1", "nothing to fill")]
    public void Parse_OtherText_IsRefused(string text, string message) =>
        Assert.That(() => Resizing.Parse(text), Throws.TypeOf<FormatException>().With.Message.Contains(message));

    private static TensorData Infer(CompiledGraph compiled, TensorData image, int height, int width)
    {
        using InferRequest request = compiled.Model.CreateRequest(new Dictionary<string, long> { ["height"] = height, ["width"] = width });
        image.Bytes.CopyTo(request.InputBytes(0));
        request.Infer();
        return TensorData.FromBytes(ElementType.Float32, request.OutputShape(0).ToArray(), request.OutputBytes(0).ToArray());
    }

    /// <summary>The image as a user would resize it outside, in float64: the definition, written without the operator.</summary>
    private static TensorData Resized(TensorData image, string way, int toHeight, int toWidth, bool planar)
    {
        (int h, int w, int c) = planar ? ((int)image.Dims[2], (int)image.Dims[3], (int)image.Dims[1]) : ((int)image.Dims[1], (int)image.Dims[2], (int)image.Dims[3]);
        TensorData y = TensorData.Zeros(ElementType.Float32, planar ? [1, c, toHeight, toWidth] : [1, toHeight, toWidth, c]);
        double fit = way.StartsWith("letterbox", StringComparison.Ordinal) ? Math.Min((double)toWidth / w, (double)toHeight / h) : Math.Max((double)toWidth / w, (double)toHeight / h);
        bool keeps = !way.StartsWith("stretch", StringComparison.Ordinal);
        int width = keeps ? Math.Max(1, (int)Math.Floor((w * fit) + 0.5 + 1e-9)) : toWidth, height = keeps ? Math.Max(1, (int)Math.Floor((h * fit) + 0.5 + 1e-9)) : toHeight;
        int left = (int)Math.Truncate((toWidth - width) / 2.0), top = (int)Math.Truncate((toHeight - height) / 2.0);
        for (int row = 0; row < toHeight; row++)
        {
            for (int column = 0; column < toWidth; column++)
            {
                (int r, int s) = (row - top, column - left);
                bool inside = r >= 0 && r < height && s >= 0 && s < width;
                double sy = Place(r, height, h), sx = Place(s, width, w);
                for (int channel = 0; channel < c; channel++)
                {
                    double above = Mix(At(Math.Floor(sy), Math.Floor(sx)), At(Math.Floor(sy), Math.Floor(sx) + 1), sx), below = Mix(At(Math.Floor(sy) + 1, Math.Floor(sx)), At(Math.Floor(sy) + 1, Math.Floor(sx) + 1), sx);
                    int at = planar ? (((channel * toHeight) + row) * toWidth) + column : (((row * toWidth) + column) * c) + channel;
                    y.SetDouble(at, inside ? Mix(above, below, sy) : 114);

                    double At(double y, double x)
                    {
                        (int atRow, int atColumn) = ((int)Math.Clamp(y, 0, h - 1), (int)Math.Clamp(x, 0, w - 1));
                        return image.GetDouble(planar ? (((channel * h) + atRow) * w) + atColumn : (((atRow * w) + atColumn) * c) + channel);
                    }
                }
            }
        }

        return y;

        double Place(int o, int to, int from) => way.EndsWith("align_corners", StringComparison.Ordinal)
            ? to == 1 ? 0 : (double)o * (from - 1) / (to - 1)
            : Math.Clamp(((o + 0.5) * from / to) - 0.5, 0, from - 1);

        static double Mix(double a, double b, double at) => a + ((b - a) * (at - Math.Floor(at)));
    }

    private static TensorData Image(ElementType element, int height, int width, bool planar)
    {
        TensorData image = RandomTensor.Of(ElementType.UInt8, height + width, planar ? [1, 3, height, width] : [1, height, width, 3]);
        if (element == ElementType.UInt8) return image;
        TensorData floats = TensorData.Zeros(element, image.Dims);
        for (int i = 0; i < floats.Count; i++) floats.SetDouble(i, image.GetDouble(i));
        return floats;
    }

    private static CompileOptions Options(params (string Input, string Text)[] ways) => new() { Verify = true, Resizing = ways.ToDictionary(w => w.Input, w => Resizing.Parse(w.Text).Way) };

    private static ModelGraph Run(string text, params (string Input, string Text)[] ways)
    {
        ModelGraph graph = new ResizeInputs().Run(GraphParser.Parse(text), new PassContext(Options(ways)));
        GraphVerifier.Verify(graph, nameof(ResizeInputs));
        return graph;
    }
}
