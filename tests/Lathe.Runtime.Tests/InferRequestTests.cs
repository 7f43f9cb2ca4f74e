namespace Lathe.Runtime.Tests;

public sealed class InferRequestTests
{
    [Test]
    public void Infer_TwoSteps_GivesTheirResult()
    {
        using CompiledModel model = CompiledModel.Create(new TestModule(PlanBuilder.ScaleAdd(), PlanBuilder.Factor(3)));
        using InferRequest request = model.CreateRequest();
        request.SetInput<float>("x", [1, 2, 3, 4, 5]);
        request.SetInput<float>("bias", [10, 20, 30, 40, 50]);
        request.Infer();
        Assert.That(request.Output<float>("y").ToArray(), Is.EqualTo(new float[] { 13, 26, 39, 52, 65 }));
    }
}
