using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Graph;
using static Lathe.Compiler.Tests.Operators.OperatorCase;

namespace Lathe.Compiler.Tests.Operators;

/// <summary>Losses against values worked out by hand.</summary>
internal sealed class LossTests
{
    private static readonly TensorData Logarithms = TensorData.OfFloats([-1, -2, -3, -4, -5, -6], 2, 3), Weights = Floats(2, 1, 3);

    [TestCase("none", false, new float[] { 3, 4 })]
    [TestCase("sum", false, new float[] { 7 })]
    [TestCase("mean", false, new[] { 3.5f })]
    [TestCase("none", true, new float[] { 9, 8 })]
    [TestCase("mean", true, new[] { 17f / 5 })]
    public void NegativeLogLikelihood_OfTwoTargets(string reduction, bool weighted, float[] expected)
    {
        TensorData?[] inputs = [Logarithms, TensorData.OfInt64s(2, 0), weighted ? Weights : null];
        Assert.That(Import("NegativeLogLikelihoodLoss", 13, inputs, ("reduction", reduction))[0].Span<float>().ToArray(), Is.EqualTo(expected).Within(1e-6));
    }

    [TestCase("none", new float[] { 0, 8 })]
    [TestCase("mean", new float[] { 4 })]
    public void NegativeLogLikelihood_IgnoresATarget_ThatNeedBeNoClass(string reduction, float[] expected)
    {
        TensorData?[] inputs = [Logarithms, TensorData.OfInt64s(-100, 0), Weights];
        Assert.That(
            Import("NegativeLogLikelihoodLoss", 13, inputs, ("reduction", reduction), ("ignore_index", -100L))[0].Span<float>().ToArray(), Is.EqualTo(expected));
    }

    [Test]
    public void NegativeLogLikelihood_OfWhatDoesNotFit_IsRefused()
    {
        Assert.That(() => Import("NegativeLogLikelihoodLoss", 13, [Logarithms, TensorData.OfInt64s(1)]), Throws.TypeOf<DiagnosticException>().With.Message.Contain("targets"));
        Assert.That(
            () => Import("NegativeLogLikelihoodLoss", 13, [Logarithms, TensorData.OfInt64s(1, 1), Floats(1)]), Throws.TypeOf<DiagnosticException>().With.Message.Contain("weights"));
        Assert.That(
            () => Import("NegativeLogLikelihoodLoss", 13, [Logarithms, TensorData.OfInt64s(1, 1)], ("reduction", "most")), Throws.TypeOf<DiagnosticException>());
    }

    [Test]
    public void SoftmaxCrossEntropy_GivesItsLogarithmsToo()
    {
        TensorData[] outputs = Import("SoftmaxCrossEntropyLoss", 13, 2, [TensorData.OfFloats([0, 0], 1, 2), TensorData.OfInt64s(1)]);
        Assert.That(outputs[0].Dims, Is.Empty);
        Assert.That(outputs[0].GetDouble(0), Is.EqualTo(Math.Log(2)).Within(1e-6));
        Assert.That(outputs[1].Span<float>().ToArray(), Is.All.EqualTo(-Math.Log(2)).Within(1e-6));
    }
}
