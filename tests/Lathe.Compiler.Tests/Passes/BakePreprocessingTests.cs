using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Graph;
using Lathe.Compiler.Passes;

namespace Lathe.Compiler.Tests.Passes;

[TestFixture]
internal sealed class BakePreprocessingTests
{
    private const string PaddedConv = """
        graph "g"
        symbol N = 1..4
        %x = input "x" : float32[N, 3, 9, 8]
        %w = float32[5, 3, 3, 3] random(1)
        %1 = Conv(%x, %w, float32[5] random(2)) {Pads=[1, 2, 0, 1], Strides=[2, 1], Dilations=[1, 2]}
        return "y" = %1
        """;

    private static CompileOptions Options(string input, float[]? mean, float[]? scale) => new()
    {
        Verify = true,
        Mean = mean is null ? new Dictionary<string, float[]>() : new() { [input] = mean },
        Scale = scale is null ? new Dictionary<string, float[]>() : new() { [input] = scale },
    };

    private static Compiler.Graph.Graph Run(string text, CompileOptions options) => Pipeline.RunNormalise(GraphParser.Parse(text), new PassContext(options));

    /// <summary>What a user would do without the options: subtract and divide in front of the model, with images of 0 to 255.</summary>
    private static void AssertSameAsOutside(string text, CompileOptions options, float[] mean, float[] scale, int channelAxis = 1)
    {
        Compiler.Graph.Graph model = GraphParser.Parse(text), baked = Run(text, options);
        long[] dims = [.. model.Inputs[0].Value.Type.Dims.Select(d => d.IsConstant ? d.Value : 2)];
        TensorData image = RandomTensor.Of(Lathe.Runtime.ElementType.Float32, 5, dims);
        TensorData normalised = TensorData.Zeros(image.Element, image.Dims);
        long inner = image.Dims[(channelAxis + 1)..].Aggregate(1L, (a, b) => a * b);
        for (int i = 0; i < image.Count; i++)
        {
            image.SetDouble(i, Math.Round((image.GetDouble(i) + 1) * 127.5));
            long channel = i / inner % mean.Length;
            normalised.SetDouble(i, (image.GetDouble(i) - mean[channel]) / scale[channel]);
        }

        Tensors.AssertClose(GraphEvaluator.Run(baked, [image])[0], GraphEvaluator.Run(model, [normalised])[0], 2e-6);
    }

    [Test]
    public void MeanAndScale_GoIntoAPaddedConvolution_ExactlyAtItsBorders()
    {
        float[] mean = [123.675f, 116.28f, 103.53f], scale = [58.395f, 57.12f, 57.375f];
        CompileOptions options = Options("", mean, scale);
        string text = GraphPrinter.Print(Run(PaddedConv, options));
        Assert.That(text, Does.Not.Contain("Sub").And.Not.Contain("Div").And.Contain("float32[3] {123.675, 116.28, 103.53}"));
        AssertSameAsOutside(PaddedConv, options, mean, scale);
    }

    [Test]
    public void MeanAlone_AndScaleAlone_Fold()
    {
        float[] mean = [1, 2, 300], scale = [2, 0.5f, -3], one = [1, 1, 1], zero = [0, 0, 0];
        AssertSameAsOutside(PaddedConv, Options("x", mean, null), mean, one);
        AssertSameAsOutside(PaddedConv, Options("x", null, scale), zero, scale);
        Assert.That(GraphPrinter.Print(Run(PaddedConv, Options("x", null, scale))), Does.Not.Contain("float32[3] {"), "a scale alone leaves the border at zero");
    }

    [Test]
    public void GroupsAndAutomaticPadding_Fold()
    {
        const string text = """
            graph "g"
            %x = input "x" : float32[1, 4, 7, 7]
            %1 = Conv(%x, float32[6, 2, 3, 3] random(1)) {Group=2, AutoPad="SAME_UPPER", Strides=[2, 2]}
            return "y" = %1
            """;
        float[] mean = [100, 110, 120, 130], scale = [50, 60, 70, 80];
        Assert.That(GraphPrinter.Print(Run(text, Options("", mean, scale))), Does.Contain("float32[4] {100, 110, 120, 130}").And.Not.Contain("Div"));
        AssertSameAsOutside(text, Options("", mean, scale), mean, scale);
    }

    [Test]
    public void SeveralReaders_LeaveTheArithmeticInFront()
    {
        const string text = """
            graph "g"
            %x = input "x" : float32[1, 3, 6, 6]
            %1 = Conv(%x, float32[2, 3, 3, 3] random(1)) {Pads=[1, 1, 1, 1]}
            %2 = MaxPool(%x) {KernelShape=[2, 2]}
            return "y" = %1, "z" = %2
            """;
        float[] mean = [10, 20, 30], scale = [2, 3, 4];
        Assert.That(GraphPrinter.Print(Run(text, Options("", mean, scale))), Does.Contain("Div(").And.Contain("Add("));
        AssertSameAsOutside(text, Options("", mean, scale), mean, scale);
    }

    [Test]
    public void ChannelsLast_IsRecognised()
    {
        const string text = """
            graph "g"
            %x = input "x" : float32[1, 6, 6, 3]
            %1 = Transpose(%x) {Perm=[0, 3, 1, 2]}
            %2 = Conv(%1, float32[2, 3, 3, 3] random(1)) {Pads=[1, 1, 1, 1]}
            return "y" = %2
            """;
        float[] mean = [10, 20, 30], scale = [2, 3, 4];
        Assert.That(GraphPrinter.Print(Run(text, Options("", mean, scale))), Does.Not.Contain("Div"));
        AssertSameAsOutside(text, Options("", mean, scale), mean, scale, channelAxis: 3);
    }

    [Test]
    public void WithoutOptimisation_TheMeaningIsTheSame()
    {
        float[] mean = [10, 20, 30], scale = [2, 3, 4];
        AssertSameAsOutside(PaddedConv, Options("", mean, scale) with { Optimize = false }, mean, scale);
    }

    [TestCase("nothing", new float[] { 1, 2, 3 }, null, "--mean: the model has no input 'nothing'")]
    [TestCase("x", new float[] { 1, 2 }, null, "--mean: 2 values do not fit")]
    [TestCase("x", new float[] { 1, 2, float.NaN }, null, "--mean: a value is not finite")]
    [TestCase("x", null, new float[] { 1, 0, 3 }, "--scale: a scale is zero")]
    [TestCase("x", null, new float[] { 1, 2, 3, 4 }, "--scale: 4 values do not fit")]
    public void WrongOptions_AreRefused(string input, float[]? mean, float[]? scale, string message)
    {
        Diagnostic diagnostic = Assert.Throws<DiagnosticException>(() => Run(PaddedConv, Options(input, mean, scale)))!.Diagnostic;
        Assert.That(diagnostic.Descriptor.Id, Is.EqualTo("LATHE0007"));
        Assert.That(diagnostic.Message, Does.Contain(message));
    }

    [TestCase("float32[3, 4]", "not an image")]
    [TestCase("uint8[1, 3, 4, 4]", "not floats")]
    public void InputsThatAreNoImages_AreRefused(string type, string message) => Assert.That(
        () => Run($"graph \"g\" %x = input \"x\" : {type} %1 = Identity(%x) return \"y\" = %1", Options("", [1, 2, 3], null)),
        Throws.TypeOf<DiagnosticException>().With.Message.Contains(message));

    [Test]
    public void EmptyName_NeedsAnOnlyInput() => Assert.That(
        () => Run("graph \"g\" %x = input \"x\" : float32[1] %z = input \"z\" : float32[1] %1 = Add(%x, %z) return \"y\" = %1", Options("", [1], null)),
        Throws.TypeOf<DiagnosticException>().With.Message.Contains("several inputs"));
}
